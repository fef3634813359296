"""Packet pipes: each write is one message, each read takes one, any number of writers and readers.

pipe2(2) with O_DIRECT, since Linux 3.4.  The kernel keeps no lock that a killed process could hold.
A message takes one slot however small it is: 16 slots at the default 64 KiB, 256 at 1 MiB (the most
that a user may ask for, /proc/sys/fs/pipe-max-size).

Zero-length packets do not exist: writing nothing does nothing, and reading nothing means the end.
"""

from __future__ import annotations

import errno
import fcntl
import os

from procession.errors import ChannelClosed, MessageTooLarge
from procession.linux.errnos import typed, with_errno

PACKET_MAX = 4096  # bytes; PIPE_BUF.  pipe(2): larger writes are split into several packets


def packet_pipe() -> tuple[int, int]:
    """A new packet pipe: (read end, write end), both close-on-exec and blocking."""
    try:
        return os.pipe2(os.O_DIRECT | os.O_CLOEXEC)
    except OSError as error:
        raise typed(error, "a packet pipe (O_DIRECT)") from error


def write_packet(fd: int, data: bytes | bytearray | memoryview) -> None:
    """Write one message of 1 to 4096 bytes, whole or not at all; waits while the pipe is full.

    Raises MessageTooLarge above that, ChannelClosed (EPIPE) when no reader is left, ValueError for an
    empty message; BlockingIOError on a full pipe that was made non-blocking.
    """
    size = data.nbytes if isinstance(data, memoryview) else len(data)
    if not 0 < size <= PACKET_MAX:
        if not size:
            raise ValueError("a packet pipe cannot carry an empty message")
        words = f"{size} bytes in one packet; a packet pipe carries {PACKET_MAX}"
        raise with_errno(MessageTooLarge(words), errno.EMSGSIZE)
    try:
        os.write(fd, data)
    except BrokenPipeError as error:
        raise typed(error, f"packet pipe {fd}") from error


def read_packet(fd: int) -> bytes:
    """Take one message; waits for one.

    Always asks for the full 4096 bytes: a shorter read would throw away the rest of its packet (pipe(2)).
    Raises ChannelClosed when all writers are gone and nothing is left; BlockingIOError if non-blocking.
    """
    data = os.read(fd, PACKET_MAX)
    if not data:
        raise ChannelClosed(f"packet pipe {fd}: every writer has closed it")
    return data


def set_pipe_size(fd: int, size: int) -> int:
    """Ask for room for ``size`` bytes, a slot for every 4096; the size given, a power of two of pages.

    Raises NotPermitted above pipe-max-size or over the user's quota (pipe-user-pages-soft), OSError
    (EBUSY) when more messages are waiting than would fit.
    """
    try:
        return fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, size)
    except OSError as error:
        raise typed(error, f"pipe {fd} of {size} bytes") from error
