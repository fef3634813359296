"""Jobs, runs and groups as JSON objects, for the book, the wire and ``--json``.

As ``plain.py`` has records; the state has its kind beside its own facts: ``{"kind": "running", "run": 1, ...}``.
"""

from __future__ import annotations

from procession.jobs.job import (
    ENDED,
    ENDING,
    RESTING,
    RUNNING,
    STARTING,
    SUSPENDED,
    WAITING,
    Ended,
    Ending,
    Group,
    Job,
    Resting,
    Run,
    Running,
    Starting,
    State,
    Suspended,
    Waiting,
)
from procession.jobs.outcome import Outcome
from procession.jobs.plain import Malformed, plain, to_record
from procession.jobs.spec import Spec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_KINDS: dict[type, str] = {
    Waiting: WAITING,
    Starting: STARTING,
    Running: RUNNING,
    Suspended: SUSPENDED,
    Ending: ENDING,
    Resting: RESTING,
    Ended: ENDED,
}
_STATES = {kind: cls for cls, kind in _KINDS.items()}


def kind_of(state: State) -> str:
    """Its name: "waiting", "running" ..."""
    return _KINDS[type(state)]


def state_to_plain(state: State) -> dict[str, Any]:
    """``kind`` comes first."""
    return {"kind": _KINDS[type(state)], **plain(state)}


def state_from_plain(found: object) -> State:
    """Raises Malformed."""
    if not isinstance(found, dict) or not isinstance(found.get("kind"), str) or found["kind"] not in _STATES:
        raise Malformed(f"state: an object with one of the kinds {', '.join(_STATES)} is wanted")
    facts = {name: value for name, value in found.items() if name != "kind"}
    if found["kind"] == ENDED:
        if facts.keys() != {"outcome"}:
            raise Malformed("state: an outcome and nothing else is wanted of a job that has ended")
        return Ended(to_record(Outcome, facts["outcome"], "outcome"))
    state: State = to_record(_STATES[found["kind"]], facts, "state")
    return state


def job_to_plain(job: Job) -> dict[str, Any]:
    """With its spec and state as objects."""
    return {**plain(job), "state": state_to_plain(job.state)}


def job_from_plain(found: object) -> Job:
    """Raises Malformed."""
    rest, spec, state = _taken(found, "job", "spec", "state")
    return to_record(Job, rest, "job", spec=to_record(Spec, spec, "spec"), state=state_from_plain(state))


def run_to_plain(run: Run) -> dict[str, Any]:
    """With its outcome as an object, or null."""
    return plain(run)


def run_from_plain(found: object) -> Run:
    """Raises Malformed."""
    rest, outcome = _taken(found, "run", "outcome")
    return to_record(
        Run, rest, "run", outcome=None if outcome is None else to_record(Outcome, outcome, "outcome")
    )


def group_from_plain(found: object) -> Group:
    """Raises Malformed."""
    return to_record(Group, found, "group")


def _taken(found: object, what: str, *names: str) -> tuple[Any, ...]:
    """The object without these fields, and their values."""
    if not isinstance(found, dict):
        raise Malformed(f"{what}: an object is wanted")
    return {n: v for n, v in found.items() if n not in names}, *(found.get(name) for name in names)
