"""Acts that ask something first, and then change what is shown."""

from __future__ import annotations

from procession.records import replace
from procession.table.board import changes
from procession.table.board.board import key_of, search
from procession.table.board.columns import COLUMNS
from procession.table.board.words import help_lines, user_choices, words_lines
from procession.table.users import user_name
from procession.tui import tabs
from procession.tui.dialogs import Ask, Choose, Page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from textual.app import App

    from procession.jobs.board import Board
    from procession.table.board.board import View
    from procession.table.board.frame import Frame
    from procession.table.meters import Line
    from procession.tui.listing import ProcessList
    from procession.tui.pager import Pager

_ALL = 1 << 30  # more rows than there are


class ViewActs:
    """A part of ``screen.TopScreen``."""

    if TYPE_CHECKING:
        app: App[None]
        frame: Frame | None
        view: View
        delay: float | None
        cores: bool
        graph: bool
        tab: int
        board: Board

        @property
        def rows(self) -> ProcessList: ...

        @property
        def pager(self) -> Pager: ...

        def change(self, view: View) -> None: ...
        def draw(self) -> None: ...
        def renew(self) -> None: ...
        def tell(self, words: str, style: str = "head") -> None: ...

    _searched = ""

    # ── moving ────────────────────────────────────────────────────────────────────────────────────

    def _move(self, by: int) -> None:
        if self.tab == tabs.JOBS:
            self.board.move(by)
            tabs.redraw(self.pager, self.board, self.pager.size.width - 1, self.pager.size.height)
        elif self.tab:
            self.pager.scroll_lines(by)
        else:
            self.rows.move(by)

    def action_up(self) -> None:
        """A row."""
        self._move(-1)

    def action_down(self) -> None:
        """A row."""
        self._move(1)

    def action_page_up(self) -> None:
        """All rows in view but one."""
        self._move(1 - self.rows.window.height)

    def action_page_down(self) -> None:
        """All rows in view but one."""
        self._move(self.rows.window.height - 1)

    def action_first(self) -> None:
        """Let go: whoever is first."""
        self._move(-_ALL)

    def action_last(self) -> None:
        """The end."""
        self._move(_ALL)

    def action_left(self) -> None:
        """Back to the start of commands."""
        self.rows.slide(-1)

    def action_right(self) -> None:
        """Further along commands."""
        self.rows.slide(1)

    def action_release(self) -> None:
        """Everything, from the top."""
        self.rows.tags.clear()
        self.rows.go(0)
        self.rows.shift = 0
        self.change(changes.CHANGES["release"](self.view))

    # ── finding ───────────────────────────────────────────────────────────────────────────────────

    def action_search(self) -> None:
        """Go there with each letter."""
        row = self.rows.window.cursor

        def look(words: str) -> None:
            self._searched = words
            self._find(row)

        self.app.push_screen(Ask("Search", changed=look))

    def action_again(self) -> None:
        """The next one."""
        self._find(self.rows.window.cursor + 1)

    def _find(self, start: int) -> None:
        if self._searched:
            found = search(self.rows.listing, self._searched, start)
            if found >= 0:
                self.rows.go(found)
            else:
                self.tell(f"no process has {self._searched!r} in its command", "warn")

    def action_filter(self) -> None:
        """Shown with each letter; Escape brings the old one back."""
        old = self.view.filter

        def look(words: str) -> None:
            self.change(replace(self.view, filter=words))

        def end(words: str | None) -> None:
            look(old if words is None else words)

        self.app.push_screen(Ask("Filter", old, look), end)

    def action_user(self) -> None:
        """One of those who have processes."""
        if self.frame is None:
            return
        uids, lines = user_choices(self.frame, user_name)

        def end(chosen: tuple[int, ...] | None) -> None:
            if chosen is not None:
                self.change(replace(self.view, user=uids[chosen[0]]))

        start = uids.index(self.view.user) if self.view.user in uids else 0
        self.app.push_screen(Choose("Processes of", lines, start), end)

    # ── order and columns ─────────────────────────────────────────────────────────────────────────

    def sort_by(self, name: str) -> None:
        """That column."""
        self.change(changes.sorted_by(self.view, name))

    def action_sort(self) -> None:
        """A list of the columns."""
        names = [*self.view.columns, *(name for name in COLUMNS if name not in self.view.columns)]
        start = names.index(self.view.sort) if self.view.sort in names else 0

        def end(chosen: tuple[int, ...] | None) -> None:
            if chosen is not None:
                self.change(replace(self.view, sort=names[chosen[0]], flipped=False, tree=False))

        self.app.push_screen(Choose("Sort by", _column_lines(names), start), end)

    def action_columns(self) -> None:
        """All of them, those that are shown marked."""
        names = list(COLUMNS)
        marked = [names.index(name) for name in self.view.columns]

        def end(chosen: tuple[int, ...] | None) -> None:
            if chosen is not None:
                self.change(changes.with_columns(self.view, tuple(names[i] for i in chosen)))

        self.app.push_screen(Choose("Columns", _column_lines(names), marked[0], marked), end)

    def action_fold(self) -> None:
        """In a tree."""
        one = self.rows.chosen
        if one is not None and self.view.tree:
            self.change(changes.folded(self.view, key_of(one)))

    # ── the rest ──────────────────────────────────────────────────────────────────────────────────

    def action_cores(self) -> None:
        """A bar for each, or one."""
        self.cores = not self.cores
        self.draw()

    def action_graph(self) -> None:
        """Or none."""
        self.graph = not self.graph
        self.draw()

    def action_delay(self) -> None:
        """In seconds."""

        def end(words: str | None) -> None:
            if words is None:
                return
            try:
                seconds = float(words.replace(",", "."))
            except ValueError:
                seconds = 0.0
            if 0.1 <= seconds <= 1e6:
                self.delay = seconds
                self.renew()
            else:
                self.tell(f"not a delay: {words!r}: seconds, 0.1 or more", "bad")

        self.app.push_screen(Ask("Seconds between refreshes", f"{self.delay or 3:g}"), end)

    def action_help(self) -> None:
        """Every key."""
        self.app.push_screen(Page("Keys", help_lines))

    def action_words(self) -> None:
        """What each figure means."""
        frame = self.frame
        if frame is not None:
            self.app.push_screen(
                Page("What the figures mean, and say now", lambda width: words_lines(frame, width))
            )


def _column_lines(names: list[str]) -> list[Line]:
    return [[("", f"{COLUMNS[name].heading:8}"), ("dim", f" {COLUMNS[name].about}")] for name in names]
