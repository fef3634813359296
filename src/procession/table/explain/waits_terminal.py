"""Asleep at a terminal: for somebody to type, or for somebody to let its output through."""

from __future__ import annotations

from procession.table.explain.words import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts
    from procession.table.waits import Wait

KINDS = ("terminal",)


def phrase(wait: Wait, facts: Facts) -> str:
    """``waits for somebody to type at terminal /dev/pts/3 (standard input), behind which pid 7 (tmux) is``."""
    behind = f", behind which {names(facts, wait.others)} is" if wait.others else ""
    if wait.writing:
        return f"writes to {wait.what}{behind}"
    if wait.what.startswith("master"):
        return f"waits for output of programs at the {wait.what}"
    return f"waits for somebody to type at {wait.what}{behind}"


def advice(wait: Wait, _: Facts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ctrl-S is easily pressed."""
    if wait.writing:
        why = "whoever shows this terminal does not read, or the output was held by Ctrl-S"
        return (why,), ("press Ctrl-Q there",)
    return (), ()
