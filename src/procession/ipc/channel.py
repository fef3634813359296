"""A duplex channel of whole objects between two processes.

One SEQPACKET socket pair: a message arrives whole or not at all, also when its sender is killed in
mid-send, and end of file tells that the other side is gone.  A pickle up to ``INLINE`` bytes is the
packet itself; a larger one lies in a memfd whose descriptor travels instead, so that no message
depends on the size of a socket buffer.
"""

from __future__ import annotations

import os
import pickle
import socket

from procession.linux.memfd import create_memfd, map_shared
from procession.linux.seqpacket import recv_packet, send_packet, seqpacket_pair

INLINE = 48 * 1024


class Channel:
    """One end.  Not for several threads at once."""

    __slots__ = ("_socket",)

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    @classmethod
    def from_descriptor(cls, descriptor: int) -> Channel:
        """Take over a descriptor that was inherited or passed."""
        return cls(socket.socket(fileno=descriptor))

    def fileno(self) -> int:
        """The descriptor, for poll."""
        return self._socket.fileno()

    def send(self, message: object) -> None:
        """Send an object; raises ChannelClosed when the other side is gone."""
        data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        if len(data) <= INLINE:
            send_packet(self._socket, data)
            return
        descriptor = create_memfd("pn-message", len(data))
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(data)
            send_packet(self._socket, b"m", (descriptor,))
        finally:
            os.close(descriptor)

    def recv(self) -> object:
        """Receive an object; blocks; raises ChannelClosed at the end."""
        data, descriptors = recv_packet(self._socket, max_bytes=INLINE, max_fds=1)
        if not descriptors:
            return pickle.loads(data)
        try:
            with map_shared(descriptors[0], os.fstat(descriptors[0]).st_size, writable=False) as memory:
                return pickle.loads(memory)
        finally:
            os.close(descriptors[0])

    def close(self) -> None:
        """Close this end; the other side sees the end of file once all copies are closed."""
        self._socket.close()


def channel_pair() -> tuple[Channel, Channel]:
    """Two connected ends."""
    left, right = seqpacket_pair()
    return Channel(left), Channel(right)
