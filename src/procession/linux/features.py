"""Which of the kernel's newer calls this machine has: found out by trying, once a process.

A version number would not do: container runtimes forbid calls by seccomp (EPERM or ENOSYS), and
distributors bring new calls to old kernels.
"""

from __future__ import annotations

import errno
import os

from procession.linux.keepalive import mechanism
from procession.records import fields_of, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# The same numbers on every architecture but alpha (they were added to all tables at once).
_SYS_CLOSE_RANGE, _SYS_OPENAT2, _SYS_PIDFD_GETFD = 436, 437, 438


@record
class Level:
    """What is there; the comment says since when."""

    pidfd_open: bool  # Linux 5.3
    wait_pidfd: bool  # 5.4, waitid(P_PIDFD)
    pidfd_getfd: bool  # 5.6
    openat2: bool  # 5.6
    close_range: bool  # 5.9
    memfd: bool  # 3.17
    packet_pipe: bool  # 3.4
    children_file: bool  # CONFIG_PROC_CHILDREN
    keepalive_pipe: bool  # 5.6 and /proc; without it PR_SET_PDEATHSIG has to do


_found: Level | None = None


def features() -> Level:
    """The level of this machine; tried at the first call, then remembered."""
    global _found
    if _found is None:
        _found = Level(
            pidfd_open=_opens(lambda: os.pidfd_open(os.getpid())),
            wait_pidfd=_can_wait_by_pidfd(),
            # Each with arguments that a kernel which knows the call refuses.
            pidfd_getfd=_knows(_SYS_PIDFD_GETFD, -1, -1, 0),
            openat2=_knows(_SYS_OPENAT2, -1, 0, 0, 0),
            close_range=_knows(_SYS_CLOSE_RANGE, 1, 0, 0),
            memfd=_opens(lambda: os.memfd_create("procession-probe")),
            packet_pipe=_opens(lambda: os.pipe2(os.O_DIRECT | os.O_CLOEXEC)),
            children_file=os.path.exists(f"/proc/self/task/{os.getpid()}/children"),
            keepalive_pipe=mechanism() == "pipe",
        )
    return _found


def describe() -> str:
    """One line for bug reports: the kernel, and what it lacks."""
    level = features()
    missing = [name for name in fields_of(level) if not getattr(level, name)]
    return f"Linux {os.uname().release}: " + (f"without {', '.join(missing)}" if missing else "all features")


def supports_tmpfile(path: str) -> bool:
    """Can unnamed files be made in the folder ``path`` (O_TMPFILE, Linux 3.11, per file system)?

    open(2): EOPNOTSUPP or EISDIR where not.  Raises OSError for other failures (ENOENT, EACCES, EROFS).
    """
    try:
        os.close(os.open(path, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
            return False
        raise
    return True


def _opens(attempt: Callable[[], int | tuple[int, int]]) -> bool:
    try:
        opened = attempt()
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise
        return False
    for fd in (opened,) if isinstance(opened, int) else opened:
        os.close(fd)
    return True


def _can_wait_by_pidfd() -> bool:
    try:
        fd = os.pidfd_open(os.getpid())
    except OSError:
        return False
    try:
        os.waitid(os.P_PIDFD, fd, os.WEXITED | os.WNOHANG)
    except ChildProcessError:  # we are not our own child, but the kernel understood the question
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def _knows(number: int, *arguments: int) -> bool:
    from procession.linux.libc import call

    try:
        call("syscall", number, *arguments)
    except OSError as error:
        return error.errno not in (errno.ENOSYS, errno.EPERM)
    return True
