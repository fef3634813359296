"""Asleep at a pipe or fifo: nothing to read, no room to write, or nobody who opens the other end."""

from __future__ import annotations

from procession.table.explain.words import names, unseen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts
    from procession.table.waits import Wait

KINDS = ("pipe", "fifo")


def phrase(wait: Wait, facts: Facts) -> str:
    """``reads from pipe 7 (descriptor 3), whose only writer is pid 8 (cat)``."""
    if wait.kind == "fifo":
        end = "reads" if wait.writing else "writes"
        return f"opens {wait.what}, and waits until somebody {end} there"
    verb = "writes to" if wait.writing else "reads from"
    full = ", which is full" if wait.writing else ", which is empty"
    role = "reader" if wait.writing else "writer"
    if wait.is_own:
        return f"{verb} {wait.what}{full}, whose only {role} is the process itself{unseen(wait)}"
    others = wait.others
    if not others:
        return f"{verb} {wait.what}{full}, whose {role} we cannot see"
    whose = f"whose only {role} is" if len(others) == 1 else f"whose {role}s are"
    itself = " and the process itself" if len(wait.parties) > len(others) else ""
    return f"{verb} {wait.what}{full}, {whose} {names(facts, others)}{itself}{unseen(wait)}"


def advice(wait: Wait, facts: Facts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Reasons, and what to do."""
    own = any(party.pid == facts.me.pid for party in wait.parties)
    if wait.kind == "pipe" and not wait.writing and own:
        why = "it holds a writing end itself, so it will never see the end of the input, even when all others close"
        return (why,), ("in its program: close the writing end after fork, before reading",)
    if wait.writing and len(wait.others) == 1:
        return (), (f"see why the reader does not read: pn explain {wait.others[0].pid}",)
    return (), ()
