"""A process that ran already: watched by its pidfd, since it is no child of ours.

What cannot be had: its terminal, its output (unless that goes to a file, which is named), its limits; and its exit
status only where somebody tells: the kernel while it is a zombie, and since Linux 6.15 afterwards, too (PIDFD_GET_INFO).
"""

from __future__ import annotations

import os
import select
import signal
import time

from procession.errors import NoSuchProcess, NotPermitted
from procession.jobs.keeper import Keeper
from procession.jobs.keeper_child import Cannot
from procession.jobs.keeper_tree import Tree
from procession.jobs.keeper_verdict import verdict
from procession.jobs.outcome import UNKNOWN, Outcome
from procession.linux.pidfd import Status, exit_info, open_pidfd, send_signal
from procession.linux.procfs import read_stat, start_time

_REAPED = 2.0  # seconds that a parent has to reap it, so that the kernel tells what became of it
_SOON, _LOOKS = 0.02, 100  # seconds between two looks after a signal was sent, and how many
_EVERY = 0.5  # seconds between two looks whether it is stopped: nobody tells but the parent


class Adopted(Keeper):
    """Of ``spec.adopt``, which began at ``spec.adopt_start``."""

    _expected, _looks = False, 0
    _given_up = False

    def begin(self) -> None:
        pid = self.spec.adopt or 0
        try:
            self._pidfd = open_pidfd(pid)
            self.start = start_time(pid)
        except NoSuchProcess:
            raise Cannot(f"cannot be adopted: there is no process {pid}", 126) from None
        if self.spec.adopt_start and self.start != self.spec.adopt_start:
            raise Cannot(f"cannot be adopted: process {pid} has ended, and another has its number", 126)
        self.pid = pid
        self.tree = Tree([(pid, 0)])
        self.began = time.time()
        self.level = _where_it_prints(pid)
        self.loop.watch(self._pidfd, select.POLLIN, self._exited)

    def _arrange(self) -> None:
        self.ready = self.began
        if self.spec.timeout is not None:
            self.loop.after(self.spec.timeout, "timeout", self._too_long)

    def _exited(self, _: int) -> None:
        self.loop.forget(self._pidfd)
        self.account.status = self._status()
        self.account.ended = time.time()
        self._empty = True
        self.loop.stop()

    def _status(self) -> Status | None:
        """What became of it: from the zombie, or from its pidfd once it has been reaped."""
        zombie = _status_of_zombie(self.pid, self.start)
        if zombie is not None:
            return zombie
        poll = select.poll()
        poll.register(self._pidfd, 0)  # POLLHUP: reaped
        poll.poll(_REAPED * 1000)
        return exit_info(self.pid, self._pidfd)

    def ended(self) -> Outcome:
        if self._given_up:
            reason = "is not watched any more: its keeper was sent SIGTERM"
            return Outcome(UNKNOWN, reason, pid=self.pid, began=self.began, ended=self.account.ended)
        if self.account.status is None:
            reason = "ended; how, only the process that had started it was told"
            return Outcome(UNKNOWN, reason, pid=self.pid, began=self.began, ended=self.account.ended)
        outcome = verdict(self.account, self.pid, self.began)
        from procession.records import replace

        return replace(outcome, cpu_seconds=None, peak_memory=None)

    def _told_to_end(self) -> None:
        """It ran before us, and runs on without us."""
        self._given_up = True
        self._empty = True
        self.account.ended = time.time()
        self.loop.stop()

    def signal(self, signum: int, *, tree: bool) -> str:
        """To the process alone, or to it and its descendants."""
        if tree or self._empty:
            return super().signal(signum, tree=True)
        self.account.sent.add(signum)
        try:
            send_signal(self._pidfd, signum)
        except NoSuchProcess:
            return "it has ended"
        except NotPermitted:
            return f"process {self.pid} did not take the signal: it is another user's"
        return ""

    def stop(self) -> str:
        why = super().stop()
        self._expect(stopped=True)
        return why

    def cont(self) -> str:
        why = super().cont()
        self._expect(stopped=False)
        return why

    def _expect(self, *, stopped: bool) -> None:
        """A signal is sent at once and acts a little later."""
        self._expected, self._looks = stopped, _LOOKS
        self._look_whether_stopped()

    def _look_whether_stopped(self) -> None:
        """Its stops are told to its parent only: so we look, as long as it is stopped by us."""
        try:
            stopped = read_stat(self.pid).state == "T"
        except NoSuchProcess:
            return
        if stopped and self.suspended is None:
            self.suspended = time.time()
            self.desk.tell("suspended", at=self.suspended, why=f"by {signal.Signals.SIGSTOP.name}")
        elif not stopped and self.suspended is not None:
            self.suspended = None
            self.desk.tell("continued", at=time.time())
        self._looks -= 1
        if stopped != self._expected and self._looks > 0:
            self.loop.after(_SOON, "stopped", self._look_whether_stopped)
        elif stopped:
            self.loop.after(_EVERY, "stopped", self._look_whether_stopped)

    def _kill(self) -> None:
        self.tree.kill()


def _status_of_zombie(pid: int, start: int) -> Status | None:
    try:
        stat = read_stat(pid)
    except NoSuchProcess:
        return None
    if stat.state != "Z" or stat.starttime != start:
        return None
    if os.WIFSIGNALED(stat.exit_code):
        return Status(pid, None, os.WTERMSIG(stat.exit_code), os.WCOREDUMP(stat.exit_code))
    if stat.exit_code == 0 and not os.access(f"/proc/{pid}/mem", os.R_OK):
        return None  # 0 is also what those read who may not know
    return Status(pid, os.WEXITSTATUS(stat.exit_code), None)


def _where_it_prints(pid: int) -> str:
    try:
        path = os.readlink(f"/proc/{pid}/fd/1")
        if os.path.isfile(path):
            return f"its output goes to {path}"
    except OSError:
        return ""
    return f"its output goes to {path}: it cannot be read there by others"
