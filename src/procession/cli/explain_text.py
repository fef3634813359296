"""``pn explain`` for people: a line for who it is, one for each finding, and below it why and what to do."""

from __future__ import annotations

import os
import sys

from procession.units import number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from procession.table.explain.finding import Finding
    from procession.table.explain.look import Explained, Survey

_SIGNS = {"fine": " ", "note": "!", "wrong": "✗"}
_COLOURS = {"fine": "", "note": "\x1b[33m", "wrong": "\x1b[31m"}
_ALIKE = 3  # findings of one kind about children of one parent that are shown in full


def lines_of(one: Explained) -> list[str]:
    """Of one process."""
    from procession.table.explain.words import long

    facts = one.facts
    parent = f", child of {facts.parent}" if facts.parent is not None else ""
    title = f"pid {facts.me.pid}  {facts.me.name}  ({facts.user}, {long(facts.me.age)} old{parent})"
    return [_bold(title), *(line for finding in one.findings for line in _finding(finding))]


def survey_lines(result: Survey) -> Iterable[str]:
    """Of the whole machine; many zombies of one parent are one line."""
    seen: dict[tuple[str, tuple[int, ...]], list[int]] = {}
    for one in result.found:
        first = one.findings[0]
        alike = seen.setdefault((first.kind, first.pids), [])
        alike.append(one.facts.me.pid)
        if len(alike) <= _ALIKE:
            yield from lines_of(one)
            yield ""
    for (kind, pids), alike in seen.items():
        if len(alike) > _ALIKE:
            whose = f" of pid {pids[0]}" if pids else ""
            yield f"and {number(len(alike) - _ALIKE, f'more {kind}')}{whose}: {' '.join(map(str, alike[_ALIKE:]))}"
    told = f"looked at {number(result.looked_at, 'process', 'processes')}"
    if result.refused:
        told += f", {result.refused:,} of which are not ours to look into: root sees more"
    yield f"{told}." if result.found else f"Nothing is wrong: {told}."


def write(lines: Iterable[str]) -> None:
    """To stdout, folded where that is a terminal."""
    width = _width()
    for line in lines:
        print(line if width is None or len(line) <= width else _folded(line, width))


def _finding(one: Finding) -> list[str]:
    colour = _COLOURS[one.severity]
    sign = _SIGNS[one.severity]
    head = f"{colour}{sign} {one.headline}\x1b[0m" if colour and _is_coloured() else f"{sign} {one.headline}"
    return [head, *(f"    {line}" for line in one.why), *(f"    → {line}" for line in one.todo)]


def _bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m" if _is_coloured() else text


def _is_coloured() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _width() -> int | None:
    if not sys.stdout.isatty():
        return None
    return max(40, os.get_terminal_size(sys.stdout.fileno()).columns or 80)


def _folded(line: str, width: int) -> str:
    """At spaces, what follows set in deeper than the first line."""
    indent = len(line) - len(line.lstrip(" ")) + 2
    pieces: list[str] = []
    rest = line
    while len(rest) > width:
        at = rest.rfind(" ", indent + 1, width + 1)
        if at <= indent:
            at = width
        pieces.append(rest[:at])
        rest = " " * indent + rest[at:].lstrip(" ")
    return "\n".join((*pieces, rest))
