"""The rules of a supervisor: who is started, stopped and restarted when.  No process, no clock, no wait.

Each method is an event or a question.  An event takes the time ``now`` (seconds, of any clock that only
goes forward) and gives back the orders that follow from it (``orders.py``)::

    event ──▶ Supervision ──▶ Launch, Terminate, Kill, Answer, Tell, Up, Down
                 ▲    │
                 │    └─ wakes_at(): when tick() must be called, if nothing happens before
                 └─ launched, ready, exited: what came of the orders

What has to be done in order is a *batch*: first it stops its children one by one, the last first; then it
waits for its hour (the back-off); then it starts children one by one, the first first, each when the one
before is ready.  A start of everything, a restart of one child or of a group, a request of the user and
the final stop are all batches.  A child belongs to the batch that took it last; an older batch passes
over it.

Of Erlang/OTP's supervisor the rules are taken as they are documented.  There a group restart
(one_for_all, rest_for_one) starts every child of the group that is not temporary, also one that had ended
well or was terminated by hand; so it does here.
"""

from __future__ import annotations

import heapq

from procession.errors import (
    ChildBusy,
    ChildStartFailed,
    NoSuchChild,
    RestartLimitReached,
    SupervisorError,
)
from procession.process.childspec import check_rules, check_spec, check_specs
from procession.process.orders import Answer, Down, Kill, Launch, Order, Tell, Terminate, Up
from procession.process.restarts import End, Restarts
from procession.process.status import ChildStatus, Counts
from procession.process.supervised import (
    ALIVE,
    DOWN,
    DUE,
    RESTARTING,
    RUNNING,
    STARTING,
    STOPPING,
    WAITING,
    Batch,
    Supervised,
    status_of,
)
from procession.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from procession.process.childspec import ChildSpec, Rules


class Supervision:
    """The state of one supervisor.  ``draw`` gives numbers from 0 to 1, for the jitter of the back-off."""

    def __init__(
        self, name: str, rules: Rules, specs: Iterable[ChildSpec], draw: Callable[[], float] = float
    ) -> None:
        self.name = name
        self.rules = check_rules(rules)
        self.state = "new"
        self._specs = check_specs(specs, rules)
        self._simple = rules.strategy == "simple_one_for_one"
        self._serial = 0
        self._children: dict[str, Supervised] = {}
        self._batches: set[Batch] = set()
        self._restarts = Restarts(rules, draw)
        self._timers: list[tuple[float, int, Supervised | Batch, int]] = []
        self._timer_count = 0
        self._hurry = False  # no more grace for anybody
        self._cause: Exception | None = None
        self._out: list[Order] = []
        if not self._simple:
            self._children = {spec.id: Supervised(spec) for spec in self._specs}

    # -- questions ---------------------------------------------------------------------------------

    def children(self, now: float) -> tuple[ChildStatus, ...]:
        """How each child is doing, in the order in which they are started."""
        return tuple(status_of(child, now) for child in self._children.values())

    def child(self, child: str, now: float) -> ChildStatus | None:
        """How this one is doing; None when there is none of that name."""
        it = self._children.get(child)
        return status_of(it, now) if it is not None else None

    def counts(self) -> Counts:
        """How many there are."""
        kinds = [child.spec.type for child in self._children.values()]
        active = sum(child.phase in ALIVE for child in self._children.values())
        specs = 1 if self._simple else len(kinds)
        return Counts(specs, active, kinds.count("supervisor"), kinds.count("worker"))

    def spec(self, child: str) -> ChildSpec:
        """The spec of a child, its defaults filled in.  Raises NoSuchChild."""
        if child not in self._children:
            raise NoSuchChild(f"{self.name} has no child {child!r}")
        return self._children[child].spec

    def wakes_at(self) -> float | None:
        """When ``tick`` must be called if nothing happens before; None: not at all.  Ask after each event."""
        while self._timers and not self._holds(self._timers[0]):
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    # -- events: the whole -------------------------------------------------------------------------

    def start(self, now: float) -> list[Order]:
        """Start all children, in order."""
        assert self.state == "new"
        self.state = "starting"
        for child in self._children.values():
            self._enter(child, WAITING)
        self._begin((), list(self._children.values()), now, now)
        return self._orders()

    def stop(self, now: float) -> list[Order]:
        """Stop all children, in reverse order."""
        self._shut(None, now)
        return self._orders()

    def stop_now(self, now: float) -> list[Order]:
        """Kill all children at once."""
        self._hurry = True
        self._shut(None, now)
        alive = [child for child in self._children.values() if child.phase in ALIVE]
        for child in reversed(alive):
            self._enter(child, STOPPING)
            self._kill(child, "at once")
        return self._orders()

    def tick(self, now: float) -> list[Order]:
        """Time has passed.  Does one thing that is due: what comes of it may make the next one void."""
        wake = self.wakes_at()
        if wake is None or wake > now:
            return []
        about = heapq.heappop(self._timers)[2]
        if isinstance(about, Batch):
            self._advance(about, now)
        elif about.phase == STOPPING:
            self._enter(about, STOPPING)
            self._kill(about, f"did not end within {about.spec.shutdown:g} s")
        else:
            about.late = True
            self._tell(about, "late", f"was not ready within {about.spec.ready_timeout:g} s")
            self._stop_one(about, now)
        return self._orders()

    # -- events: a child ---------------------------------------------------------------------------

    def launched(self, child: str, pid: int | None, now: float) -> list[Order]:
        """The process of this child exists."""
        it = self._children[child]
        it.pid, it.born, it.info = pid, now, None
        self._tell(it, "started", "" if pid is None else f"pid {pid}")
        if it.phase == STARTING:
            if not it.must_say_ready:
                self._is_up(it, now)
            elif it.spec.type == "worker" and it.spec.ready_timeout is not None:
                self._timer(it, now + it.spec.ready_timeout)
        return self._orders()

    def not_launched(self, child: str, end: End, now: float) -> list[Order]:
        """There is no process, and ``end`` says why not."""
        it = self._children[child]
        self._enter(it, DOWN)
        it.last = end
        if it.doomed:
            self._gone(it, now)
        else:
            self._start_failed(it, end, now)
        return self._orders()

    def ignored(self, child: str, now: float) -> list[Order]:
        """The launcher decided that there is nothing to run."""
        it = self._children[child]
        it.new = False
        self._answer_start(it, None)
        self._retire(it, now)
        return self._orders()

    def ready(self, child: str, info: object, now: float) -> list[Order]:
        """The child says that it is ready."""
        it = self._children[child]
        it.info = info
        if it.phase == STARTING:
            self._tell(it, "ready", "" if info is None else repr(info))
            self._is_up(it, now)
        return self._orders()

    def exited(self, child: str, end: End, now: float) -> list[Order]:
        """The child has ended, and nothing is left of its process."""
        it = self._children[child]
        was, it.last, it.pid = it.phase, end, None
        self._enter(it, DOWN)
        self._tell(it, "ended", end.words)
        if it.doomed:
            self._gone(it, now)
        elif it.late:
            words = f"was not ready within {it.spec.ready_timeout:g} s"
            self._start_failed(it, End(well=False, words=words, exit=end.exit), now)
        elif was == STARTING:
            words = f"{end.words} before it was ready"
            self._start_failed(it, End(well=False, words=words, exit=end.exit, cause=end.cause), now)
        elif it.spec.restart == "permanent" or (it.spec.restart == "transient" and not end.well):
            self._restart(it, end, now)
        else:
            self._retire(it, now)
            self._significant_end(it, now)
        return self._orders()

    # -- events: requests, each answered by an Answer with its token --------------------------------

    def start_child(self, token: object, spec: ChildSpec, now: float) -> list[Order]:
        """Add a child at the end of the order, and start it."""
        try:
            self._must_run()
            if self._simple:
                raise SupervisorError(f"{self.name} is simple_one_for_one: all children are made of one spec")
            spec = check_spec(spec, self.rules)
            there = self._children.get(spec.id)
            if there is not None:
                words = f"is there already, {there.phase}" if there.phase != RUNNING else "is running already"
                raise ChildBusy(f"{self.name}: child {spec.id!r} {words}")
        except (SupervisorError, ValueError, TypeError) as error:
            return [Answer(token, getattr(spec, "id", ""), error)]
        return self._add(token, spec, now)

    def start_one_more(
        self, token: object, args: tuple[Any, ...], kwargs: Mapping[str, Any], now: float
    ) -> list[Order]:
        """simple_one_for_one: add a child with further arguments, and start it."""
        try:
            self._must_run()
            if not self._simple:
                raise SupervisorError(f"{self.name} is not simple_one_for_one: give a ChildSpec")
        except SupervisorError as error:
            return [Answer(token, "", error)]
        pattern = self._specs[0]
        self._serial += 1
        return self._add(
            token,
            replace(
                pattern,
                id=f"{pattern.id}-{self._serial}",
                args=(*pattern.args, *args),
                kwargs={**(pattern.kwargs or {}), **kwargs},
            ),
            now,
        )

    def terminate_child(self, token: object, child: str, now: float) -> list[Order]:
        """Stop a child; its spec stays (not that of a temporary one) for ``restart_child``."""
        try:
            self._must_run()
            it = self._child(child, gone_is_well=True)
        except SupervisorError as error:
            return [Answer(token, child, error)]
        if it is None or it.phase == DOWN:
            return [Answer(token, child)]
        it.stoppers.append(token)
        if it.phase in ALIVE:
            self._begin([it], [], now, now)
        else:
            self._retire(it, now)
        return self._orders()

    def restart_child(self, token: object, child: str, now: float) -> list[Order]:
        """Start a child that is down."""
        try:
            self._must_run()
            it = self._idle_child(child)
        except SupervisorError as error:
            return [Answer(token, child, error)]
        it.starter = token
        self._enter(it, WAITING)
        self._begin((), [it], now, now)
        return self._orders()

    def delete_child(self, token: object, child: str, now: float) -> list[Order]:  # noqa: ARG002
        """Forget a child that is down."""
        try:
            self._must_run()
            self._idle_child(child)
        except SupervisorError as error:
            return [Answer(token, child, error)]
        del self._children[child]
        return [Answer(token, child), *self._orders()]

    # -- batches -----------------------------------------------------------------------------------

    def _begin(
        self, stops: Iterable[Supervised], starts: Iterable[Supervised], resume_at: float, now: float
    ) -> None:
        """Take the children out of what they are in, and do this with them instead."""
        batch = Batch(stops, starts, resume_at)
        left = set()
        for child in batch.stops:
            child.doomed, child.again, child.late = True, False, False
        for child in batch.starts:
            child.again = True
        for child in (*batch.stops, *batch.starts):
            if child.batch is not None and child.batch is not batch:
                left.add(child.batch)
            child.batch = batch
        self._batches.add(batch)
        for older in left:
            self._advance(older, now)
        self._advance(batch, now)

    def _advance(self, batch: Batch, now: float) -> None:
        """Go on with it as far as it goes now."""
        stops, starts = batch.stops, batch.starts
        while stops:
            child = stops[-1]
            if child.batch is batch and child.phase in ALIVE:
                if child.phase != STOPPING:
                    self._stop_one(child, now)
                return
            stops.pop()
        if starts and now < batch.resume_at:
            self._timer(batch, batch.resume_at)
            return
        while starts:
            child = starts[0]
            if child.batch is batch:
                if child.phase in DUE:
                    self._launch(child)
                if child.phase in ALIVE and child.phase != RUNNING:
                    return
                child.batch = None
            starts.popleft()
        self._batches.discard(batch)

    def _launch(self, child: Supervised) -> None:
        if child.phase == RESTARTING:
            child.restarts += 1
        child.again = False
        self._enter(child, STARTING)
        self._out.append(Launch(child.spec))

    def _stop_one(self, child: Supervised, now: float) -> None:
        self._enter(child, STOPPING)
        grace = child.spec.shutdown
        if self._hurry or grace == "brutal":
            self._kill(child, "at once")
            return
        self._tell(child, "stopping")
        self._out.append(Terminate(child.spec.id))
        if grace is not None:
            assert not isinstance(grace, str)
            self._timer(child, now + grace)

    def _kill(self, child: Supervised, why: str) -> None:
        self._tell(child, "killing", why)
        self._out.append(Kill(child.spec.id))

    # -- what becomes of a child -------------------------------------------------------------------

    def _add(self, token: object, spec: ChildSpec, now: float) -> list[Order]:
        child = self._children[spec.id] = Supervised(spec)
        child.new, child.starter = True, token
        self._enter(child, WAITING)
        self._begin((), [child], now, now)
        return self._orders()

    def _is_up(self, child: Supervised, now: float) -> None:
        self._enter(child, RUNNING)
        child.new = False
        self._answer_start(child, None)
        if child.batch is not None:
            self._advance(child.batch, now)

    def _gone(self, child: Supervised, now: float) -> None:
        """A doomed child has ended, by our doing or by itself."""
        child.doomed = False
        if not child.again:
            self._retire(child, now)
            return
        self._enter(child, RESTARTING)
        self._answer_stop(child)
        if child.batch is not None:
            self._advance(child.batch, now)

    def _retire(self, child: Supervised, now: float) -> None:
        """The child stays down; what is not to be started again ever is forgotten."""
        self._enter(child, DOWN)
        child.again = child.late = False
        batch, child.batch = child.batch, None
        if child.temporary or self._simple or (child.new and child.stoppers):
            del self._children[child.spec.id]
        self._answer_stop(child)
        self._answer_start(
            child, SupervisorError(f"{self.name}: child {child.spec.id!r} was stopped before it was up")
        )
        if batch is not None:
            self._advance(batch, now)

    def _start_failed(self, child: Supervised, end: End, now: float) -> None:
        error = ChildStartFailed(self.name, child.spec.id, end.words)
        error.__cause__ = end.cause
        self._tell(child, "failed", end.words)
        child.late = False
        child.last = end
        if child.starter is not None:  # somebody asked for it, and is told instead of a retry
            batch, child.batch = child.batch, None
            if child.new or child.temporary:
                del self._children[child.spec.id]
            self._answer_start(child, error)
            if batch is not None:
                self._advance(batch, now)
        elif self.state == "starting":
            self._shut(error, now)
        else:
            self._restart(child, end, now)

    def _restart(self, child: Supervised, end: End, now: float) -> None:
        if not self._restarts.count(child.spec.id, end, now):
            ends = self._restarts.ends()
            rules = self.rules
            error = RestartLimitReached(self.name, child.spec.id, ends, rules.max_restarts, rules.within)
            error.__cause__ = end.cause
            self._tell(child, "giving up", str(error).partition(": ")[2])
            self._shut(error, now)
            return
        wait = self._restarts.wait(child.spec.id)
        self._tell(child, "restarting", f"in {wait:.3f} s")
        group = self._group(child)
        starts = [it for it in group if not it.temporary or it.phase in DUE]
        for it in starts:
            if it.phase == DOWN:
                self._enter(it, RESTARTING)
        self._begin([it for it in group if it.phase in ALIVE], starts, now + wait, now)

    def _group(self, child: Supervised) -> list[Supervised]:
        """Who is restarted with this child, in order."""
        if self.rules.strategy == "one_for_all":
            return list(self._children.values())
        if self.rules.strategy == "rest_for_one":
            children = list(self._children.values())
            return children[children.index(child) :]
        return [child]

    def _significant_end(self, child: Supervised, now: float) -> None:
        if not child.spec.significant or self.state not in ("starting", "running"):
            return
        others = (it.spec.significant and it.phase != DOWN for it in self._children.values())
        if self.rules.auto_shutdown == "any_significant" or not any(others):
            self._tell(child, "significant", "its end ends the supervisor")
            self._shut(None, now)

    def _shut(self, cause: Exception | None, now: float) -> None:
        if self.state in ("stopping", "ended"):
            return
        self.state = "stopping"
        self._cause = cause
        children = list(self._children.values())
        self._batches.clear()  # none of them goes on
        for child in children:
            child.batch = None
        for child in children:
            if child.phase in DUE:
                self._retire(child, now)
        alive = [child for child in children if child.phase in ALIVE]
        # Children of one pattern do not depend on one another: there is no order to keep.
        for group in [[child] for child in alive] if self._simple else [alive]:
            self._begin(group, [], now, now)

    # -- small things ------------------------------------------------------------------------------

    def _child(self, child: str, *, gone_is_well: bool = False) -> Supervised | None:
        """The child; None for one of a pattern that has been, if ``gone_is_well``.  Raises NoSuchChild."""
        it = self._children.get(child)
        if it is None:
            number = child.removeprefix(f"{self._specs[0].id}-") if self._simple else ""
            if not (gone_is_well and number.isdecimal() and 0 < int(number) <= self._serial):
                raise NoSuchChild(f"{self.name} has no child {child!r}")
        return it

    def _idle_child(self, child: str) -> Supervised:
        if self._simple:
            raise SupervisorError(f"{self.name} is simple_one_for_one: a child that has ended is forgotten")
        it = self._child(child)
        assert it is not None
        if it.phase != DOWN:
            raise ChildBusy(f"{self.name}: child {child!r} is {it.phase}: terminate it first")
        return it

    def _must_run(self) -> None:
        if self.state not in ("starting", "running"):
            raise SupervisorError(f"{self.name} is not running but {self.state}")

    def _enter(self, child: Supervised, phase: str) -> None:
        child.phase = phase
        child.stamp += 1

    def _timer(self, about: Supervised | Batch, when: float) -> None:
        self._timer_count += 1  # never do two timers compare by what they are about
        stamp = about.stamp if isinstance(about, Supervised) else 0
        heapq.heappush(self._timers, (when, self._timer_count, about, stamp))

    def _holds(self, timer: tuple[float, int, Supervised | Batch, int]) -> bool:
        about = timer[2]
        return about in self._batches if isinstance(about, Batch) else about.stamp == timer[3]

    def _tell(self, child: Supervised, what: str, words: str = "") -> None:
        self._out.append(Tell(child.spec.id, what, words))

    def _answer_start(self, child: Supervised, error: Exception | None) -> None:
        if child.starter is not None:
            self._out.append(Answer(child.starter, child.spec.id, error))
            child.starter = None

    def _answer_stop(self, child: Supervised) -> None:
        self._out += [Answer(token, child.spec.id) for token in child.stoppers]
        child.stoppers.clear()

    def _orders(self) -> list[Order]:
        """What has come together, and the news about the whole."""
        if not self._batches:
            if self.state == "starting":
                self.state = "running"
                self._out.append(Up())
            elif self.state == "stopping":
                self.state = "ended"
                self._out.append(Down(self._cause))
        orders, self._out = self._out, []
        return orders
