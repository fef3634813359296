"""A widget of a few lines, drawn as they are given; a click on a word with an action reports it."""

from __future__ import annotations

from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from procession.tui.paint import strip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rich.style import Style
    from textual import events

    from procession.table.meters import Line


class Lines(Widget):
    """``show`` gives it lines and its height."""

    class Clicked(Message):
        """A place on the lines was clicked."""

        def __init__(self, lines: Lines, x: int, y: int) -> None:
            super().__init__()
            self.lines = lines
            self.x = x
            self.y = y

        @property
        def control(self) -> Lines:
            """For ``on`` with a selector."""
            return self.lines

    def __init__(self, *, id: str, ground: Style | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._lines: list[Line] = []
        self._ground = ground

    def show(self, lines: list[Line]) -> None:
        """Draw these."""
        if len(lines) != len(self._lines):
            self.styles.height = len(lines)
        if lines != self._lines:
            self._lines = lines
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """As Textual asks for it."""
        line = self._lines[y] if y < len(self._lines) else []
        return strip(line, self.size.width, self._ground)

    def on_click(self, event: events.Click) -> None:
        """Say where."""
        self.post_message(self.Clicked(self, event.x, event.y))
