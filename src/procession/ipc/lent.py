"""The forgotten copy: an end that was given to a child and is still open here.

::

    parent: a, b ──── Process(args=(b,)) ────▶ child: b          the child dies; b.close() was forgotten
    a.recv()    the kernel sees an end of the pipe, b, still open, and would wait for ever

So the parent writes down whom it gave ``b`` to, by pidfd.  Whoever waits on ``a`` in this process waits for
those processes too, and when the last of them has ended and nothing is left to read, that is the end.
This holds as long as ``b`` is really forgotten here: once it is used in this process, or sent to somebody
unknown, it counts as open again.

A child may have passed its copy on without our knowledge (by a fork of its own).  So before the end is
declared, /proc is searched for other holders of the same socket; they are waited for as well.
"""

from __future__ import annotations

import os
import select
from contextlib import suppress

from procession.errors import NoSuchProcess
from procession.ipc.streams import poll_for
from procession.linux.pidfd import open_pidfd, wait_exit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

READY, GONE, LATE = "ready", "gone", "late"


class Holders:
    """The processes that hold an end which is forgotten here: all that are known, by pidfd."""

    __slots__ = ("_inode", "_pidfds", "void")

    def __init__(self, fd: int) -> None:
        self._inode = os.fstat(fd).st_ino
        self._pidfds: list[int] = []
        self.void = False  # true: the end is used here after all

    def __del__(self) -> None:
        for pidfd in self._pidfds:
            os.close(pidfd)

    def add(self, pidfd: int) -> None:
        """One more; the descriptor is duplicated."""
        self._pidfds.append(os.dup(pidfd))

    def pidfds(self) -> tuple[int, ...]:
        """To be polled; each becomes readable when its process has ended."""
        return tuple(self._pidfds)

    def bury(self, ready: Iterable[int]) -> None:
        """These have become readable: forget them."""
        for pidfd in ready:
            with suppress(ValueError):  # another thread was faster
                self._pidfds.remove(pidfd)
                os.close(pidfd)

    def are_gone(self) -> bool:
        """Has the last one ended?  Does not block; looks for further holders before it says so."""
        self.bury([pidfd for pidfd in self._pidfds if wait_exit(pidfd, 0)])
        if not self._pidfds:
            self._pidfds += _others_with(self._inode)
        return not self._pidfds


def wait_with(fd: int, events: int, holders: Holders, timeout: float | None) -> str:
    """Wait for the descriptor, or the end of all holders.  With ``events`` POLLIN, what they left is READY."""
    import time

    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        gone = not holders.void and holders.are_gone()
        poller = select.poll()
        poller.register(fd, events)
        if not holders.void:
            for pidfd in holders.pidfds():
                poller.register(pidfd, select.POLLIN)
        left = None if deadline is None else deadline - time.monotonic()
        # Looked at after the deaths: what the dead had sent was there before.
        ready = [number for number, _ in poll_for(poller, 0 if gone else left)]
        if fd in ready:
            return READY
        if gone:
            return GONE
        if not ready:
            return LATE


def _others_with(inode: int) -> list[int]:
    """Pidfds of all other processes that hold this socket, as far as we may see them."""
    wanted = f"socket:[{inode}]"
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid() and _holds(name, wanted):
            with suppress(NoSuchProcess):
                found.append(open_pidfd(int(name)))
    return found


def _holds(pid: str, wanted: str) -> bool:
    folder = f"/proc/{pid}/fd"
    with suppress(OSError):  # not ours to look at, or gone
        for number in os.listdir(folder):
            with suppress(OSError):
                if os.readlink(f"{folder}/{number}") == wanted:
                    return True
    return False
