"""The lane beside the line: items with descriptors in them, over a socket, since a pipe cannot carry any.

::

    put  ── letter n, with descriptors ──▶ SEQPACKET socket ──▶ get, when it takes record n from the line
     └───── record n: "letter n is in the lane" ──▶ line ────────┘

Letter and record are sent under the Guard, so that both stand in the same order.  A record whose letter is
gone is harmless: its reader looks on.  A letter whose reader or sender was killed gets another record from
the next sender (LANE is its number while one may be missing), from ``settle_death``, or is found by a
reader who finds the line empty: it comes late, rather than never.

The other direction of the socket carries single bytes that mean "there is room", for event loops.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct

from procession.ipc.letters import FDS_ROOM, ROOM, Letter, close_all, read_object
from procession.ipc.queue_book import LANE, LETTERS, Book
from procession.linux.seqpacket import descriptors_in, seqpacket_pair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

NOTHING = object()
SLICE = 0.1  # seconds; what makes room for descriptors may be somebody else's reading (unix(7), ETOOMANYREFS)
_NUMBER = struct.Struct("=Q")
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

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        # ``close`` is bound now: at the interpreter's end the module is empty.
        for sock, fd in ((self._front, self.inlet), (self._back, self.outlet)):
            if sock is not None:
                sock.close()
            elif fd >= 0:
                close(fd)

    def send(self, letter: Letter) -> int:
        """Under the Guard: send a letter and give its number, which stands in LANE until its record is written.

        0 if there is no room.
        """
        words = self.book.words
        number = words[LETTERS] + 1
        words[LETTERS] = number
        words[LANE] = number
        if not self._post([_NUMBER.pack(number), *letter.pieces], letter.ancillary() if letter.fds else []):
            words[LANE] = 0
            return 0
        return number

    def _post(self, pieces: Any, ancillary: Any) -> bool:
        try:
            self._in().sendmsg(pieces, ancillary, socket.MSG_DONTWAIT)
        except OSError as error:
            if error.errno in _FULL:
                return False
            raise
        return True

    def wait_for_room(self, timeout: float | None) -> None:
        """Wait until there may be room, and no longer than ``SLICE`` or ``timeout`` seconds."""
        poll = select.poll()
        poll.register(self.inlet, select.POLLOUT)
        poll.poll(1000 * (SLICE if timeout is None else max(0, min(SLICE, timeout))))

    def receive(self, number: int) -> Any:
        """The item in a letter, or NOTHING if it is not there.  Raises what its unpickling raises."""
        with self.book.section:
            if not self._bring_forward(number):
                return NOTHING
            packet, extras, flags = self._next()
        return read_object(packet[_NUMBER.size :], extras, flags)

    def _bring_forward(self, number: int) -> bool:
        """Under the Guard: send those before it round to the end, where their own slow readers will look for them."""
        first = head = self.head()
        while head and head != number:
            packet, extras, _ = self._next()
            self._post([packet], _passed_on(extras))
            close_all(descriptors_in(extras))
            head = self.head()
            if head == first:
                return False
        return head != 0

    def receive_any(self) -> Any:
        """The item in the oldest letter, or NOTHING.  Raises what its unpickling raises."""
        with self.book.section:
            if not self.head():
                return NOTHING
            packet, extras, flags = self._next()
        return read_object(packet[_NUMBER.size :], extras, flags)

    def head(self) -> int:
        """Under the Guard: the number of the oldest letter; 0 if there is none."""
        try:
            number = self._out().recv(_NUMBER.size, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0
        return int(_NUMBER.unpack(number)[0])

    def _next(self) -> tuple[bytes, Any, int]:
        packet, extras, flags, _ = self._out().recvmsg(
            ROOM + _NUMBER.size, FDS_ROOM, socket.MSG_CMSG_CLOEXEC | socket.MSG_DONTWAIT
        )
        return packet, extras, flags

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


def _passed_on(extras: Any) -> Any:
    fds = descriptors_in(extras)
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack(f"{len(fds)}i", *fds))] if fds else []
