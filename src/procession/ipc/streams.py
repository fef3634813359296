"""Connections over streams: TCP, unix sockets, plain pipes, in the standard library's wire format.

The other side may be the standard library's.  Our part: what dies in the middle of a message is the end
(EOFError), lambdas and closures travel, a connection pickles at any time, ``poll`` is quick, and a forked
child keeps only what it was given.
"""

from __future__ import annotations

import errno
import os
import select
import time

from procession.ipc import carry, given
from procession.ipc.classic import classic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing import connection
    from typing import Any

    class _Classic(connection.Connection[Any, Any]):
        """What typeshed leaves out."""

        _handle: Any
        _readable: bool
        _writable: bool

        def _check_readable(self) -> None: ...
        def _check_writable(self) -> None: ...
        def _bad_message_length(self) -> None: ...
        def _send_bytes(self, buf: memoryview) -> None: ...
        def _recv(self, size: int, read: Any) -> Any: ...
else:
    _Classic = classic("connection").Connection


class Connection(_Classic):
    """A connection over any descriptor that is a stream; the descriptor belongs to it.

    Everything is as documented for ``multiprocessing.connection.Connection``.
    """

    _stranger = False

    def __init__(self, handle: int, readable: bool = True, writable: bool = True) -> None:
        super().__init__(handle, readable, writable)
        self._enlist()

    def send(self, obj: Any) -> None:
        """Send an object, pickled by the first pickler that can.  Raises BrokenPipeError, and what
        pickling raises."""
        self._check_closed()
        self._check_writable()
        self._send_bytes(memoryview(carry.dumps(obj, [], None)))

    def __reduce__(self) -> tuple[object, ...]:
        return Connection._arrive, (carry.share(self.fileno()), self._readable, self._writable)

    @staticmethod
    def _arrive(shared: Any, readable: bool, writable: bool) -> Connection:
        return Connection(shared.detach(), readable, writable)

    def _enlist(self) -> None:
        given.register(self, None, Connection._close_stranger)

    def _close_stranger(self) -> None:
        self._stranger = True
        self.close()

    def _check_closed(self) -> None:
        if self._handle is None:
            raise OSError(given.NOT_GIVEN if self._stranger else "handle is closed")

    def _recv(self, size: int, read: Any = os.read) -> Any:
        try:
            return super()._recv(size, read)
        except OSError as error:
            if error.errno is None:  # not the kernel's word: the stream ended in the middle of a message
                raise EOFError("the other side ended in the middle of a message") from None
            raise

    def _poll(self, timeout: float | None) -> bool:
        return wait_for(self._handle, select.POLLIN, timeout)


def wait_for(fd: int, events: int, timeout: float | None) -> bool:
    """Poll one descriptor; None waits for ever.  Errors and the end count as ready.  Raises OSError (EBADF)."""
    poller = select.poll()
    poller.register(fd, events)
    ready = poll_for(poller, timeout)
    if ready and ready[0][1] & select.POLLNVAL:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return bool(ready)


def poll_for(poller: select.poll, timeout: float | None) -> list[tuple[int, int]]:
    """``poller.poll`` in seconds, never early; as long as it takes with None."""
    if timeout is None:
        return poller.poll()
    if timeout <= 0:
        return poller.poll(0)
    deadline = time.monotonic() + timeout
    while True:
        # poll(2) counts milliseconds in a C int.
        ready = poller.poll(min(-int(-timeout * 1000 // 1), 2**31 - 1))
        timeout = deadline - time.monotonic()
        if ready or timeout <= 0:
            return ready
