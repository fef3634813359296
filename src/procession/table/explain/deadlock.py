"""A deadlock: a ring of processes or threads, each of which waits for the next."""

from __future__ import annotations

from procession.table.explain.asleep import phrase
from procession.table.explain.finding import WRONG, Finding
from procession.table.explain.words import listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts


def explain(facts: Facts) -> Finding | None:
    """Of one that is in the ring, or waits for it."""
    ring = facts.ring
    if ring is None:
        return None
    pids = ring.pids
    one = len(pids) == 1
    lines = []
    for wait in ring.waits:
        who = f"thread {wait.tid}" if one and len(ring.waits) > 1 else facts.name(wait.pid)
        lines.append(f"{who} {phrase(wait, facts)}")
    if ring.victims:
        lines.append(
            f"because of it these cannot go on either: {listed([f'pid {pid}' for pid in ring.victims])}"
        )
    return Finding(
        "deadlock", WRONG, _headline(facts, pids), tuple(lines), (*pids, *ring.victims), tuple(_todo(facts))
    )


def _headline(facts: Facts, pids: tuple[int, ...]) -> str:
    ring = facts.ring
    assert ring is not None
    inside = facts.me.pid in pids
    if len(pids) > 1:
        round_trip = " → ".join(f"pid {pid}" for pid in (*pids, pids[0]))
        return f"{'in' if inside else 'waits for'} a deadlock: {round_trip}: each waits for the next"
    if len(ring.waits) > 1:
        tids = [wait.tid for wait in ring.waits]
        whose = "of its threads" if inside else f"of threads of {facts.name(pids[0])}"
        return f"a deadlock {whose}: {' → '.join(map(str, (*tids, tids[0])))}: each waits for the next"
    return (
        "a deadlock with itself: only the process itself could end its wait"
        if inside
        else f"waits for {facts.name(pids[0])}, which waits for itself"
    )


def _todo(facts: Facts) -> list[str]:
    ring = facts.ring
    assert ring is not None
    return [f"nothing will change by itself: end one of them, for instance pn kill {ring.pids[-1]}"]
