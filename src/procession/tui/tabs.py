"""The tabs beside the processes: those of ``table``, and the jobs, of which one can be chosen."""

from __future__ import annotations

from procession.jobs.board import Board
from procession.table.board.tabs import TABS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.tui.pager import Pager

NAMES = (*(name for name, _ in TABS), "Jobs")
JOBS = len(NAMES)  # counted from 1; 0: the processes


def show(tab: int, pager: Pager, board: Board, width: int, height: int) -> None:
    """Draw the lines of a tab, as they are now."""
    if tab != JOBS:
        pager.show(TABS[tab - 1][1](width), again=True)
        return
    board.look()
    redraw(pager, board, width, height)


def redraw(pager: Pager, board: Board, width: int, height: int) -> None:
    """The jobs of the last look, after another one was chosen."""
    pager.show(*board.lines(width, height))
