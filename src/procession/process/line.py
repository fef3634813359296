"""The line between a child and who started it: a pair of sockets on which whole messages go upwards.

::

    child ──────── STARTED pid + pidfd (of a fork server), VALUE / FAILED ──┐
                                                                            ├──▶ parent
    fork server ── EXIT status and usage ───────────────────────────────────┘

A message is delivered whole or not at all, also when its sender is killed in the middle, and the kernel
keeps what a dead sender has sent, descriptors included: a result outlives the child that computed it.
What is larger than a packet lies in a memfd that travels with it as its first descriptor.
"""

from __future__ import annotations

import os
import socket

from procession.linux.memfd import create_memfd, map_shared
from procession.linux.seqpacket import MESSAGE_MAX, recv_packet, send_packet, seqpacket_pair
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# The first byte of a message.
VALUE = b"V"  # a pickle: what run() returned
FAILED = b"F"  # ipc.faults.pack_error: what run() raised
STARTED = b"S"  # a pid, with its pidfd: a child that the fork server has made is there
EXIT = b"X"  # how it ended
REFUSED = b"R"  # words: the fork server could not make it

INLINE = 48 * 1024  # bytes
DESCRIPTORS_MAX = 250
_IN_MEMORY = 0x80  # added to the first byte: the data lies in the first descriptor


@record
class Message:
    """One message; who takes it owns the descriptors."""

    kind: bytes
    data: bytes
    descriptors: tuple[int, ...]

    def close(self) -> None:
        """Close the descriptors."""
        for fd in self.descriptors:
            os.close(fd)


def make_line() -> tuple[socket.socket, socket.socket]:
    """The parent's end and the child's."""
    mine, theirs = seqpacket_pair()
    mine.setblocking(False)
    theirs.setblocking(True)  # whatever socket.setdefaulttimeout says
    return mine, theirs


def post(line: socket.socket, kind: bytes, data: bytes, descriptors: Sequence[int] = ()) -> None:
    """Send a message; raises ChannelClosed when nobody can read it any more, OSError."""
    if len(data) <= INLINE:
        send_packet(line, kind + data, descriptors)
        return
    memory = create_memfd("pn-line", 0)
    try:
        write_whole(memory, data)
        send_packet(line, bytes([kind[0] | _IN_MEMORY]), (memory, *descriptors))
    finally:
        os.close(memory)


def take(line: socket.socket) -> Message | None:
    """The next message, or None: there is none (the socket does not block).  Raises ChannelClosed."""
    try:
        packet, descriptors = recv_packet(line, MESSAGE_MAX, DESCRIPTORS_MAX + 1)
    except BlockingIOError:
        return None
    kind = packet[:1]
    if not kind[0] & _IN_MEMORY:
        return Message(kind, packet[1:], descriptors)
    try:
        data = read_whole(descriptors[0])
    finally:
        os.close(descriptors[0])
    return Message(bytes([kind[0] & ~_IN_MEMORY]), data, descriptors[1:])


def write_whole(fd: int, data: bytes | memoryview) -> None:
    """write(2) stops at 2 GiB."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def read_whole(fd: int) -> bytes:
    """All that a memfd holds."""
    size = os.fstat(fd).st_size
    if not size:
        return b""
    with map_shared(fd, size, writable=False) as memory:
        return memory[:]
