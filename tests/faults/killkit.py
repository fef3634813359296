"""Killers: whoever works for the test's process is hit, at moments that nobody has chosen."""

from __future__ import annotations

import os
import random
import select
import signal

from procession.linux.keepalive import open_keepalive
from procession.process.start import fork_child
from tests.harness import processes


def children_of(parent: int) -> list[int]:
    """Those of all its threads."""
    pids: list[int] = []
    for thread in os.listdir(f"/proc/{parent}/task"):
        try:
            with open(f"/proc/{parent}/task/{thread}/children", encoding="ascii") as file:
                pids += map(int, file.read().split())
        except (FileNotFoundError, ProcessLookupError):
            continue  # the thread has ended
    return pids


def strike(chance: random.Random, parent: int) -> int | None:
    """Kill a random child of ``parent`` other than ourselves; its pid, or None when there was nobody."""
    pids = [pid for pid in children_of(parent) if pid != os.getpid()]
    if not pids:
        return None
    pid = chance.choice(pids)
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    try:
        # Only now, with the descriptor in hand, is it certain whom we hold.
        if processes.state_and_parent(pid)[1] != parent:
            return None
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except ProcessLookupError:
        return None
    finally:
        os.close(pidfd)
    return pid


class InParent:
    """Kills from the parent's own callback, while it takes outcomes in."""

    def __init__(self, chance: random.Random, pause: float) -> None:
        self.pids: list[int] = []
        self._chance = chance
        self._share = 0.1 / pause  # a task takes about a tenth of a millisecond

    def look(self) -> None:
        """Called for every outcome."""
        if self._chance.random() < self._share:
            pid = strike(self._chance, os.getpid())
            self.pids += [pid] if pid else []

    def close(self) -> None:
        """Nothing to give back."""


class Stranger:
    """A process of its own, which kills whenever it likes."""

    def __init__(self, chance: random.Random, pause: float) -> None:
        self.pids: list[int] = []
        self._told, tell = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        ending, self._end = os.pipe2(os.O_CLOEXEC)
        self._keepalive = open_keepalive()
        parent = os.getpid()

        def hunt() -> None:
            poll = select.poll()
            poll.register(ending, 0)  # the hang-up is reported always
            while not poll.poll(chance.expovariate(1 / pause)):
                pid = strike(chance, parent)
                if pid:
                    os.write(tell, b"%d\n" % pid)

        self._child = fork_child(hunt, self._keepalive, (self._told, self._end))
        os.close(ending)
        os.close(tell)

    def look(self) -> None:
        """Take in what it has told."""
        try:
            self.pids += map(int, os.read(self._told, 65536).split())
        except BlockingIOError:
            return

    def close(self) -> None:
        """End it, and hear the rest."""
        os.close(self._end)
        ended = self._child.wait()
        self.look()
        self._child.close()
        for descriptor in (self._told, self._keepalive.read_fd, self._keepalive.write_fd):
            os.close(descriptor)
        assert ended is not None
        assert ended.code == 0, ended.reason
