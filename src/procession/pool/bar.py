"""The bar of ``progress=True``: one line on a terminal or in a notebook, nothing anywhere else.

rich draws, and no thread of it runs: the pool calls, and may fork at any time.
"""

from __future__ import annotations

import errno

from procession.pool.short import one_line
from procession.units import per_second, seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

    from procession.pool.progress import Progress

_WHAT = 24  # characters of the heading
_BAR = 10  # columns that make a bar, with the space beside it
_NOTEBOOK = 79  # columns
_showing: dict[str, Bar] = {}  # the bar that has the line now: setdefault is atomic, a lock would be forked


class Bar:
    """One line while the map runs, which stays when it has ended.

    Of several maps at a time the first one has the line; the others show how they ended, above it.
    """

    def __init__(self, what: str, console: Console | None = None) -> None:
        self._what = one_line(what, _WHAT)
        self.console = console or _stderr()
        self._silent = not (self.console.is_terminal or self.console.is_jupyter)
        self._live: Live | None = None
        self._last: Progress | None = None

    def draw(self, progress: Progress) -> None:
        """Show where the map is."""
        self._last = progress
        if self._silent:
            return
        if self.console.is_jupyter:
            # A notebook knows the carriage return.  rich would need ipywidgets there, and warn without.
            self._write(f"\r{plain(self._what, progress)[:_NOTEBOOK]:<{_NOTEBOOK}}")
        elif _showing.setdefault("line", self) is self:
            self._refresh(progress)

    def close(self) -> None:
        """End the line; what was drawn last remains."""
        if self._silent or self._last is None:
            return
        self._silent = True
        if self.console.is_jupyter:
            self._write("\n")
        elif _showing.get("line") is self:
            del _showing["line"]
            if self._live is not None:
                self._live.stop()
        else:
            self._end_beside(self._last)

    def _refresh(self, progress: Progress) -> None:
        from rich.live import Live

        if self._live is None:
            self._live = Live(
                console=self.console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
            )
            self._live.start()
        self._live.update(picture(self._what, progress, self.console.width), refresh=True)

    def _end_beside(self, last: Progress) -> None:
        # Another bar's console moves its line down for what is printed through it.
        other = _showing.get("line")
        console = other.console if other is not None else self.console
        console.print(picture(self._what, last, console.width))

    def _write(self, text: str) -> None:
        file = self.console.file
        file.write(text)
        file.flush()


def _stderr() -> Console:
    from rich.console import Console

    class OurConsole(Console):
        def on_broken_pipe(self) -> None:
            # rich's own way is to turn stdout to /dev/null and to leave: not for a bar on stderr to decide.
            raise BrokenPipeError(errno.EPIPE, "the terminal of the progress bar is gone")

    return OurConsole(stderr=True)


def picture(what: str, progress: Progress, width: int) -> RenderableType:
    """The line for rich: heading, bar, figures; of a narrow terminal the figures have all."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    told = Text(figures(progress), no_wrap=True, overflow="ellipsis")
    if width < len(told) + _BAR:
        told.truncate(width, overflow="ellipsis")
        return told
    fraction = progress.fraction
    bar = ProgressBar(
        total=1.0, completed=fraction or 0.0, pulse=fraction is None, animation_time=progress.seconds
    )
    line = Table.grid(padding=(0, 1), expand=True)
    heading = Text(what, no_wrap=True)
    if width >= heading.cell_len + len(told) + _BAR:
        line.add_column(no_wrap=True)
        line.add_column(ratio=1)
        line.add_column(no_wrap=True, justify="right")
        line.add_row(heading, bar, told)
    else:
        line.add_column(ratio=1)
        line.add_column(no_wrap=True, justify="right")
        line.add_row(bar, told)
    return line


def plain(what: str, progress: Progress) -> str:
    """The line in characters."""
    fraction = progress.fraction
    filled = round(10 * (fraction or 0.0))
    bar = f" [{'=' * filled}{' ' * (10 - filled)}]" if fraction is not None else ""
    return f"{what}{bar} {figures(progress)}"


def figures(progress: Progress) -> str:
    """What the line says besides the bar."""
    counted = f"{progress.ended:,}" if progress.total is None else f"{progress.ended:,}/{progress.total:,}"
    parts = [counted]
    over = progress.total is not None and progress.ended >= progress.total
    if progress.fraction is not None and not over:
        parts.append(f"{int(100 * progress.fraction)} %")
    if progress.rate > 0:
        parts.append(per_second(progress.rate))
    if progress.eta is None or over:
        parts.append(seconds(progress.seconds))
    else:
        parts.append(f"{seconds(progress.eta)} left")
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    return "  ".join(parts)
