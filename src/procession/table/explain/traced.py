"""Held or watched by a debugger (ptrace(2))."""

from __future__ import annotations

from procession.table.explain.finding import NOTE, Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts


def explain(facts: Facts) -> Finding | None:
    """Also of one that runs on under strace."""
    tracer = facts.tracer
    if facts.me.state != "t":
        if tracer is None:
            return None
        return Finding("traced", NOTE, f"watched by {tracer} (ptrace)", (), (tracer.pid,))
    whom = f"by {tracer}" if tracer is not None else "by a debugger that we cannot see"
    return Finding(
        "traced",
        NOTE,
        f"held {whom} (ptrace): it does nothing until that lets it go on",
        (),
        (tracer.pid,) if tracer is not None else (),
        ("continue or detach in the debugger; when the debugger ends, it goes on",),
    )
