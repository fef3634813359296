"""A world without processes: it obeys the orders of a Supervision, and its clock goes when told to.

``world.log`` holds what was done, in order: ``start a``, ``term a``, ``kill a``.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from procession.process.childspec import Backoff, ChildSpec, Rules
from procession.process.exits import exit_of
from procession.process.orders import Answer, Down, Kill, Launch, Order, Tell, Terminate, Up
from procession.process.restarts import End, end_of
from procession.process.status import ChildStatus
from procession.process.supervision import Supervision

AT_ONCE = Backoff(delay=0, cap=0, jitter=0)


def target(*_: object, **__: object) -> None:
    """Stands for what a child does; nothing ever runs here."""


def child(id: str, restart: str = "permanent", **more: Any) -> ChildSpec:
    return ChildSpec(id, target, restart=restart, **more)


def ended(code: int = 0, signal: int = 0) -> End:
    from procession.linux.pidfd import Status

    return end_of(exit_of(Status(1, None if signal else code, signal or None)))


class World:
    """``broken``: children that do not start; ``deaf``: that ignore SIGTERM; ``slow``: that take their time
    to end after it; ``ignored``: for whom the launcher has nothing to run."""

    def __init__(self, *specs: ChildSpec, draw: float = 0.0, **rules: Any) -> None:
        rules.setdefault("backoff", AT_ONCE)
        self.core = Supervision("supervisor", Rules(**rules), specs, lambda: draw)
        self.now = 0.0
        self.log: list[str] = []
        self.told: list[Tell] = []
        self.pids: dict[str, int] = {}
        self.broken: set[str] = set()
        self.deaf: set[str] = set()
        self.slow: set[str] = set()
        self.ignored: set[str] = set()
        self.answers: dict[object, Answer] = {}
        self.up = False
        self.down: Down | None = None
        self._tokens = 0
        self._pid = 100

    # -- what happens ------------------------------------------------------------------------------

    def start(self) -> World:
        self.obey(self.core.start(self.now))
        return self

    def stop(self) -> None:
        self.obey(self.core.stop(self.now))

    def exit(self, child: str, code: int = 0, signal: int = 0) -> None:
        del self.pids[child]
        self.obey(self.core.exited(child, ended(code, signal), self.now))

    def say_ready(self, child: str, info: object = None) -> None:
        self.obey(self.core.ready(child, info, self.now))

    def wait(self, seconds: float) -> None:
        """Let time pass, waking the core whenever it wants to be woken."""
        end = self.now + seconds
        while (wake := self.core.wakes_at()) is not None and wake <= end:
            self.now = max(self.now, wake)
            self.obey(self.core.tick(self.now))
        self.now = end

    def ask(self, what: str, *args: Any) -> object:
        """A request: its token, under which the answer is found once there is one."""
        self._tokens += 1
        self.obey(getattr(self.core, what)(self._tokens, *args, self.now))
        return self._tokens

    def get(self, what: str, *args: Any) -> str:
        """A request that is answered at once: the child's name, or the error is raised."""
        answer = self.answers[self.ask(what, *args)]
        if answer.error is not None:
            raise answer.error
        return answer.child

    def obey(self, orders: list[Order]) -> None:
        todo = deque(orders)
        while todo:
            todo.extend(self._obey(todo.popleft()))

    def _obey(self, order: Order) -> list[Order]:
        match order:
            case Launch(spec):
                return self._launch(spec)
            case Terminate(child):
                self.log.append(f"term {child}")
                if child not in self.deaf | self.slow:
                    return self._ends(child, 15)
            case Kill(child):
                self.log.append(f"kill {child}")
                return self._ends(child, 9)
            case Answer(token):
                assert token not in self.answers, "answered twice"
                self.answers[token] = order
            case Tell():
                self.told.append(order)
            case Up():
                assert not self.up
                self.up = True
            case Down():
                assert self.down is None
                assert not self.pids, "somebody is left"
                self.down = order
        return []

    def _launch(self, spec: ChildSpec) -> list[Order]:
        self.log.append(f"start {spec.id}")
        assert spec.id not in self.pids, "started twice"
        if spec.id in self.broken:
            return self.core.not_launched(spec.id, End(well=False, words="could not be started"), self.now)
        if spec.id in self.ignored:
            return self.core.ignored(spec.id, self.now)
        self._pid += 1
        self.pids[spec.id] = self._pid
        return self.core.launched(spec.id, self._pid, self.now)

    def _ends(self, child: str, signal: int) -> list[Order]:
        if self.pids.pop(child, None) is None:
            return []
        return self.core.exited(child, ended(signal=signal), self.now)

    # -- what there is -----------------------------------------------------------------------------

    def __getitem__(self, child: str) -> ChildStatus:
        return {status.id: status for status in self.core.children(self.now)}[child]

    @property
    def states(self) -> dict[str, str]:
        return {status.id: status.state for status in self.core.children(self.now)}

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Specs, active, supervisors, workers."""
        counts = self.core.counts()
        return counts.specs, counts.active, counts.supervisors, counts.workers

    def is_over(self) -> bool:
        """Has it ended?"""
        return self.down is not None

    def is_up(self) -> bool:
        """Have all children been started?"""
        return self.up

    def news(self) -> list[str]:
        """The log since the last call."""
        log, self.log = self.log, []
        return log
