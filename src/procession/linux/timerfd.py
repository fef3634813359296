"""A moment of the wall clock as a descriptor (timerfd_create(2)): it counts while the machine is suspended, and tells
when somebody sets the clock.

os.timerfd_create has come with Python 3.13; so the C library is called.
"""

from __future__ import annotations

import errno
import os
import struct
import time

from procession.linux.libc import call

_ABSTIME, _CANCEL_ON_SET = 1, 2  # sys/timerfd.h
_ITIMERSPEC = struct.Struct("@llll")  # interval and value, seconds and nanoseconds


def create_timer() -> int:
    """A descriptor that nobody has set yet: close-on-exec, without blocking.  Raises OSError."""
    return call("timerfd_create", time.CLOCK_REALTIME, os.O_CLOEXEC | os.O_NONBLOCK)


def set_timer(fd: int, at: float | None) -> None:
    """Readable from Unix time ``at`` on, or when the clock is set before; None: never.  Raises OSError."""
    if at is None:
        _set(fd, 0, 0, 0)
        return
    seconds = max(0, int(at))
    nanoseconds = int((at - seconds) * 1e9) if at > 0 else 0
    try:
        _set(fd, _ABSTIME | _CANCEL_ON_SET, seconds, nanoseconds or (not seconds))  # 0 and 0 would mean never
    except OSError as error:
        # The clock was set before, and nobody has read that: it has been told now, and the descriptor will not tell.
        if error.errno != errno.ECANCELED:
            raise
        _set(fd, _ABSTIME, 0, 1)


def _set(fd: int, flags: int, seconds: int, nanoseconds: int) -> None:
    call("timerfd_settime", fd, flags, _ITIMERSPEC.pack(0, 0, seconds, nanoseconds), None)


def read_timer(fd: int) -> None:
    """After it was readable, so that it is not any more."""
    try:
        os.read(fd, 8)
    except OSError as error:
        if error.errno not in (errno.ECANCELED, errno.EAGAIN):
            raise
