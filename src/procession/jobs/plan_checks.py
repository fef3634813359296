"""What is refused when it is asked for: specs that cannot be meant, names that cannot be told apart."""

from __future__ import annotations

from procession.errors import JobsError
from procession.jobs.plan_line import prerequisites
from procession.jobs.spec import ALWAYS, END, NO, ON_FAILURE, WAIT, Spec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from procession.jobs.job import Job

_NAME_MAX = 200  # characters
_YEAR = 366 * 86400.0
_LATEST = 253402214400.0  # Unix time: the last day of the year 9999, which localtime(3) can still show
_BYTES = 2**62


def check_spec(spec: Spec) -> None:
    """Raises JobsError with the first thing that is wrong with it."""
    _check_command(spec)
    _check_words(spec)
    for name, low, high in _RANGES:
        value = getattr(spec, name)
        if value is not None and not low <= value <= high:
            raise JobsError(f"{_called(name)} {value:g}: it must be from {low:g} to {high:g}")
    for name in ("memory", "cpu", "files", "timeout"):
        if getattr(spec, name) == 0:
            raise JobsError(f"{_called(name)} 0: nothing could run with that; leave it away for no limit")
    if spec.retries and spec.restart != NO:
        raise JobsError("retries and restart: choose one; restart has a limit of its own")


def _check_command(spec: Spec) -> None:
    if spec.adopt is not None:
        if spec.command or spec.adopt <= 1:
            raise JobsError("adopt: a process has a pid above 1, and no command of its own to start")
        if spec.retries or spec.restart != NO:
            raise JobsError("adopt: a process that was not started here cannot be started again")
    elif not spec.command or not spec.command[0]:
        raise JobsError("there is no command")
    elif spec.shell and len(spec.command) != 1:
        raise JobsError(f"a line for the shell is one word, not {len(spec.command)}")
    if not spec.cwd.startswith("/"):
        raise JobsError(f"cwd {spec.cwd!r}: it must be an absolute path")


def _check_words(spec: Spec) -> None:
    if spec.restart not in (NO, ON_FAILURE, ALWAYS):
        raise JobsError(f"restart {spec.restart!r}: it is one of {NO}, {ON_FAILURE}, {ALWAYS}")
    if spec.leftovers not in (END, WAIT):
        raise JobsError(f"leftovers {spec.leftovers!r}: it is one of {END}, {WAIT}")
    check_name("name", spec.name, may_be_empty=True)
    check_name("group", spec.group)
    kind, _, value = spec.ready.partition(":")
    if spec.ready and (kind not in ("log", "port", "file") or not value):
        raise JobsError(f"ready {spec.ready!r}: it is log:TEXT, port:N or file:PATH")
    if kind == "port" and not (value.isascii() and value.isdecimal() and 0 < int(value) < 65536):
        raise JobsError(f"ready {spec.ready!r}: a port is a number from 1 to 65535")


def check_name(what: str, name: str, *, may_be_empty: bool = False) -> None:
    """Of a job or a group.  Raises JobsError for one that no command line could name."""
    if not name:
        if may_be_empty:
            return
        raise JobsError(f"a {what} needs at least one character")
    if len(name) > _NAME_MAX:
        raise JobsError(f"a {what} of {len(name)} characters: at most {_NAME_MAX} are allowed")
    if name.isdecimal():
        raise JobsError(f"{what} {name!r}: a number is taken for a job's number")
    if name.startswith(("%", "-")) or name != name.strip():
        raise JobsError(f"{what} {name!r}: it must not begin with % or -, nor begin or end with a space")


def check_prerequisites(jobs: Mapping[int, Job], spec: Spec) -> None:
    """All that are named must be there; for a new job that is enough, since nobody waits for it.  Raises JobsError."""
    for n in prerequisites(spec):
        if n not in jobs:
            raise JobsError(f"there is no job {n} to wait for")


def check_circle(jobs: Mapping[int, Job], job: int, spec: Spec) -> None:
    """None of those that are named may wait for this one, nor for one that does.  Raises JobsError."""
    if job in prerequisites(spec):
        raise JobsError(f"job {job} cannot wait for itself")
    way = _way(jobs, prerequisites(spec), job)
    if way:
        told = ", which waits for ".join(f"job {n}" for n in way)
        raise JobsError(f"job {job} would wait for itself: it for {told}")


def _way(jobs: Mapping[int, Job], starts: Iterable[int], goal: int) -> list[int]:
    """Along what they wait for: from one of ``starts`` to ``goal``; [] if there is none."""
    came_from = dict.fromkeys(starts, 0)
    todo = list(came_from)
    while todo:
        at = todo.pop()
        if at == goal:
            way = []
            while at:
                way.append(at)
                at = came_from[at]
            return way[::-1]
        for n in prerequisites(jobs[at].spec) if at in jobs else ():
            if n not in came_from:
                came_from[n] = at
                todo.append(n)
    return []


def _called(name: str) -> str:
    return name.replace("_", " ")


_RANGES = (
    ("at", 0, _LATEST),
    ("priority", -1_000_000, 1_000_000),
    ("retries", 0, 1_000_000),
    ("backoff", 0, _YEAR),
    ("restart_delay", 0, _YEAR),
    ("restart_cap", 0, _YEAR),
    ("restart_limit", 1, 1_000),
    ("restart_within", 1, _YEAR),
    ("jitter", 0, 1),
    ("timeout", 0, 100 * _YEAR),
    ("grace", 0, _YEAR),
    ("memory", 0, _BYTES),
    ("cpu", 0, 100_000),
    ("files", 0, 2**31 - 1),
    ("umask", 0, 0o777),
    ("nice", -20, 19),
    ("rows", 1, 32767),
    ("columns", 1, 32767),
    ("adopt_start", 0, _BYTES),
)
