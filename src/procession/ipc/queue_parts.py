"""What a queue consists of in one process, how it travels, and what it does when a process dies.

::

    record (512 bytes)   \\x80... a pickle, and zeros    most items
                         R offset size                  it lies in a region (queue_regions.py)
                         L number                       it waits in the lane, with descriptors (queue_lane.py)

``put`` (queue_put.py) has stored the item when it returns, and ``get`` (queue_take.py) has taken it when it
returns: there is no thread, no buffer of the process and no lock on this way, so that nothing is lost or
stuck with a process that ends.
"""

from __future__ import annotations

import os
import struct
import weakref

from procession.ipc import carry, estate, given
from procession.ipc.queue_book import BUMP, LANE, LETTERS, SPILLED, Book
from procession.ipc.queue_ends import NoLock, ReadEnd, WriteEnd
from procession.ipc.queue_lane import Lane
from procession.ipc.queue_line import Line
from procession.ipc.queue_regions import FIRST, Regions
from procession.linux.fixedpipe import RECORD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

INLINE = 0x80  # the first byte of every pickle since protocol 2
_LETTER = struct.Struct("=c7xQ")


def letter_record(number: int) -> bytes:
    """The record of an item in the lane."""
    return _LETTER.pack(b"L", number).ljust(RECORD, b"\0")


def letter_number(record: bytes) -> int:
    """The number in it."""
    return int(_LETTER.unpack_from(record)[1])


class Parts:
    """The parts of a queue, of all kinds of queues."""

    _bound = 0  # items; 0: no bound

    def _create(self) -> None:
        book = Book()
        self._assemble(book, Line.create(book), Regions.create(book), Lane.create(book))

    def _assemble(self, book: Book, line: Line, regions: Regions, lane: Lane) -> None:
        self._book = book
        self._line = line
        self._regions = regions
        self._lane = lane
        self._words = book.words
        self._seat = 0
        self._shut = False  # closed by this process, or not given to it: no ``put`` any more
        self._given = True
        self._closed = False
        _all.add(self)
        estate.register(self)
        given.register(self, None, Parts._not_given)

    def _parts(self) -> tuple[Any, ...]:
        line, lane, share = self._line, self._lane, carry.share
        writer = share(line.writer) if line.writer >= 0 else None
        ends = (line.reader, line.log, self._regions.fd, lane.inlet, lane.outlet)
        return (self._book, writer, *map(share, ends))

    def _arrive(self, book: Book, writer: Any, *others: Any) -> None:
        fds = [shared.detach() for shared in others]
        mine = writer.detach() if writer is not None else -1
        for fd in (*fds, mine):
            if fd >= 0:
                os.set_inheritable(fd, False)
        reader, log, regions, inlet, outlet = fds
        self._assemble(book, Line(book, reader, mine, log), Regions(book, regions), Lane(book, inlet, outlet))

    def _sit(self) -> int:
        self._seat = self._book.sit()
        return self._seat

    def _refuse(self) -> None:
        if not self._given:
            raise OSError(given.NOT_GIVEN)
        raise ValueError(f"Queue {self!r} is closed")

    def _waiting(self) -> int:
        with self._book.section:
            return self._line.waiting()

    def _not_given(self) -> None:
        """In a forked child that this queue was not meant for: it is no producer."""
        self._given = False
        self._shut = True
        self._line.close_writer()

    def settle_death(self, pid: int) -> None:  # noqa: ARG002 - whoever it was
        """A process has ended: do what it may have been about to do (see ipc/estate.py)."""
        line, words = self._line, self._words
        if line.writer < 0:
            return
        if words[SPILLED] or words[LANE]:
            with self._book.section:
                if words[LANE]:
                    line.write_guarded(letter_record(words[LANE]))
                    words[LANE] = 0
                if words[SPILLED]:
                    line.refill()
        elif words[LETTERS] and line.seems_empty():
            with self._book.section:
                head = self._lane.head()
                if head:
                    line.write_guarded(letter_record(head))
        if words[BUMP] > FIRST:
            self._regions.sweep()

    def forked(self) -> None:
        """This is a child now: what its parent has in hand is not its own."""
        self._line.saved.clear()
        self._book.seat = self._seat = 0

    # -- names that multiprocessing's own parts use ----------------------------------------------------

    @property
    def _reader(self) -> ReadEnd:
        return ReadEnd(self)

    @property
    def _writer(self) -> WriteEnd:
        return WriteEnd(self)

    _rlock = _wlock = NoLock()


_all: weakref.WeakSet[Parts] = weakref.WeakSet()


def _after_fork() -> None:
    for queue in list(_all):
        queue.forked()


os.register_at_fork(after_in_child=_after_fork)
