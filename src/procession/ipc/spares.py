"""Memory that brought a message, used again for the one that goes back.

To fill a new memfd costs three times what filling one costs whose pages are there already.  A sender lets go of
a memfd as it sends it, so once the last view of its content is gone here, it is the receiver's alone::

    message ── adopt ─▶ mapped ── last view gone ─▶ free ── take ─▶ filled and sent, gone from here
                                                     └── clear ─▶ closed

A child that was forked meanwhile has the mapping too, and reads what is written into the memfd afterwards: from
then on nothing is used again.
"""

from __future__ import annotations

import os
import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LEAST = 1 << 20  # bytes; below, there is little to gain
_MOST = 4  # kept at a time

_all: weakref.WeakSet[Spares] = weakref.WeakSet()


class Spares:
    """Of one receiver.  Not for several threads, but the last view of a message may go in any."""

    def __init__(self) -> None:
        self._free: list[tuple[int, int]] = []  # size, descriptor
        self._mapped = 0
        self._forked = False
        _all.add(self)

    def wants(self, size: int) -> bool:
        """Is a memfd of this size to be adopted when it has been mapped?"""
        return size >= LEAST and not self._forked and self._mapped + len(self._free) < _MOST

    def adopt(self, fd: int, size: int) -> Callable[[], None]:
        """``fd`` is ours now; what is returned is to be called when no view of it is left."""
        self._mapped += 1
        return lambda: self._freed(fd, size)

    def take(self, size: int) -> int | None:
        """A memfd of at least ``size`` bytes, and not of far more, the caller's now; its content is stale."""
        for index, (room, fd) in enumerate(self._free):
            if size <= room <= 2 * size:
                del self._free[index]
                return fd
        return None

    def clear(self) -> None:
        """Give back what is free, and its memory."""
        while self._free:
            os.close(self._free.pop()[1])

    def _freed(self, fd: int, size: int) -> None:
        self._mapped -= 1
        if self._forked:
            os.close(fd)
        else:
            self._free.append((size, fd))

    def forked(self) -> None:
        """A child has a copy of whatever is mapped, for all we know for ever."""
        self._forked = True
        self.clear()


def _after_fork() -> None:
    for spares in list(_all):
        spares.forked()


# In the child, too: the memfds are as much its parent's as its own.
os.register_at_fork(after_in_parent=_after_fork, after_in_child=_after_fork)
