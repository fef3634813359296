"""A keeper: one process for one run.  It starts the command, keeps its terminal, log and exit, and ends its tree.

::

    claim ─▶ listen ─▶ fork, exec ─▶ "began" ─▶ one poll ──────────────▶ tree is empty ─▶ outcome ─▶ "ended"
                                               output, links, SIGCHLD,    (its command first, then what it
                                               timers if there are any     has left behind)

As the subreaper of its tree it has no children but those of the job; so "no child is left" is exactly "the tree is
empty", and whom it reaps is its own.  If it is killed the kernel kills the command's process group (keepalive) and the
terminal hangs up; a sweeper sees to the rest.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import time

from procession.jobs import claims
from procession.jobs.keeper_child import Cannot, become
from procession.jobs.keeper_desk import Desk
from procession.jobs.keeper_links import Link, listen
from procession.jobs.keeper_loop import Loop
from procession.jobs.keeper_output import Output
from procession.jobs.keeper_ready import EVERY, Condition
from procession.jobs.keeper_tree import Tree
from procession.jobs.keeper_verdict import Account, verdict
from procession.jobs.limits import Limits
from procession.jobs.outcome import MEMORY, STOPPED, TIMEOUT, UNSTARTED, Outcome
from procession.jobs.plain import plain
from procession.jobs.spec import WAIT
from procession.linux.keepalive import open_keepalive
from procession.linux.pidfd import Status
from procession.linux.prctl import set_child_subreaper, set_process_name
from procession.linux.procfs import start_time
from procession.process.exits import signal_name
from procession.units import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Any

    from procession.jobs.keeper_order import Order
    from procession.jobs.log_write import LogWriter
    from procession.jobs.places import Places

_HIGH = 63  # a descriptor's number; the kernel's first table has 64
_SETTLE = 0.2  # seconds that leftovers have to end by themselves: a tee, a pager's pipe
_AGAIN = 0.5  # seconds between two kills of what does not die
_PATIENCE = 10  # such kills after the command's end; who lives on then cannot be ended by us
_WATCH = 1.0  # seconds between two looks at the memory, where no cgroup keeps it
_RETRY = 1.0  # seconds between two tries to write the outcome
_FAREWELL = 5.0  # seconds for the last words to be taken
_IGNORED = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)


def keep(order: Order, places: Places, line: socket.socket) -> None:
    """In the process that the nursery has forked: returns when the run has ended, or is not ours to begin."""
    os.setsid()
    set_process_name(f"pn-keeper {order.name}")
    try:
        claim = claims.take(places.run(order.job, order.run))
    except OSError:
        return  # no folder any more: the order is void
    if claim is None:
        return
    claim = _let_go_first(claim)
    if order.spec.adopt is not None:
        from procession.jobs.keeper_adopt import Adopted

        Adopted(order, places, line).run()
    else:
        Keeper(order, places, line).run()
    os.close(claim)


def _let_go_first(claim: int) -> int:
    """The claim's lock must be gone when others see that our sockets are: of a process that dies, Linux releases what
    it had closed last first (task_work_run), and it closes descriptors by number (close_files, fs/file.c)."""
    high = fcntl.fcntl(claim, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    os.close(claim)
    return high


class Keeper:
    """``output``, ``log``: None where the command was adopted."""

    output: Output | None = None
    log: LogWriter | None = None

    def __init__(self, order: Order, places: Places, line: socket.socket) -> None:
        self.order, self.spec = order, order.spec
        self._folder = places.run(order.job, order.run)
        self._log_path = places.log(order.job, order.run)
        self._socket_path = places.keeper(order.job, order.run)
        self.loop = Loop()
        self.tree = Tree()
        self.pid = self.start = 0
        self.began = 0.0
        self.ready: float | None = None
        self.suspended: float | None = None
        self.level = ""
        self.account = Account()
        self._empty = False
        self._kills = 0
        self._condition = Condition(self.spec.ready, self.spec.cwd) if self.spec.ready else None
        self._signals = _hear_signals()
        self.loop.watch(self._signals, select.POLLIN, self._signalled)
        self.desk = Desk(self, self.loop, listen(self._socket_path))
        link = Link(line)
        link.watches = True
        self.desk.add(link)

    def run(self) -> None:
        """All of it."""
        try:
            self.begin()
        except Cannot as error:
            outcome = Outcome(UNSTARTED, error.words, code=error.code, ended=time.time())
        except OSError as error:
            outcome = Outcome(
                UNSTARTED, f"could not be started: {error.strerror}", code=126, ended=time.time()
            )
        else:
            self.desk.tell("began", pid=self.pid, start=self.start, at=self.began, level=self.level)
            self._arrange()
            self.loop.run()
            outcome = self.ended()
        self._finish(outcome)

    # ── the begin ──

    def begin(self) -> None:
        """Raises Cannot, OSError."""
        set_child_subreaper()
        self.limits = Limits(self.order)
        self.output = Output(self.order, self._log_path, self.loop, self._printed)
        self.log = self.output.log
        self.output.take_terminal()
        report, told = os.pipe2(os.O_CLOEXEC)
        keepalive = open_keepalive()
        self.pid = os.fork()
        if not self.pid:
            _child(self.order, self.limits, keepalive, self.output, told)
        os.close(told)
        os.close(keepalive.read_fd)  # the write end stays open for as long as we live
        self.start = start_time(self.pid)
        self.began = time.time()
        self.output.begun()
        letters, _, words = _read_all(report).partition(b"!")
        if words:
            code, _, text = words.decode("utf-8", "replace").partition(" ")
            raise Cannot(text, int(code))
        self.limits.failed(letters)
        self.level = self.limits.level

    def _arrange(self) -> None:
        """The timers that this job needs."""
        if self.spec.timeout is not None:
            self.loop.after(self.spec.timeout, "timeout", self._too_long)
        if self.limits.watched is not None:
            self.loop.after(_WATCH, "memory", self._look_at_memory)
        if self._condition is None:
            self.ready = self.began
        elif self._condition.looks:
            self.loop.after(0, "ready", self._look_whether_ready)

    # ── what happens ──

    def _signalled(self, _: int) -> None:
        numbers = os.read(self._signals, 512)
        if signal.SIGTERM in numbers:
            self._told_to_end()
        self._children()

    def _told_to_end(self) -> None:
        self.end(self.spec.grace, STOPPED, "was ended: its keeper was sent SIGTERM")

    def _children(self) -> None:
        """Stops of the command; ends of whoever is our child."""
        self._command_stopped()
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                self._empty = True
                break
            if found is None:
                break
            _, status, usage = os.wait4(found.si_pid, 0)
            self.account.reaped(usage)
            if found.si_pid == self.pid:
                self._command_ended(_status(self.pid, status))
        if self._empty and self.account.status is not None:
            self.loop.stop()

    def _command_stopped(self) -> None:
        while self.account.status is None:
            try:
                found = os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WCONTINUED | os.WNOHANG)
            except ChildProcessError:
                return
            if found is None:
                return
            if found.si_code == os.CLD_STOPPED:
                self.suspended = time.time()
                self.desk.tell("suspended", at=self.suspended, why=f"by {signal_name(found.si_status)}")
            elif self.suspended is not None:
                self.suspended = None
                self.desk.tell("continued", at=time.time())

    def _command_ended(self, status: Status) -> None:
        self.account.status, self.account.ended = status, time.time()
        self.loop.cancel("ready")
        if self.loop.left("kill") is not None:
            return  # the tree is being ended already
        if self.spec.leftovers != WAIT:
            self.loop.after(_SETTLE, "settle", self._end_leftovers)

    def _end_leftovers(self) -> None:
        if self.tree.look():
            self._end_tree(self.spec.grace)

    def _too_long(self) -> None:
        self.end(self.spec.grace, TIMEOUT, f"was ended: it took longer than {self.spec.timeout:g} s")

    def _look_at_memory(self) -> None:
        if self.limits.watched is not None and self.tree.memory() > self.limits.watched:
            self.end(
                0.0, MEMORY, f"was ended: it went over its memory limit of {size(self.spec.memory or 0)}"
            )
        else:
            self.loop.after(_WATCH, "memory", self._look_at_memory)

    def _look_whether_ready(self) -> None:
        if self._condition is not None and self._condition.is_there(self.pid, self.tree):
            self._is_ready()
        else:
            self.loop.after(EVERY, "ready", self._look_whether_ready)

    def _is_ready(self) -> None:
        self._condition = None
        self.ready = time.time()
        self.desk.tell("ready", at=self.ready)

    def _printed(self, data: bytes) -> None:
        self.desk.show(data)
        if self._condition is not None and self._condition.printed(data):
            self._is_ready()

    # ── what is asked for: each returns why it cannot be done, or "" ──

    def state(self) -> dict[str, Any]:
        """The message of that name."""
        log = {"path": self._log_path, "bytes": self.log.offset, "lost": self.log.lost} if self.log else None
        return {
            "event": "state", "job": self.order.job, "run": self.order.run, "pid": self.pid, "start": self.start,
            "since": self.began, "ready": self.ready, "suspended": self.suspended, "level": self.level, "log": log,
        }  # fmt: skip

    def type(self, data: bytes) -> bool:
        """Into its terminal."""
        return self.output is not None and self.output.type(data)

    def signal(self, signum: int, *, tree: bool) -> str:
        """To the foreground group, or to the whole tree."""
        if self._empty:
            return "it has ended"
        self.account.sent.add(signum)
        group = None if tree else (self.output.foreground if self.output else 0) or self.pid
        return _refused(self.tree.send(signum, group))

    def end(self, grace: float, kind: str, why: str) -> str:
        """SIGTERM to the whole tree, and after ``grace`` seconds SIGKILL."""
        if self._empty:
            return ""
        if self.account.status is None and not self.account.kind:
            self.account.kind, self.account.why = kind, why
        return self._end_tree(grace)

    def _end_tree(self, grace: float) -> str:
        left = self.loop.left("kill")
        if left is not None and left <= grace:
            return ""  # as soon as that already
        if left is None and self.account.status is not None:
            self.account.leftovers = len(self.tree.look())
        if grace <= 0:
            self._kill()
            return ""
        self.loop.after(grace, "kill", self._kill)
        if left is not None:
            return ""
        refused = self.tree.send(signal.SIGTERM)
        self.tree.send(signal.SIGCONT)  # a stopped process cannot take it
        return _refused(refused)

    def _kill(self) -> None:
        self.limits.kill()
        self.tree.kill()
        if self.account.status is not None:
            self._kills += 1
            if self._kills > _PATIENCE:
                self.loop.stop()
                return
        self.loop.after(_AGAIN, "kill", self._kill)

    def stop(self) -> str:
        """SIGSTOP to the whole tree, parents first: none of them sees its child stop and does something about it."""
        return _refused(self.tree.send(signal.SIGSTOP))

    def cont(self) -> str:
        """SIGCONT to the whole tree, children first."""
        return _refused(self.tree.send(signal.SIGCONT, children_first=True))

    # ── the end ──

    def ended(self) -> Outcome:
        """The tree is empty: what became of it."""
        assert self.output is not None
        self.output.drain()
        if self.limits.was_exceeded():
            self.account.memory = f"its memory limit of {size(self.spec.memory or 0)}"
        peak = self.limits.peak()
        self.limits.remove()
        return verdict(self.account, self.pid, self.began, peak)

    def _finish(self, outcome: Outcome) -> None:
        """The outcome on disk, then told.  On a disk that is full it is told all the same, and tried until it is there,
        or the daemon has taken it to its book and removed the folder."""
        if self.output is not None:
            from procession.records import replace

            self.output.close()
            outcome = replace(outcome, log_bytes=self.output.log.written, log_lost=self.output.log.lost)
        self._empty = True
        written = self._write(outcome)
        self.desk.tell("ended", outcome=plain(outcome))
        while not written:
            self.loop.after(_RETRY, "write", self.loop.stop)
            self.loop.run()
            written = self._write(outcome)
        try:
            os.unlink(self._socket_path)
        except OSError:
            pass
        self.desk.farewell(_FAREWELL)

    def _write(self, outcome: Outcome) -> bool:
        try:
            claims.write_outcome(self._folder, outcome)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True


def _child(order: Order, limits: Limits, keepalive: Any, output: Output, report: int) -> None:
    """The forked child; never returns."""
    try:
        signal.set_wakeup_fd(-1)
        become(order, limits, keepalive, (output.stdin, output.stdout), report)
    except Cannot as error:
        words, code = error.words, error.code
    except OSError as error:
        words, code = f"could not be started: {error.strerror}", 126
    except BaseException as error:
        words, code = f"could not be started: {error!r}", 126
    finally:
        os.write(report, f"!{code} {words}".encode("utf-8", "backslashreplace"))
        os._exit(code)


def _hear_signals() -> int:
    """SIGCHLD and SIGTERM arrive as bytes here; what a terminal sends to its session is not for us."""
    fd, wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for signum in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(signum, _nothing)
    for signum in _IGNORED:
        signal.signal(signum, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    return fd


def _nothing(*_: object) -> None:
    """The byte in the pipe says it."""


def _read_all(fd: int) -> bytes:
    data = b""
    try:
        while piece := os.read(fd, 4096):
            data += piece
    finally:
        os.close(fd)
    return data


def _status(pid: int, status: int) -> Status:
    if os.WIFSIGNALED(status):
        return Status(pid, None, os.WTERMSIG(status), os.WCOREDUMP(status))
    return Status(pid, os.WEXITSTATUS(status), None)


def _refused(pids: list[int]) -> str:
    if not pids:
        return ""
    return f"process {', '.join(map(str, pids))} did not take the signal: it is another user's"
