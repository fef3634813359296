"""Lines that may be more than there is room for."""

from __future__ import annotations

from rich.style import Style
from textual.message import Message
from textual.strip import Strip

from procession.table.board.window import Window, thumb
from procession.tui.canvas import Canvas
from procession.tui.paint import BACK, CURSOR, bar_cell, strip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from textual import events

    from procession.table.meters import Line

_CURSOR = Style(bgcolor=CURSOR)
_PLAIN = Style(bgcolor=BACK)


class Pager(Canvas):
    """``show`` gives it lines; with a cursor, that one is kept in view."""

    class Picked(Message):
        """A line was clicked."""

        def __init__(self, line: int) -> None:
            super().__init__()
            self.line = line

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._lines: list[Line] = []
        self._top = 0
        self._cursor: int | None = None

    def show(self, lines: list[Line], cursor: int | None = None, *, again: bool = False) -> None:
        """Draw these; ``again``: the same page of a later moment, which stays where it is."""
        self._lines, self._cursor = lines, cursor
        if cursor is None and not again:
            self._top = 0
        self.redraw()

    def scroll_lines(self, by: int) -> None:
        """So many down."""
        self._top += by
        self.redraw()

    def redraw(self) -> None:
        height = max(1, self.size.height)
        if self._cursor is not None:
            self._top = max(min(self._top, self._cursor), self._cursor - height + 1)
        self._top = max(0, min(self._top, len(self._lines) - height))
        self.put([self._line(y) for y in range(height)])

    def _line(self, y: int) -> Strip:
        width, row = self.size.width, self._top + y
        line = self._lines[row] if row < len(self._lines) else []
        drawn = strip(line, max(0, width - 1), _CURSOR if row == self._cursor else _PLAIN)
        first, size = thumb(Window(height=self.size.height, top=self._top), len(self._lines))
        bar = "█" if first <= y < first + size else "│" if size else " "
        return Strip([*drawn, bar_cell(bar)], width)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Three lines."""
        event.stop()
        self.scroll_lines(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Three lines."""
        event.stop()
        self.scroll_lines(-3)

    def on_click(self, event: events.Click) -> None:
        """Say which."""
        self.post_message(self.Picked(self._top + event.y))
