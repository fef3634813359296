"""Sleeping on a word of shared memory, and waking who sleeps there: futex(2).

A word is 4 aligned bytes that several processes map.  ``wait`` compares and falls asleep in one step, so
a change between the look and the sleep is never missed; ``wake`` wakes up to ``count`` sleepers.  No
descriptor, no lock: a killed sleeper leaves nothing behind.  What a futex cannot do is tell a sleeper of
the death of somebody else: callers look whether whom they wait for is alive (see ipc/shared.py).

Works on a mapping made with MAP_SHARED only (the private flavour is not used here).
"""

from __future__ import annotations

import ctypes
import errno
import os
from ctypes import c_int, c_long, c_uint, c_void_p

# futex has a number of its own on each architecture (syscalls(2), the kernel's unistd tables).
_NUMBERS = {
    "x86_64": 202,
    "i386": 240,
    "i686": 240,
    "aarch64": 98,
    "armv7l": 240,
    "armv6l": 240,
    "riscv64": 98,
    "loongarch64": 98,
    "ppc64le": 221,
    "ppc64": 221,
    "s390x": 238,
}
_FUTEX_WAIT, _FUTEX_WAKE = 0, 1
EVERYBODY = 2**31 - 1


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", c_long), ("nanoseconds", c_long))


_number = _NUMBERS.get(os.uname().machine, 0)
# A sleeper gives the GIL back (CDLL); a wake is too short for that (PyDLL).
_wait_call = ctypes.CFUNCTYPE(c_long, c_long, c_void_p, c_int, c_uint, c_void_p, use_errno=True)(
    ("syscall", ctypes.CDLL(None))
)
_wake_call = ctypes.PYFUNCTYPE(c_long, c_long, c_void_p, c_int, c_int)(("syscall", ctypes.PyDLL(None)))


def available() -> bool:
    """Is the number of the call known for this architecture?"""
    return bool(_number)


def wait(address: int, value: int, timeout: float | None = None) -> bool:
    """Sleep while the word at ``address`` equals ``value``: False after ``timeout`` seconds, else True.

    True says nothing more than "look again": the word had changed, somebody called ``wake``, or a signal
    came (its Python handler has run by the time this returns, or is about to).
    """
    limit = None
    if timeout is not None:
        if timeout <= 0:
            return False
        whole = min(int(timeout), 2**31 - 1)
        limit = ctypes.byref(_Timespec(whole, int((timeout - whole) * 1e9) if whole < 2**31 - 1 else 0))
    if _wait_call(_number, address, _FUTEX_WAIT, value & 0xFFFFFFFF, limit) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EAGAIN, errno.EINTR):
        return True
    if number == errno.ETIMEDOUT:
        return False
    raise OSError(number, f"futex wait: {os.strerror(number)}")


def wake(address: int, count: int = 1) -> int:
    """Wake up to ``count`` sleepers (``EVERYBODY``: all); how many there were."""
    return int(_wake_call(_number, address, _FUTEX_WAKE, count))
