"""The lane beside the line: items with descriptors in them, over a socket, since a pipe cannot carry any.

::

    put  ── letter with descriptors ──▶ SEQPACKET socket ──▶ get, when it takes the record from the line
     └──── a record "there is one in the lane" ──▶ line ──────┘

Letter and record are sent under the Guard, so that both stand in the same order.  Any such record takes
any letter.  A record without a letter is harmless: its reader looks on.  A letter without a record, left
by somebody who was killed between the two, gets one from the next sender (LANE is 1 while one may be
missing), or is found by a reader who finds the line empty.

The other direction of the socket carries single bytes that mean "there is room", for event loops.
"""

from __future__ import annotations

import errno
import os
import select
import socket

from procession.ipc.letters import FDS_ROOM, ROOM, Letter, read_object
from procession.ipc.queue_book import LANE, Book
from procession.linux.seqpacket import seqpacket_pair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

NOTHING = object()
SLICE = 0.1  # seconds; what makes room for descriptors may be somebody else's reading (unix(7), ETOOMANYREFS)
_FULL = (errno.EAGAIN, errno.ETOOMANYREFS, errno.ENOBUFS)


class Lane:
    """Both ends; every process of the queue has both."""

    __slots__ = ("_back", "_front", "book", "inlet", "outlet")

    def __init__(self, book: Book, inlet: int, outlet: int) -> None:
        self.inlet = inlet
        self.outlet = outlet
        self.book = book
        self._front: socket.socket | None = None  # of the inlet; made when first used
        self._back: socket.socket | None = None

    @classmethod
    def create(cls, book: Book) -> Lane:
        """A new one.  Raises OSError (EMFILE, ENFILE)."""
        left, right = seqpacket_pair()
        return cls(book, left.detach(), right.detach())

    def __del__(
        self, close: Callable[[int], None] = os.close
    ) -> None:  # bound now: at the interpreter's end the module is empty
        for sock, fd in ((self._front, self.inlet), (self._back, self.outlet)):
            if sock is not None:
                sock.close()
            elif fd >= 0:
                close(fd)

    def send(self, letter: Letter) -> bool:
        """Under the Guard: send it, and set LANE for the time until its record is written; False if full."""
        self.book.words[LANE] = 1
        try:
            self._in().sendmsg(letter.pieces, letter.ancillary(), socket.MSG_DONTWAIT)
        except OSError as error:
            self.book.words[LANE] = 0
            if error.errno in _FULL:
                return False
            raise
        return True

    def wait_for_room(self, timeout: float | None) -> None:
        """Wait until there may be room, and no longer than ``SLICE`` or ``timeout`` seconds."""
        poll = select.poll()
        poll.register(self.inlet, select.POLLOUT)
        poll.poll(1000 * (SLICE if timeout is None else max(0, min(SLICE, timeout))))

    def receive(self) -> Any:
        """The oldest item in the lane, or NOTHING.  Raises what its unpickling raises."""
        try:
            packet, extras, flags, _ = self._out().recvmsg(
                ROOM, FDS_ROOM, socket.MSG_CMSG_CLOEXEC | socket.MSG_DONTWAIT
            )
        except BlockingIOError:
            return NOTHING
        return read_object(packet, extras, flags) if packet else NOTHING

    def holds_any(self) -> bool:
        """Is there a letter?"""
        return _is_readable(self.outlet)

    def tell_room(self) -> None:
        """Wake the event loops that wait at ``inlet`` for room in the queue."""
        try:
            self._out().send(b"r", socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass  # plenty of such news is there already

    def hear_room(self) -> None:
        """Take the news of room that is there."""
        try:
            while self._in().recv(1, socket.MSG_DONTWAIT):
                pass
        except BlockingIOError:
            pass

    def _in(self) -> socket.socket:
        if self._front is None:
            self._front = socket.socket(fileno=self.inlet)
        return self._front

    def _out(self) -> socket.socket:
        if self._back is None:
            self._back = socket.socket(fileno=self.outlet)
        return self._back


def _is_readable(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))
