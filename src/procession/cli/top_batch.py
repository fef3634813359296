"""``pn top -b``: one refresh after another, as text."""

from __future__ import annotations

import select
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.table.board.board import View

_FIRST = 0.2  # seconds: what the first refresh measures, as long as top(1) takes for it
_DELAY = 3.0  # seconds


def run_batch(view: View, options: dict[str, Any]) -> int:
    """Until ``number`` refreshes are written, or a signal comes; returns the exit code."""
    from procession.cli.interrupts import Interrupts
    from procession.table.batch import batch_text
    from procession.table.board.board import arrange
    from procession.table.board.frame import Watcher, reader

    watcher = Watcher(reader(view.pids))
    interrupts = Interrupts()
    try:
        watcher.refresh(view.threads)
        done, delay = 0, _FIRST
        while not select.select([interrupts], [], [], delay)[0]:
            frame = watcher.refresh(view.threads)
            text = batch_text(
                frame,
                arrange(frame, view),
                view,
                unit=options["summary_unit"] or "m",
                each_core=options["cores"],
                width=options["width"] or 0,
            )
            sys.stdout.write("\n" + text if done else text)
            sys.stdout.flush()
            done += 1
            if done == options["number"]:
                return 0
            delay = options["delay"] or _DELAY
        interrupts.take()
        return interrupts.exit_code
    finally:
        interrupts.close()
