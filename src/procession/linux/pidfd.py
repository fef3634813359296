"""Processes by descriptor: a pidfd names one process for good, a bare pid is re-used by the next one.

pidfd_open(2) since Linux 5.3, pidfd_send_signal(2) since 5.1, waitid(2) with P_PIDFD since 5.4.
"""

from __future__ import annotations

import errno
import os
import select

from procession.errors import Unsupported
from procession.linux.errnos import typed, with_errno
from procession.records import record

# poll(2) takes its milliseconds as a C int: 24.8 days.
_LONGEST_POLL_MS = 2**31 - 1


@record
class Status:
    """How a child ended: ``code`` is its exit code, or ``signal`` the signal that ended it; one is None."""

    pid: int
    code: int | None
    signal: int | None
    core_dumped: bool = False


def open_pidfd(pid: int) -> int:
    """A new descriptor for process ``pid``; close-on-exec (the kernel sets it always, pidfd_open(2)).

    A zombie can be opened; a reaped process cannot.  Safe against re-use of the pid only while the pid
    cannot be reaped by somebody else: for our own, not yet reaped children, or after checking the start
    time once more.  Raises NoSuchProcess, Unsupported (before Linux 5.3).
    """
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        raise typed(error, f"pid {pid}") from error


def send_signal(pidfd: int, signum: int) -> None:
    """Send signal number ``signum``; 0 only checks.  A zombie takes any signal without effect.

    Raises NoSuchProcess (already reaped), NotPermitted, Unsupported.
    """
    from signal import pidfd_send_signal

    try:
        pidfd_send_signal(pidfd, signum)
    except OSError as error:
        raise typed(error, f"the process behind pidfd {pidfd}") from error


def reap(pidfd: int, *, block: bool = True) -> Status | None:
    """Collect the exit of this child and of no other; None when it still runs and ``block`` is false.

    An interrupting signal does not end the wait (PEP 475).  Raises NotOurChild when it is not our child
    or was reaped already, Unsupported before Linux 5.4.
    """
    try:
        result = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | (0 if block else os.WNOHANG))
    except OSError as error:
        if error.errno == errno.EINVAL:  # waitid(2): an id type that this kernel does not know
            raise with_errno(Unsupported("waitid(P_PIDFD)", "needs Linux 5.4"), errno.EINVAL) from error
        raise typed(error, f"the process behind pidfd {pidfd}") from error
    if result is None:
        return None
    if result.si_code == os.CLD_EXITED:
        return Status(result.si_pid, result.si_status, None)
    return Status(result.si_pid, None, result.si_status, result.si_code == os.CLD_DUMPED)


def exit_info(pid: int, pidfd: int) -> Status | None:
    """How a process that is not our child ended; None when it has not been reaped yet, or nobody knows.

    PIDFD_GET_INFO with PIDFD_INFO_EXIT, since Linux 6.15 (include/uapi/linux/pidfd.h).
    """
    import fcntl
    import struct

    size, wanted = 64, 1 << 3  # PIDFD_INFO_SIZE_VER0; PIDFD_INFO_EXIT
    request = 3 << 30 | size << 16 | 0xFF << 8 | 11  # _IOWR(0xFF, 11, struct pidfd_info)
    answer = bytearray(struct.pack("=Q56x", wanted))
    try:
        fcntl.ioctl(pidfd, request, answer)
    except OSError:
        return None
    if not struct.unpack_from("=Q", answer)[0] & wanted:
        return None
    status = struct.unpack_from("=i", answer, 60)[0]
    if os.WIFSIGNALED(status):
        return Status(pid, None, os.WTERMSIG(status), os.WCOREDUMP(status))
    return Status(pid, os.WEXITSTATUS(status), None)


def wait_exit(pidfd: int, timeout: float | None = None) -> bool:
    """Wait until the process has ended, without reaping it: True; False after ``timeout`` seconds.

    None waits for ever, 0 or less only looks, and nothing waits longer than 24.8 days.  Works for any
    process, not only for children: a pidfd becomes readable at the exit (pidfd_open(2)), which is the
    exit of the whole process, not of its first thread.
    """
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    if timeout is None:
        return bool(poll.poll())
    milliseconds = -int(-max(timeout, 0) * 1000 // 1)  # rounded up: never early
    return bool(poll.poll(min(milliseconds, _LONGEST_POLL_MS)))
