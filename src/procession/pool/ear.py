"""Waiting for a message that may come at once.

To sleep and be woken costs 5 µs on a plain machine and 50 µs on a virtual one, whose processor has to be woken
as well; a call that goes to a worker and back pays it twice.  So who has been answered quickly before looks
again and again for a moment before it sleeps; one look that was in vain ends that.
"""

from __future__ import annotations

import os
import select
import socket
import time

from procession.pool.messages import receive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.ipc.spares import Spares
    from procession.pool.messages import Packet

MOMENT = 100e-6  # seconds


class Ear:
    """One end of a channel, for one thread at a time."""

    __slots__ = ("_bell", "_poll", "_quick", "_sock", "_spares")

    def __init__(self, sock: socket.socket, *, bell: bool = False, spares: Spares | None = None) -> None:
        """``bell``: other threads may ``ring`` it; then it is to be closed.  ``spares``: see messages.receive."""
        self._sock = sock
        self._spares = spares
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._quick = False  # the last message came within a moment
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC) if bell else -1
        if bell:
            self._poll.register(self._bell, select.POLLIN)

    def ring(self) -> None:
        """End the wait of whoever listens."""
        os.eventfd_write(self._bell, 1)

    def close(self) -> None:
        """Give the bell back."""
        os.close(self._bell)

    def receive(self) -> Packet:
        """The next message; raises ChannelClosed at the end."""
        self.wait()
        return receive(self._sock, 0, self._spares)

    def wait(self) -> None:
        """Until there is a message, or the end, or the bell has been rung."""
        begun = time.perf_counter()
        poll = self._poll.poll
        if self._quick:
            until = begun + MOMENT
            while time.perf_counter() < until:
                if events := poll(0):
                    break
            else:
                self._quick = False
                events = poll()
        else:
            events = poll()
            self._quick = time.perf_counter() - begun < MOMENT
        if self._bell >= 0 and any(fd == self._bell for fd, _ in events):
            os.eventfd_read(self._bell)
