"""sigqueue(3) by pidfd: a signal that carries a number, pidfd_send_signal(2) with a siginfo."""

from __future__ import annotations

import os
import struct

from procession.linux.errnos import typed

_SYS_PIDFD_SEND_SIGNAL = 424  # the same on all architectures but alpha
_SI_QUEUE = -1
_SIGINFO_SIZE = 128


def queue_signal(pidfd: int, signum: int, value: int) -> None:
    """Send ``signum`` with ``value`` (a C int) in si_value.

    Raises NoSuchProcess, NotPermitted, OSError (EAGAIN: RLIMIT_SIGPENDING of the receiver is used up).
    """
    import ctypes

    from procession.linux.libc import call

    # siginfo_t: signo, errno, code; then, aligned as a pointer, pid, uid and the value.
    padding = "i" if struct.calcsize("P") == 8 else ""
    words = [signum, 0, _SI_QUEUE, *([0] if padding else []), os.getpid(), os.getuid()]
    info = struct.pack(f"=iii{padding}iI", *words) + struct.pack("=q", value)
    buffer = ctypes.create_string_buffer(info, _SIGINFO_SIZE)
    try:
        call("syscall", _SYS_PIDFD_SEND_SIGNAL, pidfd, signum, ctypes.byref(buffer), 0)
    except OSError as error:
        raise typed(error, f"the process behind pidfd {pidfd}") from error
