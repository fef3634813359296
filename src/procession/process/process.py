"""``Process``: what ``multiprocessing.Process`` is, and what its users have been missing.

::

    with limits, a deadline, and the outcome in the parent:

        p = Process(target=work, args=(1, 2), timeout=60, limits=Limits(memory=2**30))
        p.start()
        value = p.result()          # what work returned, or its exception, raised here
        print(p.exit.reason, p.exit.cpu_seconds, p.exit.peak_memory)

    in order:

        second = Process(target=pack, after=[first])       # starts when first has ended well

A child is reaped when it ends, joined or not, and ends when its parent does, however that ends.
"""

# ruff: noqa: SLF001 - the parts of one Process, and what multiprocessing keeps private

from __future__ import annotations

import os
import signal
from multiprocessing import process as _process
from multiprocessing.process import BaseProcess

from procession.ipc.given import note_handed
from procession.process.options import DIE, checked
from procession.process.order import Waiting, begun, wait_for
from procession.process.tree import new_mark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping
    from typing import Any, Self

    from procession.process.context import DefaultContext
    from procession.process.exits import Exit
    from procession.process.handle import Handle
    from procession.process.options import Limits
    from procession.process.stats import ProcessStats


class Process(BaseProcess):
    """A function in a process of its own; the start method is that of the default context.

    Beyond ``multiprocessing.Process``:

    - ``timeout``: seconds from the start; then SIGTERM, and ``grace`` seconds later SIGKILL.
    - ``limits``: see ``Limits``.
    - ``orphans``: ``"die"``, or ``"keep"`` to let it outlive this process (then nobody waits for it at exit).
    - ``after``, ``after_any``, ``after_failed``: processes (one or several) all of which must have ended
      before this one begins: well (code 0); in whatever way; badly.
    """

    _start_method: str | None = None
    _popen: Handle | Waiting | None
    _parent_pid: int
    _name: str
    _mark: str  # of the tree that it is the root of

    def __init__(
        self,
        group: None = None,
        target: Callable[..., object] | None = None,
        name: str | None = None,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] = {},
        *,
        daemon: bool | None = None,
        timeout: float | None = None,
        grace: float = 5.0,
        limits: Limits | None = None,
        orphans: str = DIE,
        after: Process | Iterable[Process] = (),
        after_any: Process | Iterable[Process] = (),
        after_failed: Process | Iterable[Process] = (),
    ) -> None:
        super().__init__(group, target, name, args, kwargs, daemon=daemon)
        self._options = checked(timeout, grace, limits, orphans)
        self._order = (_several(after), _several(after_any), _several(after_failed))

    # ── the contract of multiprocessing ───────────────────────────────────────────────────────────

    def run(self) -> Any:
        """What happens in the child; a subclass may override it.  ``result`` gives what it returns."""
        if self._target:  # type: ignore[attr-defined]
            return self._target(*self._args, **self._kwargs)  # type: ignore[attr-defined]
        return None

    def start(self) -> None:
        """Start the child; with ``after``, have it started in time.  Daemons may have children too."""
        self._check_closed()  # type: ignore[attr-defined]
        assert self._popen is None, "cannot start a process twice"
        assert self._parent_pid == os.getpid(), "can only start a process object created by current process"
        order, self._order = self._order, ((), (), ())  # other processes are not for the child
        self._mark = new_mark()
        if any(order):
            waiting = wait_for(self, order)
            self._begun(waiting)
            waiting.listen()
        else:
            handle = self._Popen(self)
            if self._popen is None:  # a subclass with a _Popen of its own
                self._begun(handle)
            note_handed([self], handle.sentinel)
        del self._target, self._args, self._kwargs  # type: ignore[attr-defined]  # (bpo-30775)

    def _begun(self, handle: Handle | Waiting) -> None:
        """The child exists: from here on it is written down.  Called while signals are held."""
        self._popen = handle
        _process._children.add(self)  # type: ignore[attr-defined]
        if not isinstance(handle, Waiting):
            self._sentinel = handle.sentinel
            handle.mark = self._mark
        handle.on_end(_Forgotten(self))
        begun(self, handle)

    @classmethod
    def _method(cls) -> str:
        return cls._start_method or str(cls._defaults().get_start_method())

    @staticmethod
    def _defaults() -> DefaultContext:
        from procession.process.context import default_context

        return default_context

    @staticmethod
    def _Popen(process: Process) -> Handle:  # noqa: N802  (its name in multiprocessing)
        return launcher(process._method())(process)

    def join(self, timeout: float | None = None, check: bool = False) -> None:
        """Wait for the end, at most ``timeout`` seconds; ``check``: raise what ``result`` would raise.

        One that still runs after ``timeout`` raises nothing.
        """
        super().join(timeout)
        if check:
            from procession.process.outcome import check_end

            check_end(self)

    def is_alive(self) -> bool:
        """Does it run?  Not while it waits for others."""
        if isinstance(self._popen, Waiting):
            self._check_closed()  # type: ignore[attr-defined]
            return False
        return super().is_alive()

    def close(self) -> None:
        """Give back what is held for the process; raises ValueError while it runs."""
        if isinstance(self._popen, Waiting):
            if self._popen.pending:
                raise ValueError("Cannot close a process that is still to be started: terminate() it first")
            self._popen = None
        super().close()

    def __repr__(self) -> str:
        if isinstance(self._popen, Waiting):
            return (
                f"<{type(self).__name__} name={self._name!r} parent={self._parent_pid} {self._popen.state()}>"
            )
        return super().__repr__()

    def terminate(self, tree: bool = False, grace: float | None = None) -> None:
        """SIGTERM.  With ``grace`` also wait for the end, and SIGKILL after that many seconds.

        ``tree``: it and everything that descends from it, sessions of their own and daemons included; see
        tree.py for what can escape.  ``grace`` is then 5 seconds unless it is given.
        """
        self._check_closed()  # type: ignore[attr-defined]
        assert self._popen is not None, "can only terminate a started process"
        if tree and not isinstance(self._popen, Waiting):
            from procession.process.tree import end_tree

            end_tree(self._popen, 5.0 if grace is None else grace)
            return
        self._popen.terminate()
        if grace is not None and self._popen.wait(grace) is None:
            self._popen.kill()
            self._popen.wait()

    def interrupt(self) -> None:
        """SIGINT, as by Ctrl-C: a KeyboardInterrupt in the child, unless it handles the signal."""
        self._check_closed()  # type: ignore[attr-defined]
        assert self._popen is not None, "can only interrupt a started process"
        self._popen.interrupt()

    # ── beyond it ─────────────────────────────────────────────────────────────────────────────────

    @property
    def exit(self) -> Exit | None:
        """How it ended; None while it runs, before it starts, and when it was never started."""
        if self._popen is None:
            return None
        self._popen.poll()
        return self._popen.exit

    def result(self, timeout: float | None = None) -> Any:
        """What ``run`` returned; waits for it.

        Raises what ``run`` raised, with the remote traceback as its cause (RemoteError when it does not
        pickle or unpickle); ProcessDied when the process was killed or called ``sys.exit``;
        DependencyFailed when it was not started; TimeoutError when it still runs after ``timeout`` s.
        """
        from procession.process.outcome import result_of

        self.join(timeout)
        return result_of(self, timeout)

    @property
    def state(self) -> str:
        """In words: what the kernel says of it while it runs, else what has become of it."""
        from procession.process.stats import state_of

        return state_of(self)

    def stats(self) -> ProcessStats:
        """State, CPU seconds, memory and threads of a running process.  Raises NoSuchProcess."""
        from procession.process.stats import stats_of

        return stats_of(self)

    def suspend(self) -> None:
        """Stop it where it is (SIGSTOP) until ``resume``; its timeout goes on."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self._running().send_signal(signal.SIGCONT)

    def __await__(self) -> Generator[Any, None, Any]:
        """``await p`` is ``p.result()`` without blocking the event loop; starts nothing."""
        from procession.process.awaiting import outcome_of

        return outcome_of(self).__await__()

    async def __aenter__(self) -> Self:
        """Start it, unless it has been started."""
        if self._popen is None:
            self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Wait for its end; after an exception or a cancellation, end it first."""
        from procession.process.awaiting import ended

        if kind is not None:
            self.terminate()
        await ended(self, self._options.grace if kind is not None else None)

    def _running(self) -> Handle | Waiting:
        self._check_closed()  # type: ignore[attr-defined]
        assert self._popen is not None, "the process has not been started"
        return self._popen


class ForkProcess(Process):
    """Always by fork."""

    _start_method = "fork"


class SpawnProcess(Process):
    """Always a fresh interpreter."""

    _start_method = "spawn"

    @staticmethod
    def _after_fork() -> None:
        """Nothing was copied, so there is nothing to put right."""


class ForkServerProcess(Process):
    """Always by the fork server."""

    _start_method = "forkserver"


class _Forgotten:
    """When the process has ended, it is no active child any more."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def __call__(self, _handle: object) -> None:
        _process._children.discard(self._process)  # type: ignore[attr-defined]


def launcher(method: str) -> Callable[[Process], Handle]:
    """How a process is started by this method."""
    if method == "fork":
        from procession.process.forked import launch as by_fork

        return by_fork
    if method == "spawn":
        from procession.process.spawned import launch as by_spawn

        return by_spawn
    from procession.process.served import launch as by_server

    return by_server


def _several(given: Process | Iterable[Process]) -> tuple[Process, ...]:
    return (given,) if isinstance(given, BaseProcess) else tuple(given)
