"""Runs: how much of a CPU it gets."""

from __future__ import annotations

from procession.table.explain.finding import FINE, Finding
from procession.table.explain.words import long
from procession.units import number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts


def explain(facts: Facts) -> Finding | None:
    """Of one with a thread in state R."""
    running = facts.thread_states.count("R")
    if facts.me.state != "R" and (not running or facts.me.state != "S"):
        return None
    threads = len(facts.thread_states)
    of = f": {number(max(running, 1), 'thread')} of {threads}" if threads > 1 else ""
    why = [f"over its life of {long(facts.me.age)}: {facts.lifetime_cpu:.0%} of one CPU"]
    if facts.rate is not None:
        why.insert(0, f"in the last {facts.rate.seconds:.1f} s: {facts.rate.cpu:.0%} of one CPU")
    return Finding("running", FINE, f"running{of}", tuple(why))
