"""Asleep until any of several things happens: poll, select, epoll."""

from __future__ import annotations

from procession.table.explain.words import limit, listed, names
from procession.units import number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts
    from procession.table.waits import Wait

KINDS = ("poll",)

_SHOWN = 8  # descriptors, one line each
_WORDS = {
    "listener": ("listening socket",),
    "child": ("end of a process", "ends of processes"),
    "poll": ("epoll set",),
    "timer": ("clock",),
}


def phrase(wait: Wait, facts: Facts) -> str:
    """``waits for input from pipe 7 (descriptor 3), ...``; of more than two only how many."""
    if not wait.parts:
        return f"waits in {wait.call} for descriptors that we could not read{limit(wait)}"
    if len(wait.parts) > 2:
        count = number(len(wait.parts), "thing")
        return f"waits for any of {count} to happen ({wait.call}): {_kinds(wait)}{limit(wait)}"
    return f"waits for {' or '.join(_part(each, facts) for each in wait.parts)}{limit(wait)}"


def advice(wait: Wait, facts: Facts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the many are."""
    if len(wait.parts) <= 2:
        return (), ()
    lines = [_part(each, facts) for each in wait.parts[:_SHOWN]]
    more = len(wait.parts) - _SHOWN
    return (*lines, *((f"and {more} more",) if more > 0 else ())), ()


def _part(part: Wait, facts: Facts) -> str:
    if part.kind == "listener":
        return f"somebody to connect to {part.what}"
    if part.kind == "child":
        return f"the end of {names(facts, part.parties)}"
    if part.kind == "timer":
        return f"the time of {part.what}"
    if part.kind == "poll":
        return f"any of {number(len(part.parts), 'thing')} behind another epoll set"
    what = f"room in {part.what}" if part.writing else f"input from {part.what}"
    if part.is_own:
        return f"{what}, whose other end is its own"
    if not part.others:
        return what
    verb = "is" if len(part.others) == 1 else "are"
    return f"{what}, at whose other end {verb} {names(facts, part.others)}"


def _kinds(wait: Wait) -> str:
    counts: dict[str, int] = {}
    for part in wait.parts:
        counts[part.kind] = counts.get(part.kind, 0) + 1
    return listed([number(count, *_WORDS.get(kind, (kind,))) for kind, count in counts.items()])
