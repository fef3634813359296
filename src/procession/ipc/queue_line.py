"""The line that items of a queue stand in: a pipe, and behind it a log for what does not fit.

::

    put ──▶ pipe, 2,048 records (linux/fixedpipe.py) ──▶ get: a blocking read
     │        ▲
     │ full   │ splice: hundreds of records in one call, moved by the kernel as a whole
     ▼        │
    log, a memfd that records are appended to; its position is the next one to move, its size the end

Neither way of putting takes a lock: the kernel appends a record as a whole, as it writes one into a pipe.
The way from the log into the pipe, and with it the end of SPILLED, is under the Guard.

- SPILLED is 1 while the log holds records (and perhaps a moment longer).  Puts then append to it.  A process
  whose own records may still be there goes on appending until it has seen the log empty, so that the
  order of each producer is kept.
- Whoever takes a record from the pipe sees to it (``tend``) that it stays filled.  Nobody looks at every
  record: a reader may take a share of what is in the pipe unlooked, and the shares of all readers together
  are at most half of it.  So the pipe does not run dry while there is a reader, and those who sleep in
  read are woken by the kernel.  A reader that is killed does not look any more, but nor does it read.

Counts are asked of the kernel: FIONREAD and the two ends of the log.  Nothing here can drift.
"""

from __future__ import annotations

import errno
import os
import select
from collections import deque
from functools import partial

from procession.ipc.queue_book import PUNCHED, SEATS, SEATS_MAX, SPILLED, Book
from procession.linux import fixedpipe
from procession.linux.fixedpipe import RECORD, capacity, pending, reopening
from procession.linux.memfd import punch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_KEPT = 2 << 20  # bytes of the log that are kept behind its position: the pipe may still refer to them
_LIMIT = "the queue has reached the limit of this process for file sizes (ulimit -f)"
_PAUSE = 0.001  # seconds
_QUICK = 64  # records that readers take during a pause, if it is worth while
_STRIDE, _STRIDE_MAX = 4, 2048  # records between two pauses
_LOOK = 64  # of so many records that go to the log, one makes its writer look after the pipe

_pwrite = os.pwrite


class Line:
    """``reader`` blocks, ``writer`` does not and is -1 once this process puts no more."""

    __slots__ = (
        "_appended",
        "_now",
        "_readers",
        "_strides",
        "_until_pause",
        "behind",
        "book",
        "capacity",
        "log",
        "reader",
        "reads",
        "saved",
        "share",
        "words",
        "writer",
    )

    def __init__(self, book: Book, reader: int, writer: int, log: int) -> None:
        self.reader = reader  # first: __del__ closes them whatever fails below
        self.writer = writer
        self.log = log
        self._now = -1
        self._appended = 0
        self._until_pause = self._strides = _STRIDE
        self.behind = False  # this process may have records in the log
        self.book = book
        self.words = book.words
        self.reads = iter(partial(os.read, reader, RECORD), None)  # each step of it is a blocking read
        self.capacity = capacity(reader)
        self.share = 0  # records that this process may yet take without a look at the pipe
        self._readers = 0  # when that share was cut
        # Taken and not returned because of a signal: records, or tuples of what has become of one.  Appending to a
        # deque is one step for the interpreter, which a second signal cannot cut in two.
        self.saved: deque[Any] = deque()

    @classmethod
    def create(cls, book: Book) -> Line:
        """A new line.  Raises OSError (EMFILE, ENFILE, ENOMEM)."""
        reader, writer = fixedpipe.record_pipe()
        try:
            log = fixedpipe.open_log("pn-queue")
        except BaseException:
            os.close(reader)
            os.close(writer)
            raise
        return cls(book, reader, writer, log)

    # -- putting ---------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Put whole records, at most TOGETHER, at the end of the line.  Never waits."""
        if not self.words[SPILLED] and not (self.behind and self._is_behind()):
            try:
                os.write(self.writer, data)
                return
            except BlockingIOError:
                pass
        self.append(data)

    def write_full(self, data: bytes, pause: bool) -> None:
        """``write``, when the pipe has just been found full; with a pause first, if that is allowed."""
        if pause:
            select.select((), (), (), _PAUSE)
            self.write(data)
        else:
            self.append(data)

    def append_in_step(self, data: bytes, pause: bool) -> None:
        """``append``, and at times a pause, as long as that brings something.

        Readers that are quicker than the producers let them be take what is in the log in no time, and then
        everybody is quicker without it (a third to a half, measured with one reader and with twenty).
        Where they are slow or absent pauses are soon as rare as one in two thousand items.

        Not poll(2) for room, which would wake every producer for the first free page.
        """
        self._until_pause -= 1
        if pause and self._until_pause < 0:
            before = self._gone()
            select.select((), (), (), _PAUSE)
            if self._gone() - before >= _QUICK:
                self._strides = _STRIDE
            else:
                self._strides = min(2 * self._strides, _STRIDE_MAX)
            self._until_pause = self._strides
            if not self.words[SPILLED]:
                self.write(data)
                return
        self.append(data)

    def _gone(self) -> int:
        """Of the records that were ever in the log, how many have been taken."""
        return os.lseek(self.log, 0, os.SEEK_CUR) // RECORD - pending(self._end())

    def append(self, data: bytes) -> None:
        """Put them into the log, because the pipe is full or others of this process are there."""
        self.behind = True
        if _pwrite(self.log, data, 0) != len(data):
            self._cut()
        if self.words[SPILLED]:
            self._appended += 1
            if self._appended % _LOOK:
                return
            # The one whose turn it was to look may have been killed.
        with self.book.section:
            self._spilled()

    def write_guarded(self, data: bytes) -> None:
        """``write``, under the Guard."""
        if not self.words[SPILLED] and not (self.behind and self.logged()):
            try:
                os.write(self.writer, data)
                return
            except BlockingIOError:
                pass
        self.behind = True
        if _pwrite(self.log, data, 0) != len(data):
            self._cut()
        self._spilled()

    def _spilled(self) -> None:
        """Under the Guard, after appending: between the full pipe and now readers may have emptied it and gone to sleep."""
        # In this order: who ends SPILLED looks at the log once more after that (``refill``).
        self.words[SPILLED] = 1
        self.refill()

    def _is_behind(self) -> bool:
        """May records of this process still be in the log?"""
        with self.book.section:
            self.behind = self.logged() > 0
        return self.behind

    def _cut(self) -> None:
        """Only a file size limit cuts a record.  Without the Guard, since the caller may have it."""
        size = os.fstat(self.log).st_size
        os.ftruncate(self.log, size - size % RECORD)
        raise OSError(errno.EFBIG, _LIMIT)

    # -- taking ----------------------------------------------------------------------------------------

    def take_now(self, count: int = 1) -> bytes:
        """Up to ``count`` records if there are any; b"" if not."""
        data = b""
        try:
            try:
                (data,) = map(os.read, (self.now(),), (count * RECORD,))
            except BlockingIOError:
                pass
            if self.words[SPILLED]:
                if data:
                    self.tend(len(data) // RECORD)
                else:
                    with self.book.section:
                        (data,) = map(os.read, (self._head(),), (count * RECORD,))
                        self.refill()
        except BlockingIOError:
            pass
        except BaseException:
            if data:
                self.save(data) if count > 1 else self.saved.append(data)
            raise
        return data

    def _head(self) -> int:
        """Under the Guard: where the oldest record is, in the pipe or, if that is empty, in the log."""
        return self.now() if pending(self.now()) else self.log

    def save(self, data: bytes) -> None:
        """Keep records that were taken and cannot be returned now, for the next who asks in this process."""
        self.saved.extend([data[at : at + RECORD] for at in range(0, len(data), RECORD)])

    def now(self) -> int:
        """A read end that does not block."""
        if self._now < 0:
            path, flags = reopening(self.reader, os.O_RDONLY)
            (self._now,) = map(os.open, (path,), (flags,))
        return self._now

    # -- the log ---------------------------------------------------------------------------------------

    def tend(self, taken: int = 1) -> None:
        """To be called after taking records while SPILLED: keep the pipe filled."""
        self.share -= taken
        # A share was cut for so many readers as there were.
        if self.share < 0 or self.words[SEATS] != self._readers:
            self.book.sit()
            with self.book.section:
                self.refill()

    def refill(self) -> None:
        """Under the Guard: move what fits from the log into the pipe."""
        words = self.words
        level = pending(self._end())
        if level <= self.capacity * 3 // 4:
            level += self._move(self.capacity - level)
        self._readers = words[SEATS]
        self.share = level // (2 * (self._readers + 1)) if self._readers < SEATS_MAX else 0
        while not self.logged():
            words[SPILLED] = 0
            self.book.fence()
            if not self.logged():  # else somebody appended before he could see the 0
                break
            words[SPILLED] = 1
            self._move(self.capacity - level)
        self._give_back(os.lseek(self.log, 0, os.SEEK_CUR))

    def _move(self, records: int) -> int:
        if self.writer >= 0:
            return fixedpipe.move(self.log, self.writer, records)
        writer = -1
        try:
            try:  # this process has given its write end up, others wait for what is in the log
                path, flags = reopening(self.reader, os.O_WRONLY)
                (writer,) = map(os.open, (path,), (flags,))
            except OSError:
                return 0
            return fixedpipe.move(self.log, writer, records)
        finally:
            if writer >= 0:
                os.close(writer)

    def _give_back(self, position: int) -> None:
        """Free the memory of what has left the log and, by its distance, the pipe too."""
        done, end = self.words[PUNCHED], (position - _KEPT) & -4096
        if end - done >= _KEPT:
            self.words[PUNCHED] = end
            punch(self.log, done, end - done)

    # -- counts ----------------------------------------------------------------------------------------

    def waiting(self) -> int:
        """Under the Guard: how many records there are."""
        found = pending(self._end())
        return found + self.logged() if self.words[SPILLED] else found

    def logged(self) -> int:
        """Under the Guard: how many of them are in the log."""
        return (os.fstat(self.log).st_size - os.lseek(self.log, 0, os.SEEK_CUR)) // RECORD

    def spills(self) -> int:
        """How many records ever went to the log."""
        return os.fstat(self.log).st_size // RECORD

    def seems_empty(self) -> bool:
        """Without the Guard."""
        return not self.words[SPILLED] and not pending(self._end())

    def _end(self) -> int:
        return self.reader if self.reader >= 0 else self.writer

    # -- ends ------------------------------------------------------------------------------------------

    def close_writer(self) -> None:
        """This process puts no more; the last one to say so ends the line for all who read."""
        writer, self.writer = self.writer, -1
        if writer >= 0:
            os.close(writer)

    def close_reader(self) -> None:
        """This process takes no more."""
        self.reads = iter(partial(os.read, -1, RECORD), None)
        for name in ("reader", "_now"):
            fd = getattr(self, name)
            setattr(self, name, -1)
            if fd >= 0:
                os.close(fd)

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        # ``close`` is bound now: at the interpreter's end the module is empty.
        for fd in (self.writer, self.reader, self._now, self.log):
            if fd >= 0:
                close(fd)
