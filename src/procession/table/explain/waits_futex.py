"""Asleep at a lock in memory (futex), or for the end of a thread."""

from __future__ import annotations

from procession.table.explain.words import limit, names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts
    from procession.table.waits import Wait

KINDS = ("futex", "thread")


def phrase(wait: Wait, facts: Facts) -> str:
    """``waits for a lock (a futex) at address 0x7f.. in its own memory, which thread 12 has``."""
    if wait.kind == "thread":
        return f"waits for the end of {names(facts, wait.parties)}"
    lock = f"waits for a lock or a notice between threads (a futex) at {wait.what}"
    if wait.parties:
        return (
            f"waits for a lock (a futex) at {wait.what}, which {names(facts, wait.parties)} has{limit(wait)}"
        )
    return f"{lock}{limit(wait)}"


def advice(wait: Wait, _: Facts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """How the owner is known."""
    if wait.note.startswith("its owner, "):
        return (f"{wait.note}: the lock will not be given back",), ("end the process and start it again",)
    return ((wait.note,) if wait.note else ()), ()
