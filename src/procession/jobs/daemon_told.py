"""What a keeper tells of its run, made into an event of the plan.  docs/decisions/0013-jobs.md has the messages."""

from __future__ import annotations

from procession.jobs.job import Suspended
from procession.jobs.outcome import Outcome
from procession.jobs.plain import Malformed, to_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.jobs.daemon_ledger import Ledger

    Key = tuple[int, int]


def hear(ledger: Ledger, key: Key, message: dict[str, Any]) -> str:
    """The kind of the message.  Raises Malformed."""
    kind = str(message.get("event"))
    does = _EVENTS.get(kind)
    if does is not None:
        try:
            does(ledger, key, message)
        except (KeyError, TypeError, ValueError) as error:
            raise Malformed(f"a keeper told nonsense: {error}") from None
    return kind


def _state(ledger: Ledger, key: Key, message: dict[str, Any]) -> None:
    """All at once, to a daemon that is new to the run."""
    if not message["pid"]:
        return
    _began(ledger, key, {**message, "at": message["since"]})
    ready, suspended = message.get("ready"), message.get("suspended")
    if ready is not None:
        _ready(ledger, key, {"at": ready})
    if suspended is not None:
        _suspended(ledger, key, {"at": suspended})
    elif _is_suspended(ledger, key):
        _continued(ledger, key, {"at": message["since"]})


def _is_suspended(ledger: Ledger, key: Key) -> bool:
    job = ledger.plan.jobs.get(key[0])
    return job is not None and isinstance(job.state, Suspended) and job.state.run == key[1]


def _began(ledger: Ledger, key: Key, message: dict[str, Any]) -> None:
    pid, start, at = int(message["pid"]), int(message["start"]), float(message["at"])
    level = str(message.get("level") or "")
    ledger.hear(lambda plan, now: plan.began(*key, pid, start, at, level, now))


def _ready(ledger: Ledger, key: Key, message: dict[str, Any]) -> None:
    at = float(message["at"])
    ledger.hear(lambda plan, now: plan.ready(*key, at, now))


def _suspended(ledger: Ledger, key: Key, message: dict[str, Any]) -> None:
    at, why = float(message["at"]), str(message.get("why") or "")
    ledger.hear(lambda plan, now: plan.suspended(*key, at, now, why))


def _continued(ledger: Ledger, key: Key, message: dict[str, Any]) -> None:
    at = float(message["at"])
    ledger.hear(lambda plan, now: plan.continued(*key, at, now))


def _ended(ledger: Ledger, key: Key, message: dict[str, Any]) -> None:
    outcome = to_record(Outcome, message["outcome"], "outcome")
    ledger.hear(lambda plan, now: plan.ended(*key, outcome, now))


_EVENTS = {
    "state": _state,
    "began": _began,
    "ready": _ready,
    "suspended": _suspended,
    "continued": _continued,
    "ended": _ended,
}
