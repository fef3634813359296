"""Ending a process and everything that descends from it.

Whom we find, again and again until a look finds nobody new:

- children of those we know, by /proc/PID/task/*/children;
- whoever carries the mark of the tree, wherever it hangs now: a daemon that forked twice and was adopted by
  init, a session of its own.  The mark is put into each of our children when it begins: a mapping with a
  name of its own, which a fork copies, and the variable PN_TREE, which an exec passes on.

First SIGTERM and the grace; then each is stopped before the next look, so that nobody can fork away from
under us, and at last killed.  Every signal goes through a pidfd.

What can escape: a process that has both executed a program with an environment cleaned of PN_TREE (or
under another user) and lost its living ancestors before the first look.
"""

from __future__ import annotations

import os
import select
import signal
import time

from procession.errors import NoSuchProcess, NotPermitted
from procession.linux.memfd import create_memfd, map_shared
from procession.linux.pidfd import open_pidfd, send_signal, wait_exit
from procession.linux.procfs import children_of, read_stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    import mmap
    from collections.abc import Callable

    from procession.process.handle import Handle

VARIABLE = "PN_TREE"
_NAME_MAX = 200  # bytes of a memfd's name; a mark has 13
_PAGE = 4096
_WHY = "its parent ended its whole tree"
_KILL_PATIENCE = 5.0  # seconds; a process that waits for a dead disk dies later

_mapping: mmap.mmap | None = None  # for the life of the process


def new_mark() -> str:
    """The name of one tree."""
    return os.urandom(6).hex()


def mark_ourselves(mark: str) -> None:
    """In a child of ours, at its begin.  Its descendants carry the marks of all trees that they are in."""
    global _mapping
    outer = os.environ.get(VARIABLE, "")
    os.environ[VARIABLE] = chain = f"{outer}:{mark}" if outer else mark
    fd = create_memfd(f"pn-tree:{chain[-_NAME_MAX:]}", _PAGE)
    try:
        _mapping = map_shared(fd, _PAGE, writable=False)
    finally:
        os.close(fd)


def end_tree(handle: Handle, grace: float) -> None:
    """SIGTERM to all of the tree, and SIGKILL to who is left after ``grace`` seconds; returns when all are dead.

    A process that even SIGKILL cannot end at once (state D) is left dying after five seconds.
    """
    if not handle.why:
        handle.why = _WHY
    tree = _Tree(handle.mark, lambda: handle.pid if handle.exit is None else None)
    try:
        tree.ask(time.monotonic() + grace)
        tree.kill(time.monotonic() + _KILL_PATIENCE)
    finally:
        tree.close()
    handle.poll()


def end_marked(mark: str) -> int:
    """SIGKILL to whoever carries ``mark`` and to their children, at once; returns when all are dead: how many."""
    tree = _Tree(mark, lambda: None)
    try:
        tree.kill(time.monotonic() + _KILL_PATIENCE)
        return tree.count
    finally:
        tree.close()


class _Tree:
    """``root``: the pid where it begins, as long as nobody else can have that number; None: nobody is left there."""

    def __init__(self, mark: str, root: Callable[[], int | None]) -> None:
        self._root = root
        self._mark = mark.encode()
        self._members: dict[int, int] = {}  # pidfds by pid, of living and dead ones

    def ask(self, until: float) -> None:
        """SIGTERM to each that is found, until all are dead or the time is over."""
        fresh = self._look()
        while fresh:
            for pidfd in fresh:
                _signal(pidfd, signal.SIGTERM)
                _signal(pidfd, signal.SIGCONT)  # a stopped one cannot take it
            if not self._wait(until):
                return
            fresh = self._look()

    def kill(self, until: float) -> None:
        """Stop all, look again until nobody is new, and kill."""
        while True:
            fresh = self._look()
            while fresh:
                for pidfd in self._living():
                    _signal(pidfd, signal.SIGSTOP)
                fresh = self._look()
            if not self._living():
                return
            for pidfd in self._living():
                _signal(pidfd, signal.SIGKILL)
            if not self._wait(until):
                return

    @property
    def count(self) -> int:
        return len(self._members)

    def close(self) -> None:
        for pidfd in self._members.values():
            os.close(pidfd)

    def _look(self) -> list[int]:
        """Find members that we did not know; their pidfds."""
        before = set(self._members)
        root = self._root()
        if root is not None and root not in self._members:
            self._take(root, is_root=True)
        for pid in _processes():
            if pid not in self._members and self._carries_mark(pid):
                self._take(pid)
        asked: set[int] = set()
        while todo := [pid for pid in self._members if pid not in asked]:
            for pid in todo:
                asked.add(pid)
                for child in _living_children(pid, self._members[pid]):
                    if child not in self._members:
                        self._take(child, of=pid)
        return [pidfd for pid, pidfd in self._members.items() if pid not in before]

    def _take(self, pid: int, of: int | None = None, *, is_root: bool = False) -> None:
        """Hold it by a pidfd, once it is sure that the number has not changed hands meanwhile."""
        try:
            pidfd = open_pidfd(pid)
        except NoSuchProcess:
            return
        try:
            same = is_root or read_stat(pid).ppid == of or self._carries_mark(pid)
        except NoSuchProcess:
            same = False
        if same and not wait_exit(pidfd, 0):
            self._members[pid] = pidfd
        else:
            os.close(pidfd)

    def _carries_mark(self, pid: int) -> bool:
        return any(self._mark in _read(pid, name) for name in ("environ", "maps"))

    def _living(self) -> list[int]:
        return [pidfd for pidfd in self._members.values() if not wait_exit(pidfd, 0)]

    def _wait(self, until: float) -> bool:
        """Until all are dead: True; False when the time is over first."""
        while living := self._living():
            poll = select.poll()
            for pidfd in living:
                poll.register(pidfd, select.POLLIN)
            left = until - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                return False
        return True


def _signal(pidfd: int, signum: int) -> None:
    try:
        send_signal(pidfd, signum)
    except (NoSuchProcess, NotPermitted):  # gone, or another user's: not ours to end
        pass


def _processes() -> list[int]:
    """Of this user, ourselves excepted."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.stat(f"/proc/{name}").st_uid == os.geteuid() and int(name) != os.getpid():
                    found.append(int(name))
            except FileNotFoundError:
                continue
    return found


def _living_children(pid: int, pidfd: int) -> list[int]:
    if wait_exit(pidfd, 0):
        return []
    try:
        return children_of(pid)
    except NoSuchProcess:
        return []


def _read(pid: int, name: str) -> bytes:
    try:
        with open(f"/proc/{pid}/{name}", "rb", buffering=0) as file:
            return file.readall()
    except OSError:
        return b""
