"""What a process says about itself: prctl(2), which Python has no name for."""

from __future__ import annotations

import os

from procession.linux.errnos import typed
from procession.linux.libc import call

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
_PR_GET_CHILD_SUBREAPER = 37
_NAME_MAX = 15  # TASK_COMM_LEN less the closing zero byte


def set_child_subreaper(on: bool = True) -> None:
    """Let orphaned descendants become our children instead of init's (Linux 3.4).

    Not inherited by fork, kept over exec.  Counts for children forked before and after.
    """
    _prctl("PR_SET_CHILD_SUBREAPER", _PR_SET_CHILD_SUBREAPER, int(on))


def is_child_subreaper() -> bool:
    """Has ``set_child_subreaper`` been called for this process?"""
    from ctypes import byref, c_int

    answer = c_int()
    _prctl("PR_GET_CHILD_SUBREAPER", _PR_GET_CHILD_SUBREAPER, byref(answer))
    return bool(answer.value)


def set_parent_death_signal(signum: int) -> None:
    """Be sent ``signum`` when the *thread* that forked us ends, be it with its process or not; 0 = never.

    Cleared by fork and by an exec that changes credentials.  A parent that has ended already sends
    nothing: look for that after the call.
    """
    _prctl("PR_SET_PDEATHSIG", _PR_SET_PDEATHSIG, signum)


def set_process_name(name: bytes | str) -> None:
    """Set the name that ps and top show (comm); the kernel keeps its first 15 bytes.

    Through /proc/self/comm (Linux 2.6.33), which always names the main thread and costs no ctypes;
    without /proc by PR_SET_NAME, which names the calling thread.  Raises ValueError for a zero byte.
    """
    wanted = os.fsencode(name)[:_NAME_MAX]
    if b"\0" in wanted:
        raise ValueError("a process name cannot hold a zero byte")
    try:
        fd = os.open("/proc/self/comm", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        _prctl("PR_SET_NAME", _PR_SET_NAME, wanted)
        return
    try:
        os.write(fd, wanted or b"\0")  # a write of nothing would change nothing
    finally:
        os.close(fd)


def _prctl(what: str, option: int, value: object) -> None:
    try:
        call("prctl", option, value, 0, 0, 0)
    except OSError as error:
        raise typed(error, f"prctl {what}") from error
