"""The screen about one process: a page of it at a time."""

from __future__ import annotations

from time import monotonic
from typing import ClassVar

from textual.app import ComposeResult
from textual.screen import Screen

from procession.table.board.board import key_of
from procession.table.board.columns import shown_command
from procession.table.board.details import PAGES as PLAIN
from procession.table.board.files import open_files, signals
from procession.table.board.why import Why
from procession.tui.binding import bound
from procession.tui.lines import Lines
from procession.tui.pager import Pager
from procession.tui.paint import STYLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.board.frame import Frame
    from procession.table.meters import Line
    from procession.table.record import ProcessRecord

PAGES = ("overview", "why", "memory", "files", "threads", "signals", "environment", "limits", "tree")

_READERS = {**PLAIN, "files": open_files, "signals": signals}
_DEAR = 10  # a page that takes long to make is made again only after so many times as long


class Details(Screen[None]):
    """Keys: arrows and Tab go from page to page, Escape goes back."""

    BINDINGS: ClassVar = [
        bound("escape,q,e,enter,f10", "app.pop_screen"),
        bound("right,tab", "turn(1)"),
        bound("left,shift+tab", "turn(-1)"),
        bound("up", "scroll(-1)"),
        bound("down", "scroll(1)"),
        bound("pageup", "scroll(-20)"),
        bound("pagedown,space", "scroll(20)"),
        bound("home", "scroll(-1000000)"),
        bound("end", "scroll(1000000)"),
        *(bound(str(number), f"page('{name}')") for number, name in enumerate(PAGES, 1)),
        bound("l", "page('files')"),
        bound("s", "page('signals')"),
    ]

    def __init__(self, one: ProcessRecord, frame: Frame, page: str) -> None:
        super().__init__()
        self._one = one
        self._frame = frame
        self._page = page
        self._ended = False
        self._ready = False
        self._why = Why()
        self._again = 0.0  # monotonic time before which the page stays as it is

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Lines(id="who", ground=STYLES["button"])
        yield Lines(id="pages")
        yield Pager(id="page")
        yield Lines(id="ways", ground=STYLES["button"])

    def on_mount(self) -> None:
        """The first page, once the size is known."""
        self._ready = True
        self.call_after_refresh(self.draw)

    def on_resize(self) -> None:
        """Another width."""
        self.call_after_refresh(self.draw)

    def on_frame(self, frame: Frame) -> None:
        """The same process at a later moment; one that has ended stays as it was."""
        later = frame.snapshot.by_pid.get(self._one.pid)
        if later is not None and key_of(later) == key_of(self._one):
            self._one, self._frame = later, frame
            if monotonic() >= self._again:
                self.draw(again=True)
        elif not self._ended:
            self._ended = True
            self._title()

    def draw(self, *, again: bool = False) -> None:
        """The page."""
        if not self._ready:  # a key that was quicker
            return
        self._title()
        tabs: Line = [("", " ")]
        for name in PAGES:
            tabs += [("tab" if name == self._page else "dim", f" {name} ")]
        self.query_one("#pages", Lines).show([tabs, []])
        began = monotonic()
        read = self._why.page if self._page == "why" else _READERS[self._page]
        self.query_one(Pager).show(read(self._one, self._frame, self.size.width - 2), again=again)
        self._again = monotonic() + _DEAR * (monotonic() - began)
        ways = " Esc back   ← → pages   ↑ ↓ PgUp PgDn scroll"
        self.query_one("#ways", Lines).show([[("button", ways)]])

    def _title(self) -> None:
        who = shown_command(self._one, whole=True)
        line: Line = [("chosen", f" {self._one.tid} "), ("button", who)]
        if self._ended:
            line.insert(1, ("bad", "has ended "))
        self.query_one("#who", Lines).show([line])

    def action_turn(self, by: int) -> None:
        """The next page."""
        self.action_page(PAGES[(PAGES.index(self._page) + by) % len(PAGES)])

    def action_page(self, name: str) -> None:
        """That page."""
        self._page = name
        self.draw()

    def action_scroll(self, by: int) -> None:
        """So many lines."""
        if self._ready:
            self.query_one(Pager).scroll_lines(by)

    def on_lines_clicked(self, event: Lines.Clicked) -> None:
        """A page's name."""
        start = 1
        if event.lines.id == "pages":
            for name in PAGES:
                if start <= event.x < start + len(name) + 2:
                    self.action_page(name)
                start += len(name) + 2
