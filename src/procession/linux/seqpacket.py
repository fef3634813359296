"""SEQPACKET sockets: whole messages, in order, in both directions, with descriptors if need be.

unix(7).  One message is delivered whole or not at all, to one of the readers.  The kernel lets about
200 KB through (the send buffer: /proc/sys/net/core/wmem_default, 212,992 bytes with its own overhead); we
stop at 64 KiB on both sides unless told otherwise, since a reader has to offer room for the largest
message each time: 256 KiB cost it 15 µs a message, 64 KiB nothing.  What is larger goes into a memfd.

An empty message would look like the end: recvmsg(2) returns 0 for both.  So we refuse to send one,
and 0 bytes always mean that the other side has closed.
"""

from __future__ import annotations

import errno
import os
import struct

from procession.errors import ChannelClosed, MessageTooLarge
from procession.linux.errnos import typed, with_errno

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

MESSAGE_MAX = 64 << 10  # bytes
FDS_MAX = 253  # SCM_MAX_FD, unix(7)


def seqpacket_pair() -> tuple[socket.socket, socket.socket]:
    """Two connected ends, both close-on-exec."""
    import socket

    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)


def send_packet(
    sock: socket.socket,
    data: bytes | bytearray | memoryview,
    fds: Sequence[int] = (),
    *,
    max_bytes: int = MESSAGE_MAX,
) -> None:
    """Send one message, and with it duplicates of ``fds`` (at most 253, which stay ours to close).

    ``max_bytes``: the room that the reader offers.  Raises MessageTooLarge (above that, or EMSGSIZE),
    ChannelClosed (EPIPE, ECONNRESET), ValueError for an empty message or too many descriptors;
    BlockingIOError when the socket is non-blocking and full.
    """
    size = data.nbytes if isinstance(data, memoryview) else len(data)
    if size > max_bytes:
        words = f"a message of {size} bytes; the reader has room for {max_bytes}"
        raise with_errno(MessageTooLarge(words), errno.EMSGSIZE)
    if not size:
        raise ValueError("an empty message would look like the end of the channel")
    if len(fds) > FDS_MAX:
        raise ValueError(f"{len(fds)} descriptors in one message; the kernel carries {FDS_MAX}")
    try:
        if fds:
            import socket

            rights = struct.pack(f"{len(fds)}i", *fds)
            sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        else:
            sock.send(data)  # Python ignores SIGPIPE from its start, so a closed peer is an errno
    except OSError as error:
        raise typed(error, f"message of {size} bytes on socket {sock.fileno()}") from error


def recv_packet(
    sock: socket.socket, max_bytes: int = MESSAGE_MAX, max_fds: int = 16
) -> tuple[bytes, tuple[int, ...]]:
    """Take one message and the descriptors that came with it: ours now, close-on-exec.

    Raises ChannelClosed at the end, MessageTooLarge when the message or its descriptors did not fit (or
    no descriptor was free here): the kernel has dropped the rest, what did come is closed, the message
    is lost.  BlockingIOError when the socket is non-blocking and empty.
    """
    import socket

    # CMSG_LEN, not CMSG_SPACE: the padding of the latter has room for one descriptor more.
    room = socket.CMSG_LEN(4 * max_fds) if max_fds else 0
    try:
        data, extras, flags, _ = sock.recvmsg(max_bytes, room, socket.MSG_CMSG_CLOEXEC)
    except ConnectionResetError:
        # The other side closed with messages of ours unread: told once, and before what it had sent us.
        data, extras, flags, _ = sock.recvmsg(max_bytes, room, socket.MSG_CMSG_CLOEXEC)
    fds = descriptors_in(extras) if extras else ()
    if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
        _close_all(fds)
        what = f"{max_bytes} bytes" if flags & socket.MSG_TRUNC else f"{max_fds} descriptors (or no free one)"
        raise MessageTooLarge(f"a message on socket {sock.fileno()} went over {what} and is lost")
    if not data:
        _close_all(fds)
        raise ChannelClosed(f"socket {sock.fileno()}: the other side has closed it")
    return data, fds


def descriptors_in(extras: list[tuple[int, int, bytes]]) -> tuple[int, ...]:
    """The descriptors among the ancillary data of a recvmsg, ours from then on."""
    import socket

    found: list[int] = []
    for level, kind, payload in extras:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            count = len(payload) // 4  # a truncated list may end in the middle of a number (cmsg(3))
            found += struct.unpack(f"{count}i", payload[: 4 * count])
    return tuple(found)


def _close_all(fds: tuple[int, ...]) -> None:
    for fd in fds:
        os.close(fd)
