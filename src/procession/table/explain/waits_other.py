"""Asleep in ways that take a word each, or that cannot be told."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts
    from procession.table.waits import Wait

KINDS = ("file", "device", "notice", "unknown", "refused")


def phrase(wait: Wait, facts: Facts) -> str:
    """By kind."""
    if wait.kind == "refused":
        return _by_wchan(facts, "waits for something")
    if wait.kind == "notice":
        more = f", {wait.note}" if wait.note else ""
        return f"waits for a notice of {wait.what} (descriptor {wait.fd}){more}"
    if wait.kind in ("file", "device"):
        verb = (
            "opens"
            if wait.call.startswith("open") or wait.call == "creat"
            else "writes to"
            if wait.writing
            else "reads from"
        )
        return f"{verb} {wait.what}"
    if wait.what == "outside":
        return _by_wchan(
            facts, "waits in the kernel outside of a system call (a page of memory on its way, perhaps)"
        )
    if wait.what == "foreign":
        return _by_wchan(facts, "is a 32-bit program, whose system calls we do not read")
    what = f" with {wait.what}" if wait.what else ""
    return _by_wchan(facts, f"waits in {wait.call}{what}")


def _by_wchan(facts: Facts, words: str) -> str:
    return f"{words}; the kernel function is {facts.wchan}" if facts.wchan else words


def advice(wait: Wait, _: Facts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What more right would show."""
    if wait.kind == "refused" and wait.note == "root":
        return (
            "the kernel keeps its system call even from root: a security module, or another namespace",
        ), ()
    if wait.kind == "refused":
        return ("the process is not ours, so its system call is not ours to read",), (
            "ask as root: sudo pn explain",
        )
    return (), ()
