"""What ``pn top`` calls: the screen, until it is left."""

from __future__ import annotations

from procession.table.board.frame import Watcher, reader
from procession.table.follow import Follower
from procession.tui.app import TopApp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.board.board import View
    from procession.table.keeping import Kept


def run(*, view: View, kept: Kept, delay: float, number: int | None, cores: bool, readonly: bool) -> int:
    """Returns the exit code."""
    with Follower(raise_limit=True) as follower:
        watcher = Watcher(reader(view.pids, follower))
        app = TopApp(watcher, view, kept, delay=delay, number=number, cores=cores, readonly=readonly)
        app.run()
    return app.return_code or 0
