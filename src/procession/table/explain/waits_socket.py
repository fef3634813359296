"""Asleep at a socket: for data, for room, for somebody to connect."""

from __future__ import annotations

from procession.table.explain.words import names, unseen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts
    from procession.table.waits import Wait

KINDS = ("socket", "listener")


def phrase(wait: Wait, facts: Facts) -> str:
    """``reads from tcp socket 127.0.0.1:5 with 127.0.0.1:6, connected (descriptor 3), the other end of which ...``."""
    if wait.kind == "listener":
        return f"waits until somebody connects to {wait.what}"
    if wait.note == "it connects":
        return f"connects {wait.what}, and has no answer yet"
    verb = "writes to" if wait.writing else "reads from"
    if wait.is_own:
        return f"{verb} {wait.what}, the other end of which the process itself holds{unseen(wait)}"
    others = wait.others
    if others:
        has = "has" if len(others) == 1 else "have"
        more = f"; {wait.note}" if wait.note else ""
        return f"{verb} {wait.what}, the other end of which {names(facts, others)} {has}{unseen(wait)}{more}"
    return f"{verb} {wait.what}"


def advice(wait: Wait, _: Facts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Nothing is wrong with waiting for a client; a connection that the other side has closed will not be answered."""
    if "closed by the other side" in wait.what:
        return ("the other side has closed the connection",), ()
    return (), ()
