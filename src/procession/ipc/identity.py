"""Who holds something in shared memory: a process by pid and start time, and a thread of it.

A *word* names a thread of this pid namespace in 8 bytes, so that one aligned store writes it whole::

    bit 62: free for the owner of the word    bits 32-61: pid    bits 0-31: kernel thread id (gettid(2))

The start time stands in a word of its own and tells a process from a later holder of its pid.  All who
share an object must live in one pid namespace: elsewhere the same pid is somebody else.
"""

from __future__ import annotations

import os
import threading

from procession.errors import NoSuchProcess
from procession.linux import procfs

FLAG = 1 << 62
NOBODY = 0
_THREAD = 0xFFFFFFFF


class _Here(threading.local):
    """``word`` and ``start`` name the running thread; 0 until ``me`` was called (in a forked child again)."""

    word = NOBODY
    start = 0


here = _Here()
_start: int | None = None  # of this process, in clock ticks after boot; 0 where /proc is not mounted


def me() -> int:
    """The word of the running thread."""
    word = here.word
    if not word:
        here.start = started()
        word = here.word = os.getpid() << 32 | threading.get_native_id()
    return word


def started() -> int:
    """The start time of this process."""
    global _start
    if _start is None:
        try:
            _start = procfs.start_time(os.getpid())
        except (NoSuchProcess, OSError):
            _start = 0
    return _start


def pid_of(word: int) -> int:
    """The process that a word names."""
    return (word & ~FLAG) >> 32


def is_alive(word: int, start: int) -> bool:
    """Does the process that a word names still run?  Reads /proc: some 15 microseconds."""
    pid = pid_of(word)
    if pid == os.getpid():
        return start == started()
    if start and procfs.is_alive(pid, start):
        return True
    # The last doubt is the living's: a process that hidepid (or the lack of /proc) hides from us.
    return (not start or not os.path.exists(f"/proc/{pid}")) and _exists(pid)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _after_fork() -> None:
    # The child is another process, and its one thread, this one, has another number.
    global _start
    here.word = NOBODY
    _start = None


os.register_at_fork(after_in_child=_after_fork)
