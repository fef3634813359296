"""The live display of ``pn copy`` on a terminal; rich is loaded only when it is drawn."""

from __future__ import annotations

from procession.cli.copy_out import Summary
from procession.copying.words import shown
from procession.units import seconds, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

    from procession.copying.messages import Failure
    from procession.copying.progress import Progress
    from procession.copying.report import CopyReport

PATIENCE = 0.25  # seconds: a copy that is over by then is not worth a display


class LiveOutput(Summary):
    """A bar, the figures and what each worker is at; it is gone when the copy ends."""

    tick = 0.1

    def __init__(self) -> None:
        self._live: Live | None = None
        self._failures = 0
        self._stopping = False

    def progress(self, progress: Progress) -> None:
        """Draw, once the copy has outlasted PATIENCE."""
        if self._live is None:
            if progress.seconds < PATIENCE:
                return
            from rich.live import Live

            # No thread of rich's: the crew may have to fork at any time.
            self._live = Live(
                auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
            )
            self._live.start()
        self._live.update(draw(progress, stopping=self._stopping), refresh=True)

    def failure(self, failure: Failure) -> None:
        """Failures are listed at the end; the display counts them."""
        del failure
        self._failures += 1

    def stopping(self) -> None:
        """Said inside the display if there is one."""
        self._stopping = True
        if self._live is None:
            super().stopping()

    def end(self, report: CopyReport) -> None:
        """Clear the display, print the summary and the failures."""
        self.abandon()
        super().end(report)

    def abandon(self) -> None:
        """Clear the display."""
        if self._live is not None:
            self._live.stop()
            self._live = None


def draw(progress: Progress, *, stopping: bool = False) -> RenderableType:
    """One picture of a running copy."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    fraction = progress.fraction
    top = Table.grid(padding=(0, 1), expand=True)
    top.add_column(ratio=1)
    top.add_column(justify="right", no_wrap=True)
    percent = "scanning" if fraction is None else f"{100 * fraction:3.0f} %"
    top.add_row(
        ProgressBar(
            total=1.0, completed=fraction or 0.0, pulse=fraction is None, animation_time=progress.seconds
        ),
        Text(percent, style="bold"),
    )
    lines: list[RenderableType] = [top, Text(figures(progress), no_wrap=True, overflow="ellipsis")]
    for worker in progress.workers:
        line = Text(f"  {worker.pid:>7} ", style="dim", no_wrap=True, overflow="ellipsis")
        lines.append(line.append(shown(worker.entry), style="cyan"))
    if stopping:
        lines.append(Text("finishing the files in flight; Ctrl-C again stops at once", style="yellow"))
    return Group(*lines)


def figures(progress: Progress) -> str:
    """The line of figures below the bar."""
    more = "" if progress.scanned else "+"
    done = progress.bytes + progress.skipped_bytes
    entries = progress.entries + progress.failed
    parts = [
        f"{size(done)} of {size(max(done, progress.found_bytes))}{more}",
        f"{entries:,} of {max(entries, progress.found_entries):,}{more} files",
        f"{size(progress.rate)}/s",
    ]
    if progress.eta is not None:
        parts.append(f"{'at least ' if more else ''}{seconds(progress.eta)} left")
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    return "  ".join(parts)
