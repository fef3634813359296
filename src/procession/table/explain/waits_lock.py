"""Asleep until somebody gives back the lock on a file."""

from __future__ import annotations

from procession.table.explain.words import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts
    from procession.table.waits import Wait

KINDS = ("lock",)


def phrase(wait: Wait, facts: Facts) -> str:
    """``waits for a lock on file /run/x (descriptor 5), which pid 7 (apt) has``."""
    if not wait.parties:
        return f"waits for {wait.what}; who has it, we cannot see"
    has = "has" if len(wait.parties) == 1 else "have"
    return f"waits for {wait.what}, which {names(facts, wait.parties)} {has}"


def advice(wait: Wait, _: Facts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The lock goes with its holder."""
    if len(wait.parties) == 1:
        pid = wait.parties[0].pid
        return (), (f"see what the holder does: pn explain {pid}; the lock is given back when it ends",)
    return (), ()
