"""``Supervisor``: children that are started in order, kept running, and stopped in reverse order.

::

    def web(port): ...

    supervisor = Supervisor(
        [ChildSpec("db", database, ready=True), ChildSpec("web", web, args=(8080,))],
        strategy="rest_for_one", max_restarts=3, within=60,
    )
    supervisor.run()            # in the foreground, until SIGTERM or Ctrl-C
    with supervisor: ...        # in the background, as long as the block runs

The rules are those of Erlang/OTP; docs/how-to/supervise.md has them in a table.
"""

from __future__ import annotations

import os
import threading
from multiprocessing import util

from procession.errors import SupervisorError
from procession.process.childspec import Backoff, ChildSpec, Rules, check_rules, check_specs
from procession.process.ready import ready
from procession.process.supervisor_loop import Happening, Loop, Node, Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Any, Self

    from procession.process.status import ChildStatus, Counts, SupervisorStatus

    Launcher = Callable[[ChildSpec, Callable[..., None], tuple[Any, ...]], Any]

__all__ = ["Backoff", "ChildSpec", "Happening", "Supervisor", "ready"]

_BACKOFF = Backoff()


class Supervisor:
    """Keeps ``children`` running: ChildSpecs, and Supervisors, which form a tree.

    ``strategy``: whom to restart with a child that failed: nobody else (``one_for_one``), all
    (``one_for_all``), or those that were started after it (``rest_for_one``).  With
    ``simple_one_for_one`` there is one ChildSpec, the pattern of all children; see ``start_one_more``.

    ``max_restarts`` within any ``within`` seconds; one more, and the supervisor stops all children in
    reverse order and fails with RestartLimitReached.  In a tree that is the bad end of a child for the
    supervisor above.

    ``auto_shutdown``: end in order when ``any_significant`` child has ended by itself, or the last of them
    (``all_significant``); or ``never``.

    ``on_event(happening)`` is called for whatever happens to a child, in the thread of the supervisor.

    ``launcher(spec, target, args)`` starts a process and returns it (with ``pid``, ``sentinel``,
    ``exitcode``, ``terminate``, ``kill``, ``join``, ``close``), or returns None when there is nothing to
    run; by default a Process of the spec's start method.

    Any thread may call the methods; one thread, one ``poll`` does the work.  All children end with the
    process that runs their supervisor, however it ends.
    """

    def __init__(
        self,
        children: Iterable[ChildSpec | Supervisor] = (),
        *,
        strategy: str = "one_for_one",
        max_restarts: int = 1,
        within: float = 5.0,
        auto_shutdown: str = "never",
        backoff: Backoff = _BACKOFF,
        name: str = "supervisor",
        on_event: Callable[[Happening], None] | None = None,
        launcher: Launcher | None = None,
    ) -> None:
        self.name = name
        self.rules = check_rules(Rules(strategy, max_restarts, within, auto_shutdown, backoff))
        self.specs = check_specs([_spec(child) for child in children], self.rules)
        self.on_event = on_event
        self.launcher: Launcher = launcher if launcher is not None else launch
        self.node: Node | None = None
        self._loop: Loop | None = None
        self._thread: threading.Thread | None = None
        self._at_exit: Any = None

    # -- the whole ---------------------------------------------------------------------------------

    def run(self) -> None:
        """Start all children and keep them running, until ``stop`` or a signal; in this thread.

        In the main thread SIGTERM and SIGINT stop the children in reverse order; a second one kills them.
        Raises ChildStartFailed, RestartLimitReached.
        """
        self._new_loop().run()
        self._raise_cause()

    def start(self) -> Self:
        """Start all children, and keep them running in the background; returns when all have started.

        Raises ChildStartFailed: those that had started are stopped again.
        """
        loop = self._new_loop()
        self._at_exit = util.Finalize(None, self._stop_at_exit, exitpriority=100)
        self._thread = threading.Thread(target=_run_quietly, args=(loop,), name=self.name, daemon=True)
        self._thread.start()
        try:
            loop.up.wait()
        except BaseException:  # Ctrl-C: nobody has the supervisor yet who could stop it
            self.stop(now=True)
            raise
        if loop.over.is_set():
            self._finish()
        return self

    def stop(self, *, now: bool = False) -> None:
        """Stop all children in reverse order, and wait for that; ``now``: kill them at once instead.

        Raises what the supervisor had failed of before.  A supervisor inside another one is stopped with
        ``terminate_child`` of that one.
        """
        if self.node is not None and self.node.above is not None and self._running_loop() is not None:
            around = self.node.above[0].supervisor.name
            raise SupervisorError(f"{self.name} is a child of {around}: terminate_child of that one stops it")
        loop = self._loop
        if loop is None:
            return
        self._check_process(loop)
        try:
            loop.post(Request(self, "stop_now" if now else "stop", ()))
        except SupervisorError:
            pass  # it has ended already
        if loop.thread != threading.get_ident():  # on_event may ask for it, and not wait
            loop.over.wait()
            self._finish()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the supervisor has ended: True; False after ``timeout`` seconds.

        Raises RestartLimitReached when that is why.
        """
        loop = self._loop
        if loop is None:
            return True
        if not loop.over.wait(timeout):
            return False
        self._finish()
        return True

    def __enter__(self) -> Self:
        """The same as ``start``."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Stop it; after an exception in the block only that one is raised."""
        try:
            self.stop()
        except SupervisorError:
            if kind is None:
                raise

    # -- its children ------------------------------------------------------------------------------

    def status(self) -> SupervisorStatus:
        """How all are doing; ``print(supervisor.status())`` shows a table."""
        return self._ask_now("status")  # type: ignore[no-any-return]

    def count_children(self) -> Counts:
        """How many specs there are, how many children run, and how many are supervisors and workers."""
        return self._ask_now("counts")  # type: ignore[no-any-return]

    def get_childspec(self, child: str) -> ChildSpec:
        """The spec of a child.  Raises NoSuchChild."""
        return self._ask_now("spec", child)  # type: ignore[no-any-return]

    def start_child(self, child: ChildSpec | Supervisor) -> ChildStatus | None:
        """Add a child at the end of the order and start it; waits until it is ready.

        Its status; None if it has ended again and is forgotten (a temporary one).
        Raises ChildBusy (its name is taken), ChildStartFailed.
        """
        return self._ask("start_child", _spec(child))  # type: ignore[no-any-return]

    def start_one_more(self, *args: Any, **kwargs: Any) -> ChildStatus | None:
        """simple_one_for_one: start a child with these arguments after those of the pattern."""
        return self._ask("start_one_more", args, kwargs)  # type: ignore[no-any-return]

    def terminate_child(self, child: str) -> None:
        """Stop a child and wait for its end.  It stays down until ``restart_child`` (or a group restart).

        Raises NoSuchChild.
        """
        self._ask("terminate_child", child)

    def restart_child(self, child: str) -> ChildStatus | None:
        """Start a child that is down.  Raises NoSuchChild, ChildBusy, ChildStartFailed."""
        return self._ask("restart_child", child)  # type: ignore[no-any-return]

    def delete_child(self, child: str) -> None:
        """Forget a child that is down.  Raises NoSuchChild, ChildBusy."""
        self._ask("delete_child", child)

    # -- below -------------------------------------------------------------------------------------

    def _new_loop(self) -> Loop:
        if self._running_loop() is not None:
            raise SupervisorError(f"{self.name} is running already")
        self._loop = Loop(self)
        return self._loop

    def _running_loop(self) -> Loop | None:
        """The loop that this supervisor runs in, its own or that of one around it."""
        loop = self.node.loop if self.node is not None else None
        return loop if loop is not None and not loop.over.is_set() else None

    def _ask(self, what: str, *args: Any) -> Any:
        loop = self._running_loop()
        if loop is None:
            raise SupervisorError(f"{self.name} is not running")
        self._check_process(loop)
        if loop.thread == threading.get_ident():
            raise SupervisorError(f"{what}: on_event cannot wait for what its own thread would have to do")
        request = Request(self, what, args)
        loop.post(request)
        request.done.wait()
        if request.error is not None:
            raise request.error
        return request.value

    def _ask_now(self, what: str, *args: Any) -> Any:
        """A question, which also has an answer when nothing runs."""
        loop = self._running_loop()
        if loop is not None and loop.thread != threading.get_ident() and loop.pid == os.getpid():
            try:
                return self._ask(what, *args)
            except SupervisorError:
                if not loop.over.wait(0):
                    raise
        node = self.node if self.node is not None else Node(self)
        return node.question(what, *args)

    def _check_process(self, loop: Loop) -> None:
        if loop.pid != os.getpid():
            raise SupervisorError(f"{self.name} belongs to process {loop.pid}, and this is {os.getpid()}")

    def _finish(self) -> None:
        """It has ended: clean up after it, and raise what it failed of."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._at_exit is not None:
            self._at_exit.cancel()
            self._at_exit = None
        self._raise_cause()

    def _raise_cause(self) -> None:
        if self._loop is not None and self._loop.cause is not None:
            raise self._loop.cause

    def _stop_at_exit(self) -> None:
        try:
            self.stop()
        except SupervisorError as error:
            import sys

            print(f"procession: {error}", file=sys.stderr)  # noqa: T201  (nobody has asked for it until now)


def launch(spec: ChildSpec, target: Callable[..., None], args: tuple[Any, ...]) -> Any:
    """The usual launcher: a Process of the spec's start method."""
    from procession.process.context import get_context

    process = get_context(spec.start_method).Process(target=target, args=args, name=spec.id)
    process.start()
    return process


def _spec(child: ChildSpec | Supervisor) -> ChildSpec:
    if isinstance(child, Supervisor):
        return ChildSpec(child.name, child, type="supervisor")
    return child


def _run_quietly(loop: Loop) -> None:
    try:
        loop.run()
    except Exception:  # in ``cause``; whoever stops or waits for the supervisor gets it
        return
