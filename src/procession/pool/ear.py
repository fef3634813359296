"""Waiting for a message that may come at once.

To sleep and be woken costs 5 µs on a plain machine and 50 µs on a virtual one, whose processor has to be woken
as well; a call that goes to a worker and back pays it twice.  So who has been answered quickly before looks
again and again for a moment before it sleeps; one look that was in vain ends that.
"""

from __future__ import annotations

import select
import socket
import time

from procession.pool.messages import receive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.pool.messages import Packet

MOMENT = 100e-6  # seconds


class Ear:
    """One end of a channel, for one thread at a time."""

    __slots__ = ("_poll", "_quick", "_sock")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._quick = False  # the last message came within a moment

    def receive(self) -> Packet:
        """The next message; raises ChannelClosed at the end."""
        self.wait()
        return receive(self._sock)

    def wait(self) -> None:
        """Until there is a message, or the end."""
        begun = time.perf_counter()
        poll = self._poll.poll
        if self._quick:
            until = begun + MOMENT
            while time.perf_counter() < until:
                if poll(0):
                    return
            self._quick = False
            poll()
        else:
            poll()
            self._quick = time.perf_counter() - begun < MOMENT
