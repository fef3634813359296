"""The loop below a ``Supervisor``: one thread and one poll for a whole tree of supervisors.

::

    pidfds of the children ──┐
    their ready() pipes ─────┤                  ┌─ Node (Supervision) ──▶ orders: Launch, Terminate, Kill
    wake-up pipe: requests ──┼──▶ poll ──▶ event ─┤
      of other threads,      │   (timeout: the  └─ Node of a supervisor inside, whose Up and Down are
      signals                │    next timer)      events of the Node above
                             ┘

It wakes up for an event or a timer, never to look around.  All rules are in ``supervision.py``.
"""

from __future__ import annotations

import os
import random
import select
import threading
import time
from collections import deque

from procession.errors import SupervisorError
from procession.process.exits import exit_of
from procession.process.orders import Answer, Down, Kill, Launch, Tell, Terminate, Up
from procession.process.ready import Ear, live
from procession.process.restarts import End, end_of
from procession.process.signals import Signals
from procession.process.status import SupervisorStatus
from procession.process.supervision import Supervision
from procession.records import record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from procession.process.childspec import ChildSpec
    from procession.process.exits import Exit
    from procession.process.orders import Order
    from procession.process.status import ChildStatus
    from procession.process.supervisor import Supervisor

_LONGEST = 2**31 - 1  # milliseconds: poll(2) takes them as a C int


@record
class Happening:
    """What ``on_event`` is told: ``str(happening)`` is a line for a log.

    ``what``: started, ready, late, failed, ended, restarting, stopping, killing, significant, giving up.
    """

    supervisor: str
    child: str
    what: str
    words: str

    def __str__(self) -> str:
        return f"{self.supervisor}: {self.child} {self.what}" + (f": {self.words}" if self.words else "")


class Request:
    """What another thread asks of the loop, and where it finds the answer."""

    def __init__(self, supervisor: Supervisor, what: str, args: tuple[Any, ...]) -> None:
        self.supervisor = supervisor
        self.what = what
        self.args = args
        self.value: Any = None
        self.error: BaseException | None = None
        self.done = threading.Event()

    def answer(self, value: Any, error: BaseException | None = None) -> None:
        self.value, self.error = value, error
        self.done.set()


class _Held:
    """A running child: its process, and what is polled for it."""

    def __init__(self, process: Any, ear: Ear | None) -> None:
        self.process = process
        self.sentinel: int = process.sentinel
        self.ear = ear


class Node:
    """A supervisor while it runs."""

    def __init__(
        self, supervisor: Supervisor, loop: Loop | None = None, above: tuple[Node, str] | None = None
    ) -> None:
        self.supervisor = supervisor
        self.loop = loop
        self.above = above  # the supervisor around it, and what it is called there
        self.core = Supervision(supervisor.name, supervisor.rules, supervisor.specs, random.random)
        self.held: dict[str, _Held | Node] = {}

    def children(self, now: float) -> tuple[ChildStatus, ...]:
        found = []
        for status in self.core.children(now):
            held = self.held.get(status.id)
            found.append(replace(status, children=held.children(now)) if isinstance(held, Node) else status)
        return tuple(found)

    def status(self, now: float) -> SupervisorStatus:
        rules = self.core.rules
        return SupervisorStatus(self.core.name, rules.strategy, self.core.state, self.children(now))

    def question(self, what: str, *args: Any) -> Any:
        """``status``, ``counts`` or ``spec``."""
        return self.status(_now()) if what == "status" else getattr(self.core, what)(*args)

    def __iter__(self) -> Iterator[Node]:
        """It and all supervisors inside."""
        yield self
        for held in list(self.held.values()):
            if isinstance(held, Node):
                yield from held


class Loop:
    """Everything here but ``post`` belongs to the thread that calls ``run``."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.pid = os.getpid()
        self.thread = 0
        self.up = threading.Event()  # all have started, or it is over
        self.over = threading.Event()
        self.cause: BaseException | None = None
        self._lock = threading.Lock()
        self._inbox: deque[Request] = deque()
        self._closed = False
        self._todo: deque[tuple[Node, Order]] = deque()
        self._poll = select.poll()
        self._watched: dict[int, Callable[[], None]] = {}
        self._ears: dict[int, Callable[[], None]] = {}
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._poll.register(self._wake_read, select.POLLIN)
        self.root = supervisor.node = Node(supervisor, self)

    def post(self, request: Request) -> None:
        """Ask; from any thread.  Raises SupervisorError when it is too late."""
        with self._lock:
            if self._closed:
                raise SupervisorError(f"{request.supervisor.name} is not running")
            self._inbox.append(request)
            try:
                os.write(self._wake_write, b"!")
            except BlockingIOError:
                return  # full: it will wake up anyway

    # -- the loop ----------------------------------------------------------------------------------

    def run(self) -> None:
        """Until the supervisor has ended; what it failed of is in ``cause``."""
        self.thread = threading.get_ident()
        signals = Signals(self._wake_write)
        try:
            self._do(self.root, self.root.core.start(_now()))
            seen = 0
            while self.root.core.state != "ended":
                self._turn()
                if signals.count > seen:  # the second one means: now
                    stop = self.root.core.stop if not seen and signals.count == 1 else self.root.core.stop_now
                    seen = signals.count
                    self._do(self.root, stop(_now()))
        except BaseException as error:
            self.cause = error
            raise
        finally:
            signals.close()
            self._close()

    def _turn(self) -> None:
        """Wait for something, and let the rules decide about it."""
        found = self._poll.poll(self._patience())
        ready = [fd for fd, _ in found]
        # What a child has said counts before its end, so that one which was ready has not failed to start.
        for table in (self._ears, self._watched):
            for fd, heard in [(fd, table[fd]) for fd in ready if fd in table]:
                if table.get(fd) is heard:  # else it was closed just now, and the number may be another's
                    heard()
        if self._wake_read in ready:
            self._take_requests()
        now = _now()
        for node in self.root:
            wake = node.core.wakes_at()
            if wake is not None and wake <= now:
                self._do(node, node.core.tick(now))

    def _patience(self) -> int | None:
        """Milliseconds until the next timer, rounded up; None for ever."""
        wakes = [wake for node in self.root if (wake := node.core.wakes_at()) is not None]
        if not wakes:
            return None
        return min(max(0, -int((_now() - min(wakes)) * 1000 // 1)), _LONGEST)

    def _close(self) -> None:
        for node in self.root:  # none, unless something went wrong here
            for held in node.held.values():
                if isinstance(held, _Held):
                    held.process.kill()
                    self._release(held)
        with self._lock:
            self._closed = True
            left, self._inbox = self._inbox, deque()
            os.close(self._wake_read)
            os.close(self._wake_write)
        for request in left:
            request.answer(None, SupervisorError(f"{request.supervisor.name} is not running"))
        self.over.set()
        self.up.set()

    # -- requests ----------------------------------------------------------------------------------

    def _take_requests(self) -> None:
        try:
            os.read(self._wake_read, 4096)
        except BlockingIOError:
            return
        while self._inbox:
            self._take(self._inbox.popleft())

    def _take(self, request: Request) -> None:
        node = request.supervisor.node
        assert node is not None
        now = _now()
        if request.what in ("stop", "stop_now"):
            self._do(node, getattr(node.core, request.what)(now))
            request.answer(None)
        elif request.what in ("status", "counts", "spec"):
            try:
                request.answer(node.question(request.what, *request.args))
            except SupervisorError as error:
                request.answer(None, error)
        else:
            self._do(node, getattr(node.core, request.what)(request, *request.args, now))

    # -- orders ------------------------------------------------------------------------------------

    def _do(self, node: Node, orders: list[Order]) -> None:
        """Obey, and what follows from that too."""
        busy = bool(self._todo)
        self._todo.extend((node, order) for order in orders)
        if busy:
            return  # further up the stack somebody is at it
        while self._todo:
            node, order = self._todo[0]
            match order:
                case Launch():
                    self._launch(node, order.spec)
                case Terminate():
                    self._end(node, order.child, now=False)
                case Kill():
                    self._end(node, order.child, now=True)
                case Answer():
                    self._answer(node, order)
                case Tell():
                    self._tell(node, order)
                case Up():
                    self._is_up(node)
                case Down():
                    self._is_down(node, order.cause)
            self._todo.popleft()

    def _launch(self, node: Node, spec: ChildSpec) -> None:
        if spec.type == "supervisor":
            supervisor: Any = spec.target
            inner = node.held[spec.id] = supervisor.node = Node(supervisor, self, (node, spec.id))
            self._do(node, node.core.launched(spec.id, self.pid, _now()))
            self._do(inner, inner.core.start(_now()))
            return
        ear = Ear() if spec.ready else None
        try:
            main = (ear.messenger if ear else None, spec.target, spec.args, spec.kwargs or {})
            process = node.supervisor.launcher(spec, live, main)
        except Exception as error:
            if ear is not None:
                ear.close()
            end = End(well=False, words=f"could not be started: {_words(error)}", cause=error)
            self._do(node, node.core.not_launched(spec.id, end, _now()))
            return
        if ear is not None:
            ear.launched()
        if process is None:
            if ear is not None:
                ear.close()
            self._do(node, node.core.ignored(spec.id, _now()))
            return
        held = node.held[spec.id] = _Held(process, ear)
        self._watch(held.sentinel, lambda: self._on_exit(node, spec.id), self._watched)
        if ear is not None:
            self._watch(ear.fd, lambda: self._on_ready(node, spec.id), self._ears)
        self._do(node, node.core.launched(spec.id, process.pid, _now()))

    def _end(self, node: Node, child: str, *, now: bool) -> None:
        held = node.held.get(child)
        if isinstance(held, Node):
            self._do(held, held.core.stop_now(_now()) if now else held.core.stop(_now()))
        elif held is not None:
            (held.process.kill if now else held.process.terminate)()

    def _answer(self, node: Node, answer: Answer) -> None:
        request = answer.token
        assert isinstance(request, Request)
        request.answer(node.core.child(answer.child, _now()), answer.error)

    def _tell(self, node: Node, tell: Tell) -> None:
        for listener in self._listeners(node):
            try:
                listener(Happening(node.core.name, tell.child, tell.what, tell.words))
            except Exception:  # who only watches must not bring the service down
                import traceback

                traceback.print_exc()

    def _listeners(self, node: Node) -> list[Callable[[Happening], None]]:
        """Its own, and those of the supervisors around it."""
        found = []
        at: Node | None = node
        while at is not None:
            if at.supervisor.on_event is not None:
                found.append(at.supervisor.on_event)
            at = at.above[0] if at.above is not None else None
        return found

    def _is_up(self, node: Node) -> None:
        if node.above is None:
            self.up.set()
        else:
            above, child = node.above
            self._do(above, above.core.ready(child, None, _now()))

    def _is_down(self, node: Node, cause: Exception | None) -> None:
        if node.above is None:
            self.cause = cause
            return
        above, child = node.above
        del above.held[child]
        words = "ended normally" if cause is None else f"failed: {cause}"
        self._do(above, above.core.exited(child, End(cause is None, words, None, cause), _now()))

    # -- children ----------------------------------------------------------------------------------

    def _watch(self, fd: int, heard: Callable[[], None], table: dict[int, Callable[[], None]]) -> None:
        table[fd] = heard
        self._poll.register(fd, select.POLLIN)

    def _on_ready(self, node: Node, child: str) -> None:
        held = node.held[child]
        assert isinstance(held, _Held)
        assert held.ear is not None
        said, info = held.ear.hear()
        self._deafen(held)
        if said:
            self._do(node, node.core.ready(child, info, _now()))

    def _on_exit(self, node: Node, child: str) -> None:
        held = node.held[child]
        assert isinstance(held, _Held)
        if held.ear is not None:  # its last words may have come after the poll
            self._on_ready(node, child)
        del node.held[child]
        exit = self._release(held)
        self._do(node, node.core.exited(child, end_of(exit), _now()))

    def _release(self, held: _Held) -> Exit:
        self._deafen(held)
        self._poll.unregister(held.sentinel)
        del self._watched[held.sentinel]
        held.process.join()
        exit = exit_from(held.process)
        held.process.close()
        return exit

    def _deafen(self, held: _Held) -> None:
        if held.ear is not None:
            self._poll.unregister(held.ear.fd)
            del self._ears[held.ear.fd]
            held.ear.close()
            held.ear = None


def exit_from(process: Any) -> Exit:
    """How a process ended: what it says itself, or what its exit code means (for those of others)."""
    exit: Exit | None = getattr(process, "exit", None)
    if exit is None:
        from procession.linux.pidfd import Status

        code = process.exitcode
        exit = exit_of(Status(process.pid, code if code >= 0 else None, -code if code < 0 else None))
    return exit


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _now() -> float:
    return time.monotonic()
