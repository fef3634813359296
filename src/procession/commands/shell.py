"""In a worker: run one command, keep what it prints, and let nothing of it outlive its time.

The commands of a worker have a process group of their own (launch.py), so a Ctrl-C on the terminal reaches pn alone and pn can end
all of the command at once.  What it leaves running in its group when it ends is killed.  A daemon leaves the
group by setsid(2) and is left alone; its later output is not waited for.
"""

from __future__ import annotations

import os
import select
import signal
import time

from procession.commands.capture import Capture
from procession.commands.launch import Group
from procession.commands.outcome import NOT_BEGUN, Outcome
from procession.ipc.carry import share
from procession.linux.pidfd import open_pidfd, reap
from procession.process.exits import exit_of
from procession.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.commands.launch import Launched

STOP_GRACE = 1.0  # seconds between SIGTERM and SIGKILL when the whole run stops
_LONGEST_POLL = 1e6  # seconds


class Signs:
    """Two eventfds of the parent, raised for good and never read: begin no more; end what is running."""

    def __init__(self, hold: int | None = None, halt: int | None = None) -> None:
        self._hold = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK) if hold is None else hold
        self.halt_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK) if halt is None else halt

    def __reduce__(self) -> tuple[object, ...]:
        return _signs, (share(self._hold), share(self.halt_fd))

    def hold(self) -> None:
        """Begin no more."""
        os.eventfd_write(self._hold, 1)

    def halt(self) -> None:
        """Begin no more, and end what is running."""
        self.hold()
        os.eventfd_write(self.halt_fd, 1)

    @property
    def held(self) -> bool:
        """Has ``hold`` been called?"""
        return _is_readable(self._hold)

    def close(self) -> None:
        """In the parent, at the end."""
        os.close(self._hold)
        os.close(self.halt_fd)


def _signs(hold: Any, halt: Any) -> Signs:
    return Signs(hold.detach(), halt.detach())


class _Here:
    """What a worker keeps from one command to the next."""

    signs: Signs | None = None
    group: Group | None = None
    defaults: tuple[int, ...] = ()
    paused = 0.0  # seconds that this worker and its command have been stopped by Ctrl-Z


def prepare(signs: Signs) -> None:
    """Once in each worker.  A Ctrl-C on the terminal is the parent's to decide on."""
    _Here.signs = signs
    # One that was ignored when pn was started stays so for the commands: nohup(1), background jobs of sh.
    _Here.defaults = () if signal.getsignal(signal.SIGINT) is signal.SIG_IGN else (signal.SIGINT,)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    if signal.getsignal(signal.SIGTSTP) is not signal.SIG_IGN:
        signal.signal(signal.SIGTSTP, _pause)
    while (fd := os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)) <= 2:
        pass  # a pipe of a command must not get the number of a closed stream
    os.close(fd)


def _pause(number: int, _frame: object) -> None:
    """Ctrl-Z stops pn and its workers; the command, in another group, stops and goes on with its worker."""
    begun = time.monotonic()
    if _Here.group is not None:
        _Here.group.signal(signal.SIGSTOP)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)  # not SIGSTOP: where no shell could continue us, the kernel ignores this one
    signal.signal(number, _pause)
    if _Here.group is not None:
        _Here.group.signal(signal.SIGCONT)
    _Here.paused += time.monotonic() - begun


def _now() -> float:
    return time.monotonic() - _Here.paused


def perform(argv: tuple[str, ...], timeout: float | None, grace: float) -> Outcome:
    """Run one command to its end.  Never raises for what the command does."""
    assert _Here.signs is not None
    if _Here.signs.held:
        return NOT_BEGUN
    if _Here.group is None or not _Here.group.guarded():
        _Here.group = Group()
    begun = _now()
    try:
        program = _Here.group.launch(argv, _Here.defaults)
    except (OSError, ValueError) as error:
        return _not_run(argv, error, _now() - begun)
    until = None if timeout is None else begun + timeout
    watch = _Watch(_Here.group, program, _Here.signs.halt_fd, until, grace)
    try:
        watch.until_it_ends()
        outcome = watch.outcome(timeout)
    finally:
        watch.close()
    return replace(outcome, seconds=_now() - begun)


def _not_run(argv: tuple[str, ...], error: Exception, seconds: float) -> Outcome:
    words = error.strerror or str(error) if isinstance(error, OSError) else str(error)
    if isinstance(error, FileNotFoundError):
        words = f"{argv[0]}: not found" if "/" not in argv[0] else f"{argv[0]}: {words}"
    return Outcome(None, None, f"could not be run: {words}", seconds)


class _Watch:
    """A running command: its two streams, its end, its time, and the parent's wish to stop."""

    def __init__(
        self, group: Group, program: Launched, halt_fd: int, until: float | None, grace: float
    ) -> None:
        self._group = group
        self._pidfd = open_pidfd(program.pid)
        self._out, self._err = Capture(program.stdout), Capture(program.stderr)
        self._alive = program.alive
        self._halt_fd = halt_fd
        self._until = until
        self._grace = grace
        self._asked = False  # SIGTERM has been sent
        self._timed_out = self._stopped = False
        self._poll = select.poll()
        for fd in (self._out.fd, self._err.fd, self._pidfd, halt_fd):
            self._poll.register(fd, select.POLLIN)

    def until_it_ends(self) -> None:
        """Take in output until the command has ended; end it when its time is over."""
        while not any(map(self._happened, self._events())):
            if self._until is not None and _now() >= self._until:
                self._timed_out = self._timed_out or not self._stopped
                self._escalate(self._grace)
        if not _is_readable(self._alive):
            self._group.kill()  # it has left somebody behind
        for stream in (self._out, self._err):
            while stream.fd >= 0 and stream.read():
                pass

    def outcome(self, timeout: float | None) -> Outcome:
        """Reap it and say how it ended."""
        status = reap(self._pidfd)
        assert status is not None
        end = exit_of(status)
        reason = end.reason
        if self._timed_out:
            reason = f"ran longer than {timeout:g} s and {reason}"
        elif self._stopped:
            reason = "was ended with the whole run"
        trouble = self._out.trouble or self._err.trouble
        code = end.code
        if trouble:
            reason, code = f"{reason}, and its output could not be kept: {trouble}", code or None
        return Outcome(
            code,
            end.signal,
            reason,
            stdout=self._out.result(),
            stderr=self._err.result(),
            timed_out=self._timed_out,
            stopped=self._stopped,
        )

    def close(self) -> None:
        self._out.close()
        self._err.close()
        os.close(self._alive)
        os.close(self._pidfd)

    def _happened(self, fd: int) -> bool:
        """See to it; True when it is the end of the command."""
        if fd == self._pidfd:
            return True
        if fd == self._halt_fd:
            self._poll.unregister(fd)
            self._stopped = not self._timed_out
            self._escalate(min(self._grace, STOP_GRACE))
            return False
        stream = self._out if fd == self._out.fd else self._err
        stream.read()
        if stream.fd < 0:
            self._poll.unregister(fd)
        return False

    def _escalate(self, grace: float) -> None:
        """First SIGTERM, then SIGKILL."""
        if self._asked:
            self._group.kill()
            self._until = None
            return
        self._asked = True
        self._group.signal(signal.SIGTERM)
        self._group.signal(signal.SIGCONT)  # a stopped process cannot take the SIGTERM
        self._until = _now() + grace

    def _events(self) -> list[int]:
        return [fd for fd, _ in self._poll.poll(self._patience())]

    def _patience(self) -> float | None:
        if self._until is None:
            return None
        return max(0.0, min(self._until - _now(), _LONGEST_POLL)) * 1000


def _is_readable(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))
