"""Bars and graphs out of characters, as lines of (style, text)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procession.table.board.frame import Frame
    from procession.table.meters import Line

_HEIGHTS = " ▁▂▃▄▅▆▇█"


def bar(parts: Sequence[tuple[str, float]], width: int) -> Line:
    """Fractions side by side, on ``width`` cells."""
    line: Line = []
    filled = 0
    total = 0.0
    for style, fraction in parts:
        total += max(0.0, fraction)
        upto = min(width, round(total * width))
        if upto > filled:
            line.append((style, "━" * (upto - filled)))
            filled = upto
    return [*line, ("faint", "─" * (width - filled))]


def sparkline(values: Sequence[float], width: int) -> str:
    """The last fractions, one a cell, the newest at the right."""
    text = "".join(_HEIGHTS[min(8, max(0, round(8 * value)))] for value in values[-width:])
    return text.rjust(width)


def graph_lines(frame: Frame, width: int, height: int) -> list[Line]:
    """The past of CPU and memory side by side, ``height`` lines high, under a line of names."""
    room = (width - 4) // 2
    cpu, memory = ([each[at] for each in frame.history][-room:] for at in (0, 1))
    names: Line = [
        ("label", f" {f'CPU busy, {len(cpu)} refreshes':{room}}"),
        ("label", f"  memory used, {len(memory)} refreshes"),
    ]
    levels = range(height - 2, -1, -1)
    return [names, *(_graph_line(cpu, memory, level, height - 1, room) for level in levels)]


def _graph_line(cpu: list[float], memory: list[float], level: int, height: int, room: int) -> Line:
    return [
        ("", " "),
        ("user", _slice(cpu, level, height).rjust(room)),
        ("", "  "),
        ("mem", _slice(memory, level, height).rjust(room)),
    ]


def _slice(values: Sequence[float], level: int, height: int) -> str:
    """One line of a graph: ``level`` 0 is the lowest of ``height``."""
    return "".join(_HEIGHTS[min(8, max(0, round(8 * (value * height - level))))] for value in values)
