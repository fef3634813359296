"""What ``pn map`` prints: the output of the commands, whole and in turn, and at the end what failed."""

from __future__ import annotations

import codecs
import json
import os
import select

from procession.commands.joblog import facts
from procession.commands.turns import pieces
from procession.copying.words import shown
from procession.units import number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from procession.cli.map_live import Display
    from procession.commands.run import Progress, Report
    from procession.commands.templates import Template
    from procession.commands.turns import Finished

_ATOM = 4096  # PIPE_BUF: where poll(2) says that a pipe takes something, it takes so much without blocking


class Interrupted(Exception):
    """A signal came while somebody who reads our output let us wait."""


class Unwritable(Exception):
    """A stream of ours takes nothing: a full disk, a stream that is closed."""


def raw(fd: int, data: bytes, signals: int = -1) -> None:
    """Write all of it.

    Raises BrokenPipeError, Unwritable, and Interrupted when ``signals`` becomes readable meanwhile.
    """
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    if signals >= 0:
        poll.register(signals, select.POLLIN)
    view = memoryview(data)
    while view:
        ready = dict(poll.poll())
        if fd not in ready:
            raise Interrupted
        try:
            view = view[os.write(fd, view[:_ATOM]) :]
        except BlockingIOError:
            continue
        except BrokenPipeError:
            raise
        except OSError as error:
            stream = "standard output" if fd == 1 else "standard error"
            raise Unwritable(f"{stream}: {error.strerror}") from error


class Output:
    """Standard output of each command to standard output, its standard error to standard error."""

    #: seconds between two calls of ``progress``; 0: it is not called
    tick = 0.0

    def __init__(self, template: Template, signals: int, *, tag: bool = False, quiet: bool = False) -> None:
        self.template = template
        self._signals = signals
        self._tag = tag
        self._quiet = quiet
        self._display: Display | None = None
        self._stopping = False

    def show(self, display: Display) -> None:
        """Have a display of the progress, which makes room for each output."""
        self._display = display
        self.tick = display.tick

    def finished(self, done: Finished) -> None:
        """It is this command's turn."""
        for fd, output in ((1, done.stdout), (2, done.stderr)):
            chunks: Iterable[bytes] = pieces(output)
            if self._tag:
                chunks = tagged(chunks, os.fsencode(named(done.work.inputs)) + b"\t")
            for chunk in chunks:
                self.write(fd, chunk)

    def write(self, fd: int, data: bytes) -> None:
        """Print, the display out of the way."""
        if self._display is not None:
            self._display.make_room(data)
        raw(fd, data, -1 if self._stopping else self._signals)

    def progress(self, progress: Progress) -> None:
        """So far it has come."""
        if self._display is not None:
            self._display.draw(progress, stopping=self._stopping)

    def stopping(self) -> None:
        """The first Ctrl-C."""
        self._stopping = True

    def end(self, report: Report, log: str | None) -> None:
        """It is over: say what failed."""
        self.abandon()
        total = report.ok + report.failed
        if report.failed:
            self.say(f"pn map: {report.failed:,} of {number(total, 'command')} failed:")
        for inputs, reason in report.failures:
            self.say(f"  {named(inputs)}: {reason}")
        if report.failed > len(report.failures):
            self.say(f"  and {report.failed - len(report.failures):,} more")
        if report.trouble:
            self.say(f"pn map: {report.trouble}")
        if not self._quiet:
            for line in notes(report, log):
                self.say(f"pn map: {line}")

    def abandon(self) -> None:
        """Leave the terminal as it was."""
        if self._display is not None:
            self._display.clear()

    def say(self, words: str) -> None:
        """A line of our own on standard error."""
        try:
            raw(2, os.fsencode(words) + b"\n")
        except (OSError, Unwritable):
            pass  # nobody listens there any more


class JsonOutput(Output):
    r"""One object a line.  Bytes of an output or a name that are not UTF-8 are lone surrogates ``\udcXX``."""

    def finished(self, done: Finished) -> None:
        """Print it piece by piece: an output may be larger than the memory."""
        command = self.template.shown(done.work.inputs, done.work.number)
        head = json.dumps(facts(done.work, command, done.outcome))
        self.write(1, head[:-1].encode("ascii"))
        for name, output in (("stdout", done.stdout), ("stderr", done.stderr)):
            self.write(1, f', "{name}": "'.encode())
            for text in texts(pieces(output)):
                self.write(1, json.dumps(text)[1:-1].encode("ascii"))
            self.write(1, b'"')
        self.write(1, b"}\n")


def notes(report: Report, log: str | None) -> Iterator[str]:
    """What else is to be said at the end."""
    if report.skipped:
        yield f"{number(report.skipped, 'input')} left out: done before"
    if not report.stopped:
        return
    left = "" if report.left is None else f", {report.left:,} to do"
    why = {"interrupt": "interrupted", "failures": "stopped because of the failures", "log": "stopped"}
    words = f"{why[report.stopped]}: {report.ok:,} done{left}"
    if report.ended:
        words += f" ({number(report.ended, 'command')} ended half-way)"
    if report.stopped == "log":
        yield words
    elif log is None:
        yield f"{words}; with --log FILE the next one can be resumed"
    else:
        yield f"{words}; the same line with --resume goes on"


def named(inputs: tuple[str, ...]) -> str:
    """The inputs, safe to print."""
    if len(inputs) > 3:
        return f"{' '.join(shown(text) for text in inputs[:2])} ... {shown(inputs[-1])}"
    return " ".join(shown(text) for text in inputs)


def tagged(chunks: Iterable[bytes], tag: bytes) -> Iterator[bytes]:
    """Each line with the tag before it, the last one with a newline behind it."""
    fresh = True
    for chunk in chunks:
        lines = chunk.split(b"\n")
        ends = not lines[-1]
        body = (b"\n" + tag).join(lines[:-1] if ends else lines)
        yield (tag if fresh else b"") + body + (b"\n" if ends else b"")
        fresh = ends
    if not fresh:
        yield b"\n"


def texts(chunks: Iterable[bytes]) -> Iterator[str]:
    """Bytes as text, whatever the edges of the pieces cut through."""
    decode: Callable[[bytes, bool], str] = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
    for chunk in chunks:
        yield decode(chunk, False)
    yield decode(b"", True)
