"""The application: its colours, and the one screen that it starts with."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import ClassVar

from textual.app import App

from procession.tui.paint import BACK
from procession.tui.screen import TopScreen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from textual.screen import Screen

    from procession.table.board.board import View
    from procession.table.board.frame import Watcher
    from procession.table.keeping import Kept

_CSS = f"""
Screen {{ background: {BACK}; layout: vertical; }}
Lines {{ height: auto; width: 100%; }}
ProcessList, Pager {{ height: 1fr; width: 100%; }}
ModalScreen {{ background: {BACK} 40%; align: center middle; }}
ModalScreen.low {{ align: left bottom; background: {BACK} 0%; }}
ModalScreen.full {{ background: {BACK}; }}
#choose {{ background: {BACK}; border: round #4a5664; padding: 0 1; }}
"""


class TopApp(App[None]):
    """``delay``: seconds between refreshes, None: only when asked to.  ``number``: leave after so many."""

    CSS = _CSS
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar = []

    def __init__(
        self,
        watcher: Watcher,
        view: View,
        kept: Kept,
        *,
        delay: float | None,
        number: int | None = None,
        cores: bool = False,
        readonly: bool = False,
    ) -> None:
        super().__init__()
        self._first = TopScreen(
            watcher, view, kept, delay=delay, number=number, cores=cores, readonly=readonly
        )

    def get_default_screen(self) -> Screen[None]:
        """The processes."""
        return self._first

    def on_mount(self) -> None:
        """SIGTERM and SIGHUP leave as keys do: with the terminal as it was."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._leave, 128 + number)

        self.app_resume_signal.subscribe(self, self._redraw)

    def _redraw(self, _: object) -> None:
        """After fg the terminal is empty: all of it, not only what has changed."""
        for screen in self.screen_stack:
            for widget in screen.walk_children(with_self=True):
                widget.refresh()

    def _leave(self, code: int) -> None:
        self.exit(return_code=code)

    def _print_error_renderables(self) -> None:
        """One line, unless somebody asks for more."""
        if os.environ.get("PN_DEBUG") or self._exception is None:
            super()._print_error_renderables()
        else:
            kind = type(self._exception).__name__
            sys.stderr.write(f"pn top: {kind}: {self._exception}: PN_DEBUG=1 shows where\n")

    def action_help_quit(self) -> None:
        """Ctrl-C leaves, as it does in top(1)."""
        self.exit(return_code=130)
