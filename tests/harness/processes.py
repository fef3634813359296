"""The little that the harness itself needs of /proc, told apart from the code under test."""

from __future__ import annotations

import os
import signal
from contextlib import suppress


def pids() -> set[int]:
    """Every process of this machine."""
    return {int(name) for name in os.listdir("/proc") if name.isdigit()}


def state_and_parent(pid: int) -> tuple[str, int]:
    """``("S", 1)``; of a process that has gone, ``("", 0)``."""
    after_name = read(pid, "stat").rpartition(b")")[2].split()
    return (after_name[0].decode(), int(after_name[1])) if len(after_name) > 1 else ("", 0)


def read(pid: int, name: str) -> bytes:
    """A file of /proc/PID, empty where it cannot be read."""
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def cmdline(pid: int) -> str:
    """The command line, or the name in brackets where there is none."""
    words = read(pid, "cmdline").rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
    return words[:200] or f"[{read(pid, 'comm').decode(errors='replace').strip()}]"


def descends(pid: int, from_pid: int) -> bool:
    """Is ``from_pid`` an ancestor of ``pid``?"""
    seen: set[int] = set()
    while pid > 1 and pid not in seen:
        seen.add(pid)
        pid = state_and_parent(pid)[1]
        if pid == from_pid:
            return True
    return False


def descendants(of: int) -> list[int]:
    """The children of ``of``, their children and so on."""
    return sorted(pid for pid in pids() if descends(pid, of))


def kill(pid: int) -> None:
    """SIGKILL by pidfd, and reap it if it is ours."""
    with suppress(ProcessLookupError):
        pidfd = os.pidfd_open(pid)
        try:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
        finally:
            os.close(pidfd)
