"""Locks of open file descriptions on single bytes of a file: F_OFD_SETLK, fcntl(2), since Linux 3.15.

Such a lock belongs to the description, not to the process: forked children have it too, and it ends with
the last of them, whatever that one dies of.  So a lock tells whether anybody is left who could still look
at something.
"""

from __future__ import annotations

import fcntl
import os
import struct

_FLOCK = struct.Struct("hhqqi4x")  # type, whence, start, length, pid


class LockHolder:
    """A description of one's own of a file, and the locks that it holds.  Raises OSError without /proc."""

    __slots__ = ("_fd", "_held", "joint")

    def __init__(self, fd: int) -> None:
        self._fd = -1
        self._fd = os.open(f"/proc/self/fd/{fd}", os.O_RDWR | os.O_CLOEXEC)
        self._held: dict[int, None] = {}  # a dict: adding and removing are atomic among threads
        self.joint = False  # another process has the description too: only its end frees the locks

    def lock(self, offset: int) -> None:
        """Lock the byte at ``offset`` (shared).  Raises OSError."""
        fcntl.fcntl(self._fd, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, offset, 1, 0))
        self._held[offset] = None

    def unlock(self, offset: int) -> None:
        """Unlock it, for all who have the description."""
        self._held.pop(offset, None)
        fcntl.fcntl(self._fd, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_UNLCK, os.SEEK_SET, offset, 1, 0))

    def drop(self, offset: int) -> bool:
        """This process needs that lock no more; True if it was the last one, and the description is closed."""
        self._held.pop(offset, None)
        if not self._held:
            self._close()
        return not self._held

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        self._close()


def is_locked(fd: int, offset: int) -> bool:
    """Does a description other than that of ``fd`` hold a lock on the byte?"""
    asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, offset, 1, 0)
    answer: bytes = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, asked)
    return bool(_FLOCK.unpack(answer)[0] != fcntl.F_UNLCK)
