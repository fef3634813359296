"""What both clients share: requests as frames, answers as records.  No socket here."""

from __future__ import annotations

import os

from procession.errors import DaemonGone, JobsError, NoSuchJob
from procession.jobs.job import Group, Job, Run
from procession.jobs.job_plain import job_from_plain, run_from_plain
from procession.jobs.outcome import Outcome
from procession.jobs.plain import Malformed, plain, to_record
from procession.jobs.spec import Spec
from procession.jobs.wire import JSON, json_of
from procession.records import fields_of, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    Which = int | str  # a number, or a word as a shell has them


class Lost(DaemonGone):
    """There was a daemon, and it is there no more: another may be asked."""


class Unsent(Lost):
    """It was gone before it had all of the request: so it has not done it."""


@record
class Event:
    """A change.  ``kind``: "job" (it is new, or its state or spec is another), "run", "removed", "group" or
    "group-removed"; ``id``: of the job, None for a group; one of the others says what it is now."""

    kind: str
    id: int | None = None
    job: Job | None = None
    run: Run | None = None
    group: Group | None = None
    name: str = ""


def spec_of(command: Sequence[str] | str, fields: Mapping[str, Any]) -> Spec:
    """A text is for the shell, words are not.  The folder and the umask are those of this process.  Raises JobsError
    for a field that there is not, or of another kind."""
    if isinstance(command, str):
        fields = {"shell": True, **fields}
        command = (command,)
    given = {"cwd": _folder, "umask": _umask}
    values = {name: make() for name, make in given.items() if name not in fields}
    values |= {
        name: list(value) if isinstance(value, tuple | list) else value for name, value in fields.items()
    }
    try:
        return to_record(Spec, {"command": list(command), **values}, "submit")
    except Malformed as error:
        raise JobsError(str(error)) from None


def _folder() -> str:
    return os.getcwd()


def _umask() -> int:
    found = os.umask(0o077)
    os.umask(found)
    return found


def submission(
    command: Sequence[str] | str, env: Mapping[str, str] | None, token: str | None, fields: Mapping[str, Any]
) -> dict[str, Any]:
    """The request.  ``env``: None is the environment of this process."""
    environment = dict(os.environ if env is None else env)
    return {
        "do": "submit",
        "spec": plain(spec_of(command, fields)),
        "env": environment,
        "token": os.urandom(16).hex() if token is None else token,
    }


def answer_of(kind: bytes, body: bytes) -> dict[str, Any]:
    """The object.  Raises DaemonGone for what is none, and the error that it tells."""
    if kind != JSON:
        raise Lost("the daemon of the jobs gave an answer of another kind")
    try:
        found = json_of(body)
    except Malformed as error:
        raise Lost(f"the daemon of the jobs sent {error}") from None
    raise_error(found)
    return found


def raise_error(found: Mapping[str, Any]) -> None:
    """That which an answer tells, if it tells one."""
    if "error" in found:
        raise (NoSuchJob if found.get("kind") == "no-such-job" else JobsError)(str(found["error"]))


def jobs_of(answer: Mapping[str, Any]) -> list[Job]:
    """Of ``list``."""
    return [job_from_plain(found) for found in answer["jobs"]]


def runs_of(found: Iterable[Mapping[str, Any]]) -> list[Run]:
    """Of ``show`` and ``history``."""
    names = Run.__match_args__
    return [run_from_plain({name: run[name] for name in names if name in run}) for run in found]


def outcomes_of(answer: Mapping[str, Any]) -> dict[int, Outcome]:
    """Of ``wait``."""
    return {int(number): to_record(Outcome, found, "outcome") for number, found in answer["outcomes"].items()}


def groups_of(answer: Mapping[str, Any]) -> list[Group]:
    """Of ``group`` and ``list``."""
    return [to_record(Group, found, "group") for found in answer["groups"]]


def event_of(found: Mapping[str, Any]) -> Event:
    """Of ``watch``."""
    kind = found["event"]
    if kind == "job":
        job = job_from_plain(found["job"])
        return Event(kind, job.id, job=job)
    if kind == "run":
        run = run_from_plain(found["run"])
        return Event(kind, run.job, run=run)
    if kind == "removed":
        return Event(kind, found["job"])
    if kind == "group":
        group = to_record(Group, found["group"], "group")
        return Event(kind, group=group, name=group.name)
    return Event(kind, name=str(found.get("group", "")))


def plain_changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Of ``edit``: as JSON has them.  Raises JobsError for a field that there is not."""
    known = fields_of(Spec(()))
    for name in changes:
        if name not in known:
            raise JobsError(f"a job has no field {name!r}")
    return {name: list(value) if isinstance(value, tuple) else value for name, value in changes.items()}
