"""The main screen: header, list, bottom line; one method for each act of ``board/keys.py``."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.screen import Screen

from procession.jobs.board import Board
from procession.table import keeping, meters
from procession.table.board.board import arrange
from procession.table.board.changes import CHANGES, left_out
from procession.table.board.keys import KEYS
from procession.table.users import user_name
from procession.tui import tabs
from procession.tui.acts_process import ProcessActs
from procession.tui.acts_view import ViewActs
from procession.tui.binding import bound
from procession.tui.bottom import act_at, bottom_line, host_name, tab_at, title_line
from procession.tui.lines import Lines
from procession.tui.listing import ProcessList
from procession.tui.pager import Pager
from procession.tui.paint import STYLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from textual.timer import Timer

    from procession.table.board.board import View
    from procession.table.board.frame import Frame, Watcher
    from procession.table.keeping import Kept

_SOON = 0.5  # seconds after the first refresh, which knows only averages
_LEAST = 0.05  # seconds: keys must have their turn
_GRAPH = 6  # lines


class TopScreen(ViewActs, ProcessActs, Screen[None]):
    """See ``app.TopApp`` for what it is given."""

    BINDINGS: ClassVar = [bound(key.keys, key.act) for key in KEYS]

    def __init__(
        self,
        watcher: Watcher,
        view: View,
        kept: Kept,
        *,
        delay: float | None,
        number: int | None,
        cores: bool,
        readonly: bool,
    ) -> None:
        super().__init__()
        self.watcher = watcher
        self.view = view
        self.kept = kept
        self.delay = delay
        self.cores = cores
        self.graph = kept.graph
        self.readonly = readonly
        self.paused = False
        self.host = host_name()
        self.tab = 0  # 0: the processes; else one of tabs.NAMES, counted from 1
        self.board = Board()  # of jobs
        self.frame: Frame | None = None
        self.notice = ("", "")  # style, words: for one refresh
        self._left = number
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Lines(id="title", ground=STYLES["button"])
        yield Lines(id="header")
        yield Lines(id="status")
        yield ProcessList(self.view)
        yield Pager(id="tab")
        yield Lines(id="bottom", ground=STYLES["button"])

    def on_mount(self) -> None:
        """The first refresh."""
        self.query_one("#tab").display = False
        self.call_after_refresh(self.renew)

    @property
    def rows(self) -> ProcessList:
        """The list of processes."""
        return self.query_one(ProcessList)

    @property
    def pager(self) -> Pager:
        """The lines of another tab."""
        return self.query_one("#tab", Pager)

    # ── refreshing ────────────────────────────────────────────────────────────────────────────────

    def renew(self) -> None:
        """Read, draw, and come back after the delay."""
        if not self.paused or self.frame is None:
            try:
                self.frame = self.watcher.refresh(self.view.threads, self.rows.in_view())
            except OSError as error:
                self.app.exit(return_code=1, message=f"pn top: {error}: is /proc mounted?")
                return
            self.notice = ("", "")
            self.draw()
            for screen in self.app.screen_stack:
                follow = getattr(screen, "on_frame", None)
                if follow is not None:
                    follow(self.frame)
            if self._left is not None:
                self._left -= 1
                if self._left <= 0:
                    self.app.exit()
                    return
        self._again()

    def _again(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        if self.delay is not None and self.frame is not None:
            wait = max(_LEAST, min(self.delay, _SOON) if self.frame.first else self.delay)
            self._timer = self.set_timer(wait, self.renew)

    def draw(self) -> None:
        """All of it, from the frame and the view."""
        frame, width = self.frame, self.size.width
        if frame is None:
            return
        self.rows.show(frame, arrange(frame, self.view), self.view)
        self.query_one("#title", Lines).show([title_line(self, width)])
        graph = _GRAPH if self.graph and self.size.height >= 24 else 0
        self.query_one("#header", Lines).show(
            meters.header_lines(frame, width, cores=self.cores, graph=graph)
        )
        words = left_out(self.view, user_name(self.view.user) if self.view.user is not None else "")
        status = meters.status_line(frame, words, width, per_core=self.view.style.per_core)
        if self.notice[1]:
            status = [(self.notice[0], f" {self.notice[1]}")]
        self.query_one("#status", Lines).show([status])
        self.query_one("#bottom", Lines).show([bottom_line(width, readonly=self.readonly)])
        if self.tab:
            tabs.show(self.tab, self.pager, self.board, width - 1, self.pager.size.height)

    def tell(self, words: str, style: str = "head") -> None:
        """A line for the user, until the next refresh."""
        self.notice = (style, words)
        self.draw()

    def on_resize(self) -> None:
        """Lines for another width."""
        self.call_after_refresh(self.draw)

    # ── acts that only change the view, and the mouse ─────────────────────────────────────────────

    def change(self, view: View) -> None:
        """Another view of the same frame; threads need another frame."""
        threads, self.view = self.view.threads, view
        if view.threads != threads:
            self.renew()
        else:
            self.draw()

    def on_lines_clicked(self, event: Lines.Clicked) -> None:
        """A word of the bottom or of the title."""
        where = event.lines.id or ""
        if where == "title" and (tab := tab_at(event.x)) is not None:
            self.show_tab(tab)
        elif act := act_at(where, event.x, readonly=self.readonly):
            self.run_act(act)

    def run_act(self, act: str) -> None:
        """As its key does."""
        getattr(self, f"action_{act}")()

    def on_process_list_sorted(self, event: ProcessList.Sorted) -> None:
        """A click on a heading."""
        self.sort_by(event.column)

    def on_process_list_opened(self) -> None:
        """A double click."""
        self.action_details()

    def action_leave(self) -> None:
        """The end."""
        self.app.exit()

    def action_suspend(self) -> None:
        """To the shell that started us, until it says fg."""
        self.app.action_suspend_process()

    def action_keep(self) -> None:
        """For the next time."""
        kept = keeping.Kept(self.view, self.delay or 3.0, self.cores, self.graph)
        try:
            keeping.save(kept)
        except OSError as error:
            self.tell(f"not kept: {error}", "bad")
        else:
            self.tell(f"kept in {keeping.path()}")

    def action_now(self) -> None:
        """Refresh."""
        self.renew()

    def action_pause(self) -> None:
        """Hold still, or go on."""
        self.paused = not self.paused
        self.draw()

    def action_next_tab(self) -> None:
        """Processes, and what there is beside them."""
        self.show_tab((self.tab + 1) % (len(tabs.NAMES) + 1))

    def show_tab(self, number: int) -> None:
        """That one."""
        self.tab = number
        self.pager.display = number > 0
        self.rows.display = not number
        self.draw()
        self.call_after_refresh(
            self.draw
        )  # the lines of jobs are as many as there is room for, which is known then


def _change(act: str) -> None:
    def action(self: TopScreen) -> None:
        self.change(CHANGES[act](self.view))

    if not hasattr(TopScreen, f"action_{act}"):
        setattr(TopScreen, f"action_{act}", action)


for _act in CHANGES:
    _change(_act)
