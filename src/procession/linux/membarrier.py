"""A memory barrier on *other* processors: membarrier(2), so that the side that checks often pays nothing.

Two processes that each store one word and then read the other's may both miss the other's store, because a
processor may delay its stores past later loads.  A barrier between the two on both sides rules that out.  With
membarrier one side calls ``everywhere`` and the other, which does it a million times a second, needs none.

MEMBARRIER_CMD_GLOBAL since Linux 4.3 (waits for all processors, milliseconds); GLOBAL_EXPEDITED since 4.16
(some microseconds; reaches the processes that have called ``register``, and their threads).
"""

from __future__ import annotations

import errno
import os

_NUMBERS = {
    "x86_64": 324,
    "aarch64": 283,
    "riscv64": 283,
    "loongarch64": 283,
    "ppc64le": 365,
    "s390x": 356,
    "i686": 375,
    "armv7l": 389,
}
_QUERY, _GLOBAL, _GLOBAL_EXPEDITED, _REGISTER_GLOBAL_EXPEDITED = 0, 1, 2, 4

_commands: int | None = None


def available() -> bool:
    """Can ``everywhere`` be called?  A container's seccomp profile may forbid it."""
    return bool(_known() & (_GLOBAL | _GLOBAL_EXPEDITED))


def register() -> None:
    """Let the quick kind of ``everywhere`` reach this process; not inherited over exec, but by fork.

    Where the kernel does not know it, nothing happens: the slow kind needs no registration.
    """
    if _known() & _REGISTER_GLOBAL_EXPEDITED:
        _membarrier(_REGISTER_GLOBAL_EXPEDITED)


def everywhere(*, registered: bool) -> None:
    """A full barrier on every thread of the other side; ``registered``: all of it has called ``register``.

    Raises OSError (ENOSYS, EPERM) where it is not available.
    """
    quick = registered and _known() & _GLOBAL_EXPEDITED
    _membarrier(_GLOBAL_EXPEDITED if quick else _GLOBAL)


def _known() -> int:
    global _commands
    if _commands is None:
        try:
            _commands = _membarrier(_QUERY)
        except OSError:
            _commands = 0
    return _commands


def _membarrier(command: int) -> int:
    from procession.linux.libc import call

    number = _NUMBERS.get(os.uname().machine)
    if number is None:
        raise OSError(errno.ENOSYS, "membarrier: its number on this architecture is not known here")
    return call("syscall", number, command, 0, 0)
