"""The daemon's line to its nursery: orders, each a memfd with a JSON object, and a descriptor for who carries it out.

The socket takes what there is room for (unix(7)); the rest waits here, in its order.
"""

from __future__ import annotations

import json
import os
import select

from procession.errors import ChannelClosed
from procession.jobs import faults
from procession.linux.memfd import create_memfd
from procession.linux.seqpacket import send_packet

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Any

    from procession.jobs.keeper_loop import Loop


class Nursery:
    """``gone`` is called once it has died."""

    def __init__(self, sock: socket.socket, loop: Loop, gone: Callable[[], None]) -> None:
        self._sock, self._loop, self._gone = sock, loop, gone
        sock.setblocking(False)
        self._waiting: list[tuple[int, ...]] = []
        self._await()

    @property
    def pid(self) -> int:
        """Of the nursery (SO_PEERCRED, unix(7): of who made the pair)."""
        import socket
        import struct

        found = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return int(struct.unpack("3i", found)[0])

    def order(self, message: dict[str, Any], *fds: int) -> None:
        """Send it, now or later; the descriptors are its own from here on.  Raises OSError (EMFILE, ENOMEM)."""
        data = json.dumps(message).encode("ascii")
        memfd = create_memfd("pn-order", 0)
        try:
            _write_all(memfd, data)
        except BaseException:
            os.close(memfd)
            raise
        self._waiting.append((memfd, *fds))
        self._flush()

    def order_and_wait(self, message: dict[str, Any]) -> None:
        """For the last one: it has been taken, or the nursery is dead, when this returns."""
        self._sock.setblocking(True)
        self.order(message)

    def is_gone(self) -> bool:
        """Has it died?"""
        import socket

        try:
            return not self._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        self._loop.forget(self._sock.fileno())
        self._sock.close()

    def _flush(self) -> None:
        while self._waiting:
            fds = self._waiting[0]
            try:
                send_packet(self._sock, b"J", fds)
            except BlockingIOError:
                break
            except (ChannelClosed, OSError):
                pass  # it is dead, of which we hear by our own end
            faults.point("ordered")
            del self._waiting[0]
            for fd in fds:
                os.close(fd)
        self._await()

    def _await(self) -> None:
        events = select.POLLIN | (select.POLLOUT if self._waiting else 0)
        self._loop.watch(self._sock.fileno(), events, self._on_events)

    def _on_events(self, events: int) -> None:
        if events & ~select.POLLOUT:  # it never says anything: this is its end
            self._gone()
        else:
            self._flush()


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
