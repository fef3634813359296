"""Phrases that several explanations use."""

from __future__ import annotations

from procession.units import number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from procession.table.facts import Facts
    from procession.table.waits import Party, Wait

_NAMED = 4  # processes in one sentence

STATES = {
    "R": "runs or waits for a CPU",
    "S": "asleep",
    "D": "asleep and deaf to signals",
    "T": "stopped",
    "t": "held by a debugger",
    "Z": "a zombie",
    "X": "dead",
    "I": "idle",
}


def long(seconds: float) -> str:
    """A length of time in words: ``42 seconds``, ``3 minutes``, ``5 hours``, ``12 days``."""
    for length, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * length:
            return number(int(seconds / length), unit)
    return number(int(seconds), "second") if seconds >= 1 else "less than a second"


def listed(words: Sequence[str]) -> str:
    """``a, b and c``; of many the first few and how many more."""
    if len(words) > _NAMED + 1:
        return f"{', '.join(words[:_NAMED])} and {len(words) - _NAMED} more"
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


def names(facts: Facts, parties: Iterable[Party]) -> str:
    """``pid 7 (cat), which is stopped, and pid 8 (sort)``."""
    found = []
    for party in parties:
        if party.tid and party.pid == facts.me.pid:
            found.append(f"thread {party.tid}")
            continue
        who = facts.people.get(party.pid)
        extra = f", which is {STATES[who.state]}" if who is not None and who.state in "TtZ" else ""
        found.append(facts.name(party.pid) + (f", thread {party.tid}" if party.tid else "") + extra)
    return listed(found)


def unseen(wait: Wait) -> str:
    """What to add where somebody may hold the other end who cannot be seen."""
    return " (of those that we may look into; root may look into all)" if wait.unseen else ""


def limit(wait: Wait) -> str:
    """``, for 30 seconds at most``; "" without a limit."""
    return f", for {long(wait.timeout)} at most" if wait.timeout is not None else ""
