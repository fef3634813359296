"""The list of processes: draws the rows in view and no other, whatever their number."""

from __future__ import annotations

from rich.style import Style
from textual.message import Message
from textual.strip import Strip

from procession.table.board.board import Listing, View, key_of
from procession.table.board.cells import column_at, heading_spans, row_spans
from procession.table.board.window import Window, at_row, moved, resized, scrolled, settled, thumb
from procession.tui.canvas import Canvas
from procession.tui.paint import BACK, BAND, CURSOR, bar_cell, blank, strip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from textual import events

    from procession.table.board.board import Key
    from procession.table.board.frame import Frame
    from procession.table.record import ProcessRecord

_CURSOR = Style(bgcolor=CURSOR)
_PLAIN = Style(bgcolor=BACK)
_BAND = Style(bgcolor=BAND)
_STEP = 16  # characters that one key moves a command


class ProcessList(Canvas):
    """Its first line names the columns.  The last cell of each line is the scroll bar."""

    class Sorted(Message):
        """A heading was clicked."""

        def __init__(self, column: str) -> None:
            super().__init__()
            self.column = column

    class Opened(Message):
        """A row was clicked twice."""

    def __init__(self, view: View) -> None:
        super().__init__(id="list")
        self.view = view
        self.frame: Frame | None = None
        self.listing = Listing([], {}, {})
        self.window = Window()
        self.tags: set[Key] = set()
        self.shift = 0
        # What was drawn last, of the rows in view: who has not changed is not drawn again.
        self._drawn: dict[int, tuple[object, ProcessRecord, Strip]] = {}

    def show(self, frame: Frame, listing: Listing, view: View) -> None:
        """Another frame, or the same in another view."""
        self.frame, self.listing, self.view = frame, listing, view
        self.window = settled(self.window, listing)
        self.redraw()

    @property
    def chosen(self) -> ProcessRecord | None:
        """The process under the cursor."""
        records = self.listing.records
        return records[self.window.cursor] if self.window.cursor < len(records) else None

    def in_view(self) -> set[int]:
        """The pids of the rows that are drawn."""
        top = self.window.top
        return {one.pid for one in self.listing.records[top : top + self.window.height]}

    def move(self, by: int) -> None:
        """The cursor so many rows down."""
        self._go(moved(self.window, self.listing, by))

    def go(self, row: int) -> None:
        """The cursor on a row."""
        self._go(at_row(self.window, self.listing, row))

    def slide(self, by: int) -> None:
        """Commands so many steps to the left."""
        self.shift = max(0, self.shift + _STEP * by)
        self.redraw()

    def toggle_tag(self) -> None:
        """Of the process under the cursor."""
        if self.chosen is not None:
            self.tags ^= {key_of(self.chosen)}
            self.redraw()

    def _go(self, window: Window) -> None:
        self.window = window
        self.redraw()

    # ── drawing and the mouse ─────────────────────────────────────────────────────────────────────

    def redraw(self) -> None:
        """The headings, and the rows in view."""
        width, window = self.size.width, self.window
        rows = self.listing.records[window.top : window.top + window.height] if self.frame else []
        lines = [strip(heading_spans(self.view), width, _BAND)]
        lines += [self._row(one, window.top + y, self._bar(y)) for y, one in enumerate(rows)]
        self.put([*lines, *[blank(width)] * (window.height - len(rows))])

    def _row(self, one: ProcessRecord, row: int, bar: str) -> Strip:
        frame, listing, tid = self.frame, self.listing, one.tid
        assert frame is not None
        tagged = bool(self.tags) and key_of(one) in self.tags
        looks = (
            self.view, self.size.width, self.shift, bar, tagged, row == self.window.cursor,
            frame.usage.get(tid), listing.branches.get(tid), listing.hidden.get(tid),
        )  # fmt: skip
        drawn = self._drawn.get(tid)
        if drawn is not None and drawn[0] == looks and _alike(drawn[1], one):
            return drawn[2]
        spans = row_spans(one, frame, listing, self.view, tagged=tagged, shift=self.shift)
        line = strip(spans, self.size.width - 1, _CURSOR if row == self.window.cursor else _PLAIN)
        made = Strip([*line, bar_cell(bar)], self.size.width)
        if len(self._drawn) > 4 * self.window.height:
            self._drawn.clear()
        self._drawn[tid] = looks, one, made
        return made

    def _bar(self, y: int) -> str:
        first, size = thumb(self.window, len(self.listing.records))
        return "█" if first <= y < first + size else "│" if size else " "

    def on_resize(self, event: events.Resize) -> None:
        """Rows in view: all lines but the headings."""
        self.window = resized(self.window, self.listing, event.size.height - 1)
        super().on_resize(event)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Three rows, as terminals do."""
        event.stop()
        self._go(scrolled(self.window, self.listing, 3))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Three rows."""
        event.stop()
        self._go(scrolled(self.window, self.listing, -3))

    def on_click(self, event: events.Click) -> None:
        """A heading sorts, a row is chosen, the same row again opens it, the bar goes to a place."""
        count = len(self.listing.records)
        if event.y == 0:
            column = column_at(self.view, event.x)
            if column is not None:
                self.post_message(self.Sorted(column))
        elif event.x == self.size.width - 1 and count > self.window.height:
            self.go(round((event.y - 1) / max(1, self.window.height - 1) * (count - 1)))
        elif self.window.top + event.y - 1 < count:
            self.go(self.window.top + event.y - 1)
            if event.chain > 1:
                self.post_message(self.Opened())


def _alike(one: ProcessRecord, other: ProcessRecord) -> bool:
    return one is other or (one.fields == other.fields and one.comm_bytes == other.comm_bytes)
