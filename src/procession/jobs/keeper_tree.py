"""The tree of a job as its keeper sees it: all its descendants, since the keeper is their subreaper.

Our own children cannot lose their number before we reap them.  Of the others a number could change hands between the
look and the signal: it goes through a pidfd, and only if the process behind it still has the parent that it was found
under; a newcomer there belongs to the tree as well.
"""

from __future__ import annotations

import os
import signal

from procession.errors import NoSuchProcess
from procession.linux.pidfd import open_pidfd, send_signal
from procession.linux.procfs import children_of, read_stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_DEAD = "ZXx"


class Tree:
    """``roots``: pids below which it lies, each with its parent's pid (0: not to be looked at)."""

    def __init__(self, roots: Iterable[tuple[int, int]] | None = None) -> None:
        self._roots = None if roots is None else list(roots)

    def look(self) -> list[tuple[int, int]]:
        """(pid, parent) of the living, parents before children."""
        found = self._tops()
        known = {pid for pid, _ in found}
        for pid, _ in found:  # it grows meanwhile
            for child in _children(pid):
                if child not in known:
                    known.add(child)
                    found.append((child, pid))
        return [(pid, parent) for pid, parent in found if _state(pid)[0] not in _DEAD]

    def _tops(self) -> list[tuple[int, int]]:
        if self._roots is not None:
            return list(self._roots)
        me = os.getpid()
        return [(pid, me) for pid in _children(me)]

    def send(self, signum: int, group: int | None = None, *, children_first: bool = False) -> list[int]:
        """To each of them, or of them to those of process group ``group``; the pids that did not take it, since they
        are another user's."""
        refused = []
        found = self.look()
        for pid, parent in reversed(found) if children_first else found:
            if not _send(pid, parent, signum, group):
                refused.append(pid)
        return refused

    def kill(self) -> None:
        """Stop each before the next look, so that nobody forks away from under us; then SIGKILL."""
        stopped: set[int] = set()
        while fresh := [(pid, parent) for pid, parent in self.look() if pid not in stopped]:
            for pid, parent in fresh:
                _send(pid, parent, signal.SIGSTOP, None)
                stopped.add(pid)
        self.send(signal.SIGKILL)

    def memory(self) -> int:
        """Bytes in memory of all of them, what they share counted for each with its part (PSS), or RSS."""
        return sum(_memory_of(pid) for pid, _ in self.look())


def _send(pid: int, parent: int, signum: int, group: int | None) -> bool:
    try:
        pidfd = open_pidfd(pid)
    except NoSuchProcess:
        return True
    try:
        stat = read_stat(pid)
        if parent and stat.ppid not in (parent, os.getpid()):
            return True
        if group is None or stat.pgrp == group:
            send_signal(pidfd, signum)
    except NoSuchProcess:
        pass
    except PermissionError:
        return False
    finally:
        os.close(pidfd)
    return True


def _children(pid: int) -> list[int]:
    try:
        return children_of(pid)
    except NoSuchProcess:
        return []


def _state(pid: int) -> tuple[str, int]:
    try:
        stat = read_stat(pid)
    except NoSuchProcess:
        return "X", 0
    return stat.state, stat.ppid


def _memory_of(pid: int) -> int:
    for name, key in (("smaps_rollup", b"Pss:"), ("status", b"VmRSS:")):
        try:
            with open(f"/proc/{pid}/{name}", "rb", buffering=0) as file:
                for line in file.readall().split(b"\n"):
                    if line.startswith(key):
                        return int(line.split()[1]) << 10
        except OSError:
            continue
    return 0
