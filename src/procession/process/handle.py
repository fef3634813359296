"""What a parent holds of a child of its own: pid, pidfd, the line, and at last how it ended.

This is the ``_popen`` of a ``Process``: attributes and methods are those that the standard library and
others look for there (pid, sentinel, returncode, poll, wait, terminate, kill, interrupt, close).
"""

from __future__ import annotations

import os
import signal
import time
import weakref

from procession.errors import ChannelClosed, MessageTooLarge, NoSuchProcess
from procession.linux import pidfd as _pidfd
from procession.linux.pidfd import Status
from procession.process import exits, line, reaper
from procession.process.exits import UNKNOWN, Exit, Usage, returncode_of
from procession.process.explain import explain
from procession.process.options import Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable


class Handle:
    """One started child.  Any thread of the parent may use it; the reaper's lock guards its end."""

    method = ""
    unknown = UNKNOWN  # how it ended, when nobody can tell
    pending = False  # true for Waiting (order.py): a process that waits for others and does not exist yet
    failure = None  # why it was never started (Waiting, too)

    def __init__(
        self, pid: int, pidfd: int, upward: socket.socket, name: str, options: Options | None = None
    ) -> None:
        self.pid = pid
        self.sentinel = pidfd
        self.name = name
        self.options = options or Options()
        self.exit: Exit | None = None
        self.message: line.Message | None = None  # the outcome, as it came
        self.opened = False  # then ``value`` is what it held
        self.value: object = None
        self.mark = ""  # of its tree
        self.why = ""  # what we did to end it, in words
        self.deadline: float | None = None  # time.monotonic(), when ``on_deadline`` is due
        self._line = upward
        self._line_over = False  # everybody else has closed it
        self.watched: set[int] = set()  # the reaper's
        self._listeners: list[Callable[[Handle], None]] = []
        # Not util.Finalize: that keeps a book in which others (CPython's tests) count.
        self.finalizer = weakref.finalize(self, _close_all, pidfd, upward, os.getpid())
        self.finalizer.atexit = False
        if self.options.timeout is not None:
            self.deadline = time.monotonic() + self.options.timeout

    @property
    def returncode(self) -> int | None:
        """The exit code, or minus the signal; None while it runs."""
        return None if self.exit is None else returncode_of(self.exit)

    def poll(self, _flag: int = os.WNOHANG) -> int | None:
        """Look whether it has ended (and reap it if so); never waits."""
        if self.exit is None:
            reaper.look(self)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait at most ``timeout`` seconds for its end; the exit code, or None when it still runs."""
        if self.exit is None and not _pidfd.wait_exit(self.sentinel, timeout):
            return None
        while self.poll() is None and timeout is None:
            pass  # ended, and the fork server that has its status is slow (or stopped): each look waits for it
        return self.returncode

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM, "its parent asked it to end")

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL, "its parent killed it")

    def interrupt(self) -> None:
        """SIGINT, as by Ctrl-C."""
        self.send_signal(signal.SIGINT, "its parent interrupted it")

    def send_signal(self, signum: int, why: str = "") -> None:
        """Send a signal to it if it still runs; ``why`` goes into the reason of its exit."""
        if self.exit is not None:
            return
        if not self.why:
            self.why = why
        try:
            _pidfd.send_signal(self.sentinel, signum)
        except NoSuchProcess:
            return

    def on_end(self, listener: Callable[[Handle], None]) -> None:
        """Have ``listener(self)`` called once it has ended; at once when it has ended already.

        It runs in the thread that noticed, often the reaper's: it must be short.
        """
        with reaper.lock():
            if self.exit is None:
                self._listeners.append(listener)
                return
        listener(self)

    def on_deadline(self, now: float) -> None:
        """Too long: SIGTERM, and after the grace SIGKILL.  Called by the reaper, with its lock held."""
        first = self.why == ""
        words = f"it took longer than its timeout of {self.options.timeout:g} s"
        self.send_signal(signal.SIGTERM if first else signal.SIGKILL, words)
        self.deadline = now + self.options.grace if first else None

    def descriptors(self) -> tuple[int, ...]:
        """What the reaper watches."""
        return (self.sentinel,)

    def collect(self, _patience: float = 0) -> bool:
        """Has it ended?  Then ``exit`` is set.  Called with the reaper's lock held."""
        if self.exit is not None:
            return True
        found = self._status()
        if found is None:
            return False
        self._drain()
        self.deadline = None
        status, usage = found
        self.exit = explain(exits.exit_of(status, usage), self) if status is not None else self.unknown
        return True

    def let_go(self) -> None:
        """Its end is known and nobody watches it any more."""
        self._line.close()

    def announce(self) -> None:
        """Tell those who asked for it.  Called once, without the lock."""
        with reaper.lock():
            listeners, self._listeners = self._listeners, []
        for listener in listeners:
            try:
                listener(self)
            except Exception:  # one listener must not keep the others from being told
                import traceback

                traceback.print_exc()

    def close(self) -> None:
        """Give the descriptors back."""
        with reaper.lock():  # the reaper may have noted the end and not yet let go of the pidfd
            self.finalizer()
        if self.message is not None:
            self.message.close()
            self.message = None

    def close_in_fork(self) -> None:
        """In a forked child of ours or of others: this line is not its own."""
        self._line.close()

    def _status(self) -> tuple[Status | None, Usage | None] | None:
        """How it ended (a Status of None: nobody knows), or None while it runs."""
        raise NotImplementedError

    def _drain(self) -> None:
        try:
            while not self._line_over and (message := line.take(self._line)) is not None:
                self._received(message)
        except (ChannelClosed, MessageTooLarge):  # too many descriptors for us: that message is lost
            self._line_over = True

    def _received(self, message: line.Message) -> None:
        if message.kind in (line.VALUE, line.FAILED) and self.message is None:
            self.message = message
        else:
            message.close()


class Own(Handle):
    """A child that we have made ourselves, and reap ourselves."""

    def _status(self) -> tuple[Status | None, Usage | None] | None:
        try:
            # WNOWAIT: only to be sure that the pid is still this child's when wait4 takes it.
            if os.waitid(os.P_PIDFD, self.sentinel, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                return None
            _, status, used = os.wait4(self.pid, os.WNOHANG)
        except ChildProcessError:
            # Somebody in this process waits for any child, or SIGCHLD is ignored (wait(2), NOTES).
            return None, None
        return status_of(self.pid, status), usage_of(used.ru_utime, used.ru_stime, used.ru_maxrss)


def status_of(pid: int, status: int) -> Status:
    """The 16 bits of wait(2) as a record."""
    if os.WIFSIGNALED(status):
        return Status(pid, None, os.WTERMSIG(status), os.WCOREDUMP(status))
    return Status(pid, os.WEXITSTATUS(status), None)


def usage_of(user: float, system: float, peak_kib: int) -> Usage:
    """ru_maxrss is in KiB on Linux (getrusage(2))."""
    return Usage(user + system, peak_kib * 1024)


def _close_all(pidfd: int, upward: socket.socket, pid: int) -> None:
    upward.close()
    if os.getpid() == pid:  # in a forked child the number may mean something else by now
        os.close(pidfd)
