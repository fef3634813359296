"""A widget of a few lines, drawn as they are given; a click on it reports where."""

from __future__ import annotations

from rich.style import Style
from textual.message import Message

from procession.tui.canvas import Canvas
from procession.tui.paint import BACK, strip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from textual import events

    from procession.table.meters import Line

_PLAIN = Style(bgcolor=BACK)


class Lines(Canvas):
    """``show`` gives it lines and its height.  ``ground``: what lies under all of it."""

    class Clicked(Message):
        """A place on the lines was clicked."""

        def __init__(self, lines: Lines, x: int, y: int) -> None:
            super().__init__()
            self.lines = lines
            self.x = x
            self.y = y

    def __init__(self, *, id: str, ground: Style = _PLAIN) -> None:
        super().__init__(id=id)
        self._lines: list[Line] = []
        self._ground = ground

    def show(self, lines: list[Line]) -> None:
        """Draw these."""
        if len(lines) != len(self._lines):
            self.styles.height = len(lines)
        self._lines = lines
        self.redraw()

    def redraw(self) -> None:
        """As wide as it is."""
        width = self.size.width
        self.put([strip(line, width, self._ground) for line in self._lines])

    def on_click(self, event: events.Click) -> None:
        """Say where."""
        self.post_message(self.Clicked(self, event.x, event.y))
