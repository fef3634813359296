"""What a request has to say, checked: it may be anything."""

from __future__ import annotations

from procession.errors import NoSuchJob
from procession.jobs import names
from procession.jobs.plain import Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.jobs.job import Job
    from procession.jobs.plan import Plan

_MAX = 100_000  # words in one request


def job(plan: Plan, message: dict[str, Any]) -> Job:
    """The one in ``job``.  Raises NoSuchJob, Malformed."""
    return _job(plan, message.get("job"))


def jobs(plan: Plan, message: dict[str, Any], field: str = "jobs") -> list[Job]:
    """All in ``jobs``, each once.  Raises NoSuchJob, Malformed."""
    found = message.get(field)
    if not isinstance(found, list) or len(found) > _MAX:
        raise Malformed(f"{field}: a list of jobs is wanted")
    return list({job.id: job for job in (_job(plan, word) for word in found)}.values())


def _job(plan: Plan, word: object) -> Job:
    if type(word) is int:
        found = plan.jobs.get(word)
        if found is None:
            raise NoSuchJob(f"there is no job {word}")
        return found
    if isinstance(word, str):
        return names.find(plan, word)
    raise Malformed("a job is a number or a word")


def value(message: dict[str, Any], field: str, kinds: tuple[type, ...], default: Any = None) -> Any:
    """A field of one of these kinds; a bool is no number.  Raises Malformed."""
    found = message.get(field, default)
    if type(found) is int and float in kinds:
        found = float(found)
    if found is default or (type(found) in kinds and (not isinstance(found, float) or found - found == 0)):
        return found
    raise Malformed(f"{field}: {' or '.join(kind.__name__ for kind in kinds)} is wanted")


def number(message: dict[str, Any], field: str, low: float, high: float, default: Any = None) -> Any:
    """A number from ``low`` to ``high``, as a float.  Raises Malformed."""
    found = value(message, field, (float,), default)
    if found is not default and not low <= found <= high:
        raise Malformed(f"{field}: it must be from {low:g} to {high:g}")
    return found


def environment(message: dict[str, Any]) -> dict[str, str]:
    """The one in ``env``.  Raises Malformed."""
    found = message.get("env")
    if not isinstance(found, dict):
        raise Malformed("env: an object is wanted")
    for name, text in found.items():
        if not isinstance(text, str) or "\0" in name + text or "=" in name or not name:
            raise Malformed("env: names without = and texts are wanted, neither with a zero byte")
    return found
