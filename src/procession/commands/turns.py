"""Finished commands wait here until it is their turn, and their output with them.

Up to ``MEMORY`` bytes wait in memory, the rest in one unnamed file, so that a slow first command of a long
list costs neither memory nor descriptors.
"""

from __future__ import annotations

import os
from collections import OrderedDict

from procession.commands.capture import unnamed_file
from procession.commands.outcome import PIECE, Stored
from procession.records import record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from procession.commands.outcome import Outcome
    from procession.commands.plan import Work

MEMORY = 4 << 20


@record
class Parked:
    """Output in the common file."""

    file: Stored
    offset: int
    size: int


@record
class Finished:
    """A command with its last outcome and its output."""

    work: Work
    outcome: Outcome
    stdout: bytes | Stored | Parked
    stderr: bytes | Stored | Parked


class Turns:
    """Gives finished commands back in the order in which they were begun; ``ordered=False``: at once."""

    def __init__(self, *, ordered: bool) -> None:
        self._ordered = ordered
        # By number, in order; None: not finished yet.  (A dict is slow at giving out its first key.)
        self._line: OrderedDict[int, Finished | None] = OrderedDict()
        self._ready: list[Finished] = []
        self._memory = 0
        self._file: Stored | None = None
        self._parked = 0  # outputs in the file

    def begun(self, work: Work) -> None:
        """Keep its place."""
        if work.attempt == 1:
            self._line[work.number] = None

    def finished(self, work: Work, outcome: Outcome) -> None:
        """It is over; ``next`` gives it out when it is its turn."""
        done = Finished(work, outcome, outcome.stdout, outcome.stderr)
        if not self._ordered or next(iter(self._line)) == work.number:
            del self._line[work.number]
            self._ready.append(done)
            return
        bare = replace(outcome, stdout=b"", stderr=b"")
        self._line[work.number] = Finished(work, bare, self._park(done.stdout), self._park(done.stderr))

    def dropped(self, number: int) -> None:
        """It will not be finished: nobody waits for it any more."""
        self._line.pop(number, None)

    def next(self) -> Finished | None:
        """Whose turn it is; None when that one still runs."""
        if self._ready:
            return self._ready.pop(0)
        first = next(iter(self._line), None)
        done = self._line[first] if first is not None else None
        if first is None or done is None:
            return None
        del self._line[first]
        for output in (done.stdout, done.stderr):
            self._unpark(output)
        return done

    def _park(self, output: bytes | Stored | Parked) -> bytes | Stored | Parked:
        """Put it aside.  When the disk is full it stays where it is."""
        size = len(output) if isinstance(output, bytes) else output.size
        if isinstance(output, bytes) and (not size or self._memory + size <= MEMORY):
            self._memory += size
            return output
        try:
            if self._file is None:
                self._file = Stored(unnamed_file(), 0)
            offset = at = self._file.size
            for piece in pieces(output):
                at = _write_at(self._file.fd, piece, at)
        except OSError:
            if isinstance(output, bytes):
                self._memory += size
            return output
        self._file.size = at
        self._parked += 1
        return Parked(self._file, offset, size)

    def _unpark(self, output: bytes | Stored | Parked) -> None:
        if isinstance(output, bytes):
            self._memory -= len(output)
        elif isinstance(output, Parked):
            self._parked -= 1
            if not self._parked:
                self._file = None  # it goes with the last of its outputs


def _write_at(fd: int, piece: bytes, at: int) -> int:
    view = memoryview(piece)
    while view:
        written = os.pwrite(fd, view, at)
        at, view = at + written, view[written:]
    return at


def pieces(output: bytes | Stored | Parked) -> Iterator[bytes]:
    """All of it, piece by piece."""
    if isinstance(output, bytes):
        if output:
            yield output
        return
    fd, at = (output.file.fd, output.offset) if isinstance(output, Parked) else (output.fd, 0)
    end = at + output.size
    while at < end:
        data = os.pread(fd, min(PIECE, end - at), at)
        if not data:
            raise OSError(5, "output that was put aside has vanished")
        at += len(data)
        yield data
