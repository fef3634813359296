"""Swapping: it waits for its own memory to come back from disk."""

from __future__ import annotations

from procession.table.explain.finding import NOTE, Finding
from procession.units import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts

RATE = 20.0  # pages a second
SHARE = 0.5  # of its memory in swap


def explain(facts: Facts) -> Finding | None:
    """By its major faults now, and by how much of it is in swap."""
    faults = facts.rate.faults if facts.rate is not None else 0.0
    mostly_out = facts.swap > SHARE * (facts.rss + facts.swap) and facts.swap > 1 << 20
    if not (faults >= RATE or mostly_out):
        return None
    words = f"{size(facts.swap)} of it are in swap, {size(facts.rss)} in memory"
    if faults >= RATE:
        source = "swap or from files" if facts.swap else "files"
        headline = f"waits for memory: {faults:.0f} pages a second are read from {source}"
    else:
        headline = "mostly swapped out: it will be slow when it goes on"
    return Finding("swapping", NOTE, headline, (words,), (), ("see who uses the memory: pn ps --sort=-rss",))
