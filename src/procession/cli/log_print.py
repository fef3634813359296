"""Pieces of a log to standard output: made harmless, or only the lines that fit."""

from __future__ import annotations

import collections
import sys

from procession.jobs.log_harmless import Harmless, plain_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable


class Printer:
    """``pattern``: only lines that it finds something in.  ``filtered``: for a terminal.  ``last``: so many of the
    lines that fit."""

    def __init__(self, pattern: re.Pattern[str] | None, *, filtered: bool, last: int | None = None) -> None:
        self._pattern = pattern
        self._filter = Harmless() if filtered else None
        self._half = b""
        self._kept: collections.deque[bytes] | None = None
        if pattern is not None and last is not None:
            self._kept = collections.deque(maxlen=last)
        self.matched = 0

    def feed_all(self, pieces: Iterable[bytes]) -> None:
        """These, and show them at once."""
        for piece in pieces:
            if self._pattern is None:
                self._put(piece)
            else:
                self._lines(piece)
        sys.stdout.flush()

    def settle(self) -> None:
        """What was kept for being the last: those that come from now on are shown at once."""
        kept, self._kept = self._kept, None
        for line in kept or ():
            self._put(line)
        sys.stdout.flush()

    def end(self) -> None:
        """A last line without its end, and the colours off."""
        if self._half:
            self._line(self._half)
            self._half = b""
        self.settle()
        if self._filter is not None:
            sys.stdout.buffer.write(self._filter.end() + b"\x1b[m" * self._filter.coloured)
        sys.stdout.flush()

    def _lines(self, piece: bytes) -> None:
        *lines, self._half = (self._half + piece).split(b"\n")
        for line in lines:
            self._line(line + b"\n")

    def _line(self, line: bytes) -> None:
        assert self._pattern is not None
        if self._pattern.search(plain_text(line)):
            self.matched += 1
            if self._kept is None:
                self._put(line)
            else:
                self._kept.append(line)

    def _put(self, data: bytes) -> None:
        sys.stdout.buffer.write(self._filter.feed(data) if self._filter is not None else data)
