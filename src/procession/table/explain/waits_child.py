"""Asleep until a child ends, or (vfork) until it runs a program of its own."""

from __future__ import annotations

from procession.table.explain.words import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts
    from procession.table.waits import Wait

KINDS = ("child", "vfork")


def phrase(wait: Wait, facts: Facts) -> str:
    """``waits for the end of its child pid 7 (make)``."""
    who = names(facts, wait.parties)
    if wait.kind == "vfork":
        return f"has called vfork, and waits until its new child {who} runs a program of its own, or ends".replace(
            "  ", " "
        )
    if not who:
        return f"waits for the end of {wait.what}"
    if wait.parties[0].role == "process":
        return f"waits for the end of {who} (by a pidfd)"
    several = "any of its children " if len(wait.parties) > 1 else "its child "
    return f"waits for the end of {several}{who}"


def advice(wait: Wait, _: Facts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Why a vfork looks worse than it is."""
    if wait.kind == "vfork":
        return ("until then both share one memory, so the kernel lets only SIGKILL through",), ()
    return (), ()
