"""A thread of the kernel: no program, nothing to kill."""

from __future__ import annotations

from procession.table.explain.finding import FINE, Finding
from procession.table.explain.words import STATES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts


def explain(facts: Facts) -> Finding | None:
    """What can be said of one."""
    if not facts.is_kernel_thread:
        return None
    at = f"; the kernel function is {facts.wchan}" if facts.wchan else ""
    words = f"a thread of the kernel, {STATES.get(facts.me.state, facts.me.state)}{at}"
    return Finding("kernel thread", FINE, words, ("it runs no program and takes no signals",))
