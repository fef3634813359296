"""Processes in order: one that starts when others have ended.

::

    first.start(); second.start()                     second = Process(..., after=[first])
      first ── ends ──▶ its listeners ──▶ Waiting(second): decide ──▶ go, or give up and say why

No thread waits and nobody polls: whoever notices the end of the last one (the reaper, or a ``join``) starts
the next.  By spawn and fork server that is safe in any thread; the process object was packed when ``start``
was called, so later changes to its arguments do not reach it.  A fork has to happen where ``start`` was
called, in that thread and at that moment: there the child exists at once and waits at a gate.
"""

# ruff: noqa: SLF001 - the parts of one Process, and what multiprocessing keeps private

from __future__ import annotations

import os
import signal
import threading
import time
import weakref

from procession.errors import DependencyFailed, NotStarted
from procession.ipc.given import note_handed
from procession.process import ending, reaper
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from procession.ipc.carry import Parcel
    from procession.process.exits import Exit
    from procession.process.handle import Handle
    from procession.process.process import Process

    Order = tuple[tuple[Process, ...], tuple[Process, ...], tuple[Process, ...]]
    Listener = Callable[[Any], None]  # called with the Handle, or the Waiting that gave up

# Who waits for processes that have not been started yet; not in the objects, which travel to children.
_early: weakref.WeakKeyDictionary[Process, list[Listener]] = weakref.WeakKeyDictionary()


@record
class End:
    """How one of those ended that somebody waits for; an ``exit`` of None: it was never started."""

    name: str
    exit: Exit | None

    @property
    def well(self) -> bool:
        """Code 0."""
        return self.exit is not None and self.exit.code == 0

    @property
    def words(self) -> str:
        """To follow its name."""
        return self.exit.reason if self.exit is not None else "was not started itself"


def decide(well: list[End | None], anyhow: list[End | None], badly: list[End | None]) -> End | bool:
    """True: go.  False: wait on.  An End: give up because of this one.  None stands for one that still runs.

    Each list are ends that are wanted in that way, all of them; giving up does not wait for the others.
    """
    for end in well:
        if end is not None and not end.well:
            return end
    for end in badly:
        if end is not None and end.well:
            return end
    return None not in (*well, *anyhow, *badly)


def wait_for(process: Process, order: Order) -> Waiting:
    """Prepare to start ``process`` when the others are as it wants them: the stand-in for its handle."""
    for others in order:
        for other in others:
            if not hasattr(other, "_options"):
                raise TypeError(f"{other!r} is no process of procession: nothing can be started after it")
    ending.arrange()
    return Waiting(process, order, _starter(process))


def when_over(process: Process, listener: Listener) -> None:
    """Call ``listener(handle)`` when the process has ended or cannot start, also if it is not started yet."""
    with reaper.lock():
        handle = process._popen
        if handle is None:
            _early.setdefault(process, []).append(listener)
            return
    handle.on_end(listener)


def begun(process: Process, handle: Handle | Waiting) -> None:
    """It has been started: those who wait for it can listen now."""
    for listener in _early.pop(process, ()):
        handle.on_end(listener)


class Waiting:
    """In the place of a Handle while its process waits, and for good when it is never started."""

    method = ""
    pid = None
    exit = None
    returncode = None
    message = None

    def __init__(self, process: Process, order: Order, starter: _Starter) -> None:
        self.name = process.name
        self.failure: NotStarted | None = None
        self._process: Process | None = process
        self._order: Order | None = order
        self._starter = starter
        # Kept until it starts: what it is given, for the books of who holds which end.
        self._given = [process, process._target, process._args, process._kwargs]  # type: ignore[attr-defined]
        self._real: Handle | None = None
        self._decided = threading.Event()
        self._listeners: list[Listener] = []

    @property
    def pending(self) -> bool:
        """Still waiting."""
        return self.failure is None

    def listen(self) -> None:
        """Begin to wait; it may be over at once."""
        for other in {other for others in self._order or () for other in others}:
            when_over(other, self.consider)

    def consider(self, _handle: object = None) -> None:
        """One of the others has ended: go, give up, or wait on."""
        with reaper.lock():
            if self._order is None:
                return
            verdict = decide(*([_end_of(other) for other in others] for others in self._order))
            if verdict is False:
                return
            self._order = None  # nobody else decides
        if isinstance(verdict, End):
            self._give_up(DependencyFailed(self.name, verdict.name, verdict.words, verdict.exit))
        else:
            self._go()

    def terminate(self) -> None:
        """Do not start it."""
        with reaper.lock():
            if self._order is None:
                return
            self._order = None
        self._give_up(NotStarted(self.name, "it was terminated before that"))

    kill = interrupt = terminate

    def send_signal(self, signum: int, _why: str = "") -> None:
        """As for a process that would end by it."""
        if signum in (signal.SIGTERM, signal.SIGKILL, signal.SIGINT):
            self.terminate()

    def parent_is_leaving(self) -> None:
        """At the exit of this process: wait on, unless it would be for ever."""
        for other in (other for others in self._order or () for other in others):
            if other._popen is None:
                with reaper.lock():
                    if self._order is None:
                        return
                    self._order = None
                self._give_up(DependencyFailed(self.name, other.name, "was never started"))
                return

    def poll(self, _flag: int = os.WNOHANG) -> int | None:
        """The exit code, if it has been started and has ended by now."""
        return self._real.poll() if self._real is not None else None

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the start and then for the end."""
        until = None if timeout is None else time.monotonic() + timeout
        # Nobody but the reaper may be there to notice the ends that we wait for.
        if not self._decided.wait(timeout) or self._real is None:
            return None
        return self._real.wait(None if until is None else max(until - time.monotonic(), 0))

    def on_end(self, listener: Listener) -> None:
        """As for a Handle; giving up is an end too."""
        with reaper.lock():
            real = self._real
            if real is None and self.failure is None:
                self._listeners.append(listener)
                return
        if real is not None:
            real.on_end(listener)
        else:
            listener(self)

    def state(self) -> str:
        """``waiting for first, second`` or ``not started: ...``."""
        if self.failure is not None:
            return f"not started: {self.failure.why}"
        names = [other.name for others in self._order or () for other in others if _end_of(other) is None]
        return f"waiting for {', '.join(names)}" if names else "about to start"

    def close(self) -> None:
        """Nothing is held."""

    def _go(self) -> None:
        try:
            self._starter.go(self._adopt)
        except Exception as error:
            self._give_up(NotStarted(self.name, f"{type(error).__name__}: {error}"))

    def _adopt(self, handle: Handle) -> None:
        process, self._process = self._process, None
        assert process is not None
        with reaper.lock():
            self._real = handle
            listeners, self._listeners = self._listeners, []
        process._begun(handle)
        note_handed(self._given, handle.sentinel)
        self._given = []
        for listener in listeners:
            handle.on_end(listener)
        self._decided.set()

    def _give_up(self, failure: NotStarted) -> None:
        self._starter.cancel()
        with reaper.lock():
            self.failure = failure
            self._process = None
            self._given = []
            listeners, self._listeners = self._listeners, []
        self._decided.set()
        for listener in listeners:
            listener(self)


class _Starter:
    """How one that waits is started in time, or not."""

    def go(self, begun: Callable[[Handle], None]) -> None:
        raise NotImplementedError

    def cancel(self) -> None:
        raise NotImplementedError


class _Packed(_Starter):
    """By spawn or fork server: all is packed, whoever comes can send it off."""

    def __init__(self, process: Process, method: str) -> None:
        from procession.process.baggage import pack_up

        self._method = method
        self._name, self._options = process.name, process._options
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        self._parcel: Parcel | None = pack_up(process, mask, environment=True)

    def go(self, begun: Callable[[Handle], None]) -> None:
        if self._method == "spawn":
            from procession.process.spawned import launch_packed
        else:
            from procession.process.served import launch_packed
        assert self._parcel is not None
        launch_packed(self._parcel, self._name, self._options, begun)
        self.cancel()

    def cancel(self) -> None:
        parcel, self._parcel = self._parcel, None
        if parcel is not None:
            parcel.close()


class _Held(_Starter):
    """By fork: the child exists and reads from a pipe; a byte is the word to go, an end of file to leave."""

    def __init__(self, process: Process) -> None:
        from procession.process.forked import launch_gated

        read_fd, self._write_fd = os.pipe2(os.O_CLOEXEC)
        write_fd = self._write_fd

        def gate() -> None:
            os.close(write_fd)
            if not os.read(read_fd, 1):
                os._exit(0)
            os.close(read_fd)

        try:
            self._handle = launch_gated(process, gate, lambda _handle: None)
        except BaseException:
            os.close(write_fd)
            raise
        finally:
            os.close(read_fd)
        self._handle.deadline = None  # its time begins when it may go

    def go(self, begun: Callable[[Handle], None]) -> None:
        handle = self._handle
        begun(handle)
        try:
            os.write(self._write_fd, b"g")
        except BrokenPipeError:
            pass  # somebody has killed it: its exit says so
        self._close()
        if handle.options.timeout is not None:
            handle.deadline = time.monotonic() + handle.options.timeout
            reaper.reschedule()

    def cancel(self) -> None:
        if self._write_fd >= 0:
            self._close()
            self._handle.kill()
            self._handle.wait()
            self._handle.close()

    def _close(self) -> None:
        os.close(self._write_fd)
        self._write_fd = -1


def _starter(process: Process) -> _Starter:
    method = process._method()
    return _Held(process) if method == "fork" else _Packed(process, method)


def _end_of(process: Process) -> End | None:
    handle = process._popen
    if handle is None:
        # Never started; or closed, and then it had ended well or badly, which nobody can tell any more.
        return End(process.name, None) if process._closed else None  # type: ignore[attr-defined]
    if handle.failure is not None:
        return End(process.name, None)
    return End(process.name, handle.exit) if handle.exit is not None else None
