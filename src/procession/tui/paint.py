"""From names of styles to what a terminal shows.  Textual takes the colours away where NO_COLOR is set."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.meters import Line

BACK = "#14171c"
BAND = "#20262e"
CURSOR = "#2d4259"

STYLES = {
    "": Style(color="#d3d8df"),
    "dim": Style(color="#79828e"),
    "faint": Style(color="#3a424c"),
    "label": Style(color="#8fb3d9"),
    "head": Style(color="#f2d58a", bold=True),
    "good": Style(color="#8fce83"),
    "warn": Style(color="#e8c66a"),
    "bad": Style(color="#ef7f7f", bold=True),
    "user": Style(color="#6fb1e4"),
    "nice": Style(color="#8fce83"),
    "system": Style(color="#c58bdc"),
    "wait": Style(color="#e8c66a"),
    "steal": Style(color="#ef7f7f"),
    "mem": Style(color="#67c7bd"),
    "cache": Style(color="#47656f"),
    "heading": Style(color="#a9b6c4", bgcolor=BAND),
    "chosen": Style(color="#f2d58a", bgcolor=BAND, bold=True),
    "key": Style(color="#d3d8df", bgcolor=BACK, bold=True),
    "button": Style(color="#a9b6c4", bgcolor=BAND),
    "cursor": Style(color="#14171c", bgcolor="#d3d8df"),
    "tab": Style(color="#14171c", bgcolor="#8fb3d9", bold=True),
}


_BACK = Style(bgcolor=BACK)


def strip(line: Line, width: int, ground: Style = _BACK) -> Strip:
    """A line on exactly ``width`` cells; ``ground``: what lies under all of it."""
    segments: list[Segment] = []
    last, words = "", ""
    for style, text in line:  # few segments are quick to draw: what looks alike is one
        if style != last and text and not (text == " " and style in _PLAIN and last in _PLAIN):
            if words:
                segments.append(Segment(words, _on(last, ground)))
            last, words = style, text
        else:
            words += text
    if words:
        segments.append(Segment(words, _on(last, ground)))
    return Strip(segments).adjust_cell_length(width, ground)


def blank(width: int) -> Strip:
    """Nothing, on so many cells."""
    return Strip.blank(width, _BACK)


def bar_cell(text: str) -> Segment:
    """A cell of a scroll bar."""
    return Segment(text, _on("cache", _BACK))


_PLAIN = ("", "dim", "good", "warn", "bad")  # a space looks the same in each
_grounds: dict[tuple[str, Style], Style] = {}


def _on(name: str, ground: Style) -> Style:
    made = _grounds.get((name, ground))
    if made is None:
        made = _grounds[name, ground] = ground + STYLES[name]
    return made
