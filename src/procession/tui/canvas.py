"""A widget that is given its lines ready made, and has the terminal told of those only that have changed."""

from __future__ import annotations

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from procession.tui.paint import blank

TYPE_CHECKING = False
if TYPE_CHECKING:
    from textual import events


class Canvas(Widget):
    """``put`` gives it lines; ``redraw``, for others to define, makes them for the size of now."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._strips: list[Strip] = []

    def redraw(self) -> None:
        """Make the lines and ``put`` them."""
        raise NotImplementedError

    def put(self, strips: list[Strip]) -> None:
        """Draw these, from the top."""
        old, self._strips = self._strips, strips
        if len(old) > len(strips):
            self.refresh()
            return
        changed = [
            y for y, new in enumerate(strips) if y >= len(old) or (new is not old[y] and new != old[y])
        ]
        if changed:
            width = self.size.width
            self.refresh(*(Region(0, y, width, count) for y, count in _runs(changed)))

    def render_line(self, y: int) -> Strip:
        """As Textual asks for it."""
        return self._strips[y] if y < len(self._strips) else blank(self.size.width)

    def on_resize(self, _: events.Resize) -> None:
        """For the new size."""
        self._strips = []
        self.redraw()


def _runs(rows: list[int]) -> list[tuple[int, int]]:
    """Neighbours together: first row and how many."""
    runs: list[tuple[int, int]] = []
    for row in rows:
        if runs and row == sum(runs[-1]):
            runs[-1] = runs[-1][0], runs[-1][1] + 1
        else:
            runs.append((row, 1))
    return runs
