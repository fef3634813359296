"""Who talks with a keeper: the daemon that watches, viewers, and whoever has one thing to ask.

A viewer that is too slow holds up nobody: beyond 256 KiB that it has not taken, what follows is counted instead of
kept; once it has taken the rest it is told how much it has missed, and the screen is painted anew.
"""

from __future__ import annotations

import os
import socket
import struct

from procession.jobs.wire import Frames, data_frame, json_frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

OUTPUT_MAX = 256 << 10  # bytes that a viewer may be behind
_EVENTS_MAX = 1 << 20  # bytes of events; who is further behind than that is gone for us
_READ = 64 << 10


class Gone(Exception):
    """The other side has closed, or is of no use."""


class Link:
    """One connection.  ``watches`` events; ``views`` output; ``writes``: its D frames are typed in."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock, self.fd = sock, sock.fileno()
        self.frames = Frames()
        self.watches = self.views = self.writes = self.follows = False
        self.missed = 0  # bytes of output
        self.told = (0, 0)  # how much of the log it has been told of
        self._out = bytearray()

    @property
    def behind(self) -> int:
        """Bytes that it has not taken."""
        return len(self._out)

    def read(self) -> Iterator[tuple[bytes, bytes]]:
        """Frames that have come.  Raises Gone, Malformed."""
        try:
            piece = self.sock.recv(_READ)
        except (BlockingIOError, InterruptedError):
            return iter(())
        except OSError:
            raise Gone from None
        if not piece:
            raise Gone
        return self.frames.feed(piece)

    def say(self, message: dict[str, Any]) -> None:
        """An event.  Raises Gone."""
        if len(self._out) > _EVENTS_MAX:
            raise Gone
        self._send(json_frame(message))

    def show(self, data: bytes) -> None:
        """Output; counted if it is too far behind.  Raises Gone."""
        if self.missed or len(self._out) + len(data) > OUTPUT_MAX:
            self.missed += len(data)
        else:
            self._send(data_frame(data))

    def _send(self, frame: bytes) -> None:
        self._out += frame
        self.flush()

    def flush(self) -> None:
        """As much as goes.  Raises Gone."""
        while self._out:
            try:
                sent = self.sock.send(self._out)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                raise Gone from None
            del self._out[:sent]

    def close(self) -> None:
        self.sock.close()


def listen(path: str) -> socket.socket:
    """A socket there; it has its name only once it listens.  Raises OSError."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    name = f"{path}~"  # as short as can be: 107 bytes are all there are (unix(7))
    try:
        for old in (name, path):
            try:
                os.unlink(old)
            except FileNotFoundError:
                pass
        sock.bind(name)
        sock.listen(16)
        os.rename(name, path)
    except BaseException:
        sock.close()
        raise
    return sock


def accept(listener: socket.socket) -> Link | None:
    """Who comes; None: nobody, or another user's process, which is sent away unread."""
    try:
        sock, _ = listener.accept()
    except OSError:
        return None
    if uid_of(sock) != os.geteuid():
        sock.close()
        return None
    return Link(sock)


def uid_of(sock: socket.socket) -> int:
    """The user of the other end (SO_PEERCRED, unix(7))."""
    return int(struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1])
