"""Which job a word means: ``3``, ``%3``, ``%+`` (or ``%%``, ``%``), ``%-``, ``%name``, ``%?text``, ``name``.

As in bash: ``%name`` is the beginning of a name or command, ``%?text`` any part of one, and more than one job that fits
is an error.  Those that have not ended go before those that have, and a whole name before the beginning of one.  A
plain ``name`` must be the whole name, and means the newest job that has it.
"""

from __future__ import annotations

from procession.errors import NoSuchJob
from procession.jobs.job import Ended, Job
from procession.jobs.words_command import command_words, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from procession.jobs.plan_known import Known

_TOLD = 5  # candidates in an error


def find(plan: Known, word: str) -> Job:
    """Raises NoSuchJob, which tells what there is instead."""
    if not word.startswith("%"):
        return _numbered(plan, word) if _is_number(word) else _named(plan, word)
    rest = word[1:]
    if rest in ("", "+", "%"):
        return _found(current(plan), "there is no job yet")
    if rest == "-":
        return _found(previous(plan), "there is no job before the current one")
    if _is_number(rest):
        return _numbered(plan, rest)
    if rest.startswith("?"):
        return _only(plan, word, lambda text: rest[1:] in text)
    return _only(plan, word, lambda text: text.startswith(rest))


def current(plan: Known) -> Job | None:
    """The job that somebody has last done something to."""
    return max(plan.jobs.values(), key=_touched, default=None)


def previous(plan: Known) -> Job | None:
    """The one before; None: there is only one."""
    last = current(plan)
    return max((job for job in plan.jobs.values() if job is not last), key=_touched, default=None)


def _touched(job: Job) -> int:
    return job.touched


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) < 19


def _numbered(plan: Known, word: str) -> Job:
    return _found(plan.jobs.get(int(word)), f"there is no job {int(word)}")


def _named(plan: Known, word: str) -> Job:
    newest = max(
        (job for job in plan.jobs.values() if word and job.spec.name == word),
        key=lambda job: job.id,
        default=None,
    )
    return _found(
        newest, f"there is no job with the name {safe(word)!r}: one whose command begins so is %{safe(word)}"
    )


def _only(plan: Known, word: str, fits: Callable[[str], bool]) -> Job:
    found = [job for job in plan.jobs.values() if any(map(fits, _texts(job)))]
    for better in (
        [job for job in found if not isinstance(job.state, Ended)],
        [job for job in found if job.spec.name == word[1:]],
    ):
        found = better or found
    if len(found) > 1:
        more = f" and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
        told = ", ".join(f"{job.id} ({_called(job)})" for job in found[:_TOLD])
        raise NoSuchJob(f"{safe(word)} may mean several jobs: {told}{more}")
    return _found(found[0] if found else None, f"no job fits {safe(word)}")


def _texts(job: Job) -> Iterable[str]:
    return (job.spec.name, command_words(job.spec)) if job.spec.name else (command_words(job.spec),)


def _called(job: Job) -> str:
    text = safe(job.spec.name) or command_words(job.spec)
    return text if len(text) <= 30 else f"{text[:27]}..."


def _found(job: Job | None, otherwise: str) -> Job:
    if job is None:
        raise NoSuchJob(otherwise)
    return job
