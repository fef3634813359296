"""The live display of ``pn map`` on a terminal; rich is loaded only when it is drawn."""

from __future__ import annotations

import sys

from procession.cli.map_out import named
from procession.units import seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

    from procession.commands.run import Progress

PATIENCE = 0.25  # seconds: what is over by then is not worth a display
_LINES = 8  # so many running commands are shown


class Display:
    """A bar, the figures and the running commands, on standard error; it is gone at the end.

    ``settles``: the outputs go to the same terminal, so the display waits for the end of a line.
    """

    tick = 0.1

    def __init__(self, *, settles: bool) -> None:
        self._live: Live | None = None
        self._settles = settles
        self._middle = False  # the cursor stands behind an unfinished line

    def draw(self, progress: Progress, *, stopping: bool) -> None:
        """Draw, once the run has outlasted PATIENCE."""
        if progress.seconds < PATIENCE:
            return
        if self._middle:
            sys.stderr.write("\n")
            sys.stderr.flush()
            self._middle = False
        if self._live is None:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(
                console=Console(stderr=True),
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        self._live.update(picture(progress, stopping=stopping), refresh=True)

    def make_room(self, data: bytes) -> None:
        """An output comes: clear the display until the next tick."""
        self.clear()
        self._middle = self._settles and not data.endswith(b"\n")

    def clear(self) -> None:
        """Wipe it."""
        if self._live is not None:
            self._live.stop()
            self._live = None


def picture(progress: Progress, *, stopping: bool = False) -> RenderableType:
    """One picture of a run."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    done = progress.ok + progress.failed + progress.skipped
    top = Table.grid(padding=(0, 1), expand=True)
    top.add_column(ratio=1)
    top.add_column(justify="right", no_wrap=True)
    total = progress.total
    percent = "reading" if total is None else f"{100 * done / max(total, 1):3.0f} %"
    bar = ProgressBar(
        total=max(total or 1, 1),
        completed=0 if total is None else done,
        pulse=total is None,
        animation_time=progress.seconds,
    )
    top.add_row(bar, Text(percent, style="bold"))
    lines: list[RenderableType] = [top, Text(figures(progress), no_wrap=True, overflow="ellipsis")]
    for work, since in progress.running[:_LINES]:
        line = Text(f"  {seconds(since):>7} ", style="dim", no_wrap=True, overflow="ellipsis")
        lines.append(line.append(named(work.inputs), style="cyan"))
    if stopping:
        lines.append(Text("ending the running commands; Ctrl-C again does not wait for them", style="yellow"))
    return Group(*lines)


def figures(progress: Progress) -> str:
    """The line of figures below the bar."""
    done = progress.ok + progress.failed
    of = "" if progress.total is None else f" of {progress.total:,}"
    parts = [f"{done + progress.skipped:,}{of} done"]
    if progress.seconds > 0 and done:
        rate = done / progress.seconds
        parts.append(f"{rate:,.1f}/s" if rate < 100 else f"{rate:,.0f}/s")
        if progress.total is not None:
            left = progress.total - done - progress.skipped
            parts.append(f"{seconds(left / rate)} left")
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    return "  ".join(parts)
