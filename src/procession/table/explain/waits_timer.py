"""Asleep until a time, or until a signal."""

from __future__ import annotations

from procession.table.explain.words import long

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts
    from procession.table.waits import Wait

KINDS = ("timer", "signal")


def phrase(wait: Wait, _: Facts) -> str:
    """``sleeps for 30 seconds``: what was asked for, not what is left."""
    if wait.kind == "signal":
        return f"waits for a signal ({wait.call})"
    if wait.timeout is not None and wait.timeout > 3e8:  # ten years: "for ever" of many programs
        return "sleeps for ever"
    if wait.timeout is not None and wait.note == "left":
        return f"sleeps until a time that is {long(wait.timeout)} away"
    if wait.timeout is not None:
        return f"sleeps for {long(wait.timeout)} (so it has asked; how much of it is left, the kernel does not tell)"
    return f"waits for {wait.what}" if wait.what else "sleeps until a time of its own"


def advice(_: Wait, __: Facts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """It is meant to."""
    return (), ()
