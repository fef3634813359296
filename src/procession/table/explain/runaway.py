"""A runaway: it has used a whole CPU for long, and uses one now."""

from __future__ import annotations

from procession.table.explain.finding import NOTE, WRONG, Finding
from procession.table.explain.words import long
from procession.table.family import LEFT, STRAY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts

NOW, LIFE = 0.9, 0.8  # of a CPU
LONG, VERY_LONG = 60.0, 600.0  # seconds


def explain(facts: Facts) -> Finding | None:
    """Whether that is meant cannot be known; that nobody is there who would want the result is a hint."""
    if facts.rate is None or facts.rate.cpu < NOW or facts.lifetime_cpu < LIFE or facts.me.age < LONG:
        return None
    is_orphan = facts.origin in (STRAY, LEFT)
    who = "; whoever started it has ended" if is_orphan else ""
    return Finding(
        "runaway",
        WRONG if is_orphan or facts.me.age >= VERY_LONG else NOTE,
        f"may be a runaway: it has used {facts.lifetime_cpu:.0%} of a CPU for {long(facts.me.age)}, and does now{who}",
        (),
        (),
        (f"see where it is: pn stack {facts.me.pid}", f"give it less: pn nice +10 {facts.me.pid}"),
    )
