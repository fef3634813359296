"""What a client holds of a manager's locks: given back when its process was killed.

A managed lock is a ``threading`` lock in the server, which knows nothing of processes; a client that was
killed with it would keep it for ever.  So the server writes down, for each connection, what was acquired
over it.  When a connection ends without a word, and its process has ended too, that is released.  A client
that ends in order says so, and keeps what it has not released: somebody else may release it for it.  A
client over TCP is not known by its pid: what it holds stays held.
"""

# ruff: noqa: SLF001 - others of the same class

from __future__ import annotations

import os
import select
import threading
import weakref
from contextlib import suppress

from procession.mp.manager_proxy import peer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Held"]

LOCKS = (type(threading.Lock()), type(threading.RLock()), threading.Condition, threading.Semaphore)
TAKES, GIVES = ("acquire", "__enter__"), ("release", "__exit__")
DYING = 1.0  # seconds: a process closes its sockets before it has ended

_all: weakref.WeakSet[Held] = weakref.WeakSet()


class Held:
    """The locks acquired over one connection.  Belongs to the thread that serves it."""

    def __init__(self, conn: Any) -> None:
        self._conn = conn
        self._pidfd = -1
        self.locks: list[Any] = []
        _all.add(self)

    def note(self, lock: Any, method: str, result: Any) -> None:
        """A method was called, and returned ``result``."""
        if method in TAKES and result:
            self._watch()
            self.locks.append(lock)
        elif method in GIVES and not self._forget(lock):
            # Who releases need not be who has acquired.
            any(other._forget(lock) for other in list(_all))

    def keep(self) -> None:
        """The client ends in order."""
        self.locks.clear()

    def end(self) -> None:
        """The connection has ended."""
        try:
            if self.locks and self._client_is_dead():
                for lock in self.locks:
                    with suppress(RuntimeError, ValueError):  # released already
                        lock.release()
        finally:
            self.locks.clear()
            if self._pidfd >= 0:
                os.close(self._pidfd)

    def _forget(self, lock: Any) -> bool:
        for index, held in enumerate(self.locks):
            if held is lock:
                del self.locks[index]
                return True
        return False

    def _watch(self) -> None:
        if self._pidfd < 0:
            _, pid = peer(self._conn)
            if pid:
                with suppress(OSError):  # it has ended already, which the connection will tell
                    self._pidfd = os.pidfd_open(pid)

    def _client_is_dead(self) -> bool:
        if self._pidfd < 0:
            return False
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return bool(poll.poll(DYING * 1000))
