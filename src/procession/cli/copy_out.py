"""What ``pn copy`` prints: nothing, or a summary; the display and JSON build on these."""

from __future__ import annotations

import os
import sys

from procession.copying.words import shown
from procession.units import number, seconds, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from procession.copying.messages import Failure
    from procession.copying.progress import Progress
    from procession.copying.report import CopyReport


class Output:
    """The events of a copy.  This one says nothing but what failed, at the end, on stderr."""

    #: seconds between two calls of ``progress``; 0: it is not called
    tick = 0.0

    def begin(self, sources: Sequence[str], targets: Sequence[str], workers: int) -> None:
        """The copy is about to begin."""

    def progress(self, progress: Progress) -> None:
        """So far it has come."""

    def failure(self, failure: Failure) -> None:
        """A path failed."""

    def stopping(self) -> None:
        """The first Ctrl-C."""
        say("pn copy: finishing the files in flight; Ctrl-C again stops at once", sys.stderr)

    def end(self, report: CopyReport) -> None:
        """It is over."""
        if report.failed:
            say(f"pn copy: {number(len(report.failed), 'path')} not copied:", sys.stderr)
        for failure in report.failed:
            say(f"  {shown(failure.path)}: {failure.cause}", sys.stderr)

    def abandon(self) -> None:
        """It ended by an error that somebody else will tell: leave the terminal as it was."""


class Summary(Output):
    """One line on stdout at the end."""

    def end(self, report: CopyReport) -> None:
        """Print the summary, then the failures."""
        say(summary(report))
        super().end(report)


def say(words: str, stream: TextIO | None = None) -> None:
    """Print a line on stdout or ``stream``.  A reader that has gone (``| head``) does not end the copy."""
    stream = stream or sys.stdout
    try:
        print(words, file=stream, flush=True)
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def summary(report: CopyReport) -> str:
    """The report in one line."""
    parts = [f"{number(report.files, 'file')} in {number(report.folders, 'folder')}"]
    if report.links:
        parts.append(number(report.links, "link"))
    if report.specials:
        parts.append(number(report.specials, "special file"))
    words = f"copied {', '.join(parts)}: {size(report.bytes)} in {seconds(report.seconds)}"
    if report.seconds > 0 and report.bytes:
        words += f" ({size(report.bytes / report.seconds)}/s)"
    if report.skipped:
        words += f"; {report.skipped:,} were there already ({size(report.skipped_bytes)})"
    if report.failed:
        words += f"; {number(len(report.failed), 'path')} failed"
    if report.interrupted:
        words += "; interrupted: the same command finishes the rest"
    where = ", ".join(shown(target) for target in report.targets[:3])
    return f"{words} -> {where}{', ...' if len(report.targets) > 3 else ''}"
