"""A crew of workers with one handler, for one thread: ``pn copy``'s way to the engine.

::

    source.take ─▶ CrewJob ─▶ Engine (engine.py) ─▶ workers ─▶ handler
    deliver ◀──── Outcome ◀───┘

Everything happens in the thread that calls ``run``; nothing is polled on a timer.
"""

from __future__ import annotations

import os
import time
from functools import partial

from procession.errors import CrewBroken, WorkerDied
from procession.ipc import carry
from procession.linux.keepalive import open_keepalive
from procession.pool.engine import Engine
from procession.pool.hand import LeanHirer
from procession.pool.outcomes import Cancelled, Done, Failed, Lost
from procession.pool.schedule import TARGET, Pace, Stretch
from procession.pool.worker import HANDLER, ITEM
from procession.process.start import SignalsHeld
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Protocol, Self

    from procession.pool.hand import Hand
    from procession.pool.outcomes import Outcome
    from procession.pool.worker import Handler
    from procession.process.exits import Exit

    class Source(Protocol):
        """Where the tasks come from, taken only when a worker has room for them."""

        def take(self, limit: int) -> Portion | None:
            """At most ``limit`` payloads, or None when there are none *now*."""


SIGKILL = 9
GRACE = 5.0  # seconds for an idle worker to go home by itself


@record
class Portion:
    """Payloads for one flight.  ``heavy``: long work that must not have company."""

    payloads: tuple[object, ...]
    heavy: bool = False


@record
class Sight:
    """What a worker is at, for a display: read from its page, without a message.

    ``payload`` is that of its current task, None between two tasks.
    """

    pid: int
    payload: object
    note: bytes
    gauges: tuple[int, ...]


class CrewJob:
    """The one job of a crew: a source and who gets the outcomes."""

    number, style = HANDLER, ITEM
    priority = 0
    timeout: float | None = None

    def __init__(self) -> None:
        self.pace = Pace(mean=TARGET)
        self.source: Source | None = None
        self.deliver: Callable[[Outcome], None] = _ignore
        self._next = 0

    def take(self, limit: int) -> Stretch | None:
        """What the source has."""
        portion = self.source.take(limit) if self.source is not None else None
        if portion is None:
            return None
        first = self._next
        self._next += len(portion.payloads)
        return Stretch(self, first, portion.payloads, portion.heavy)

    def remaining(self) -> int | None:
        """Sources do not say."""
        return None

    def function(self) -> carry.Parcel:
        """The workers have it from their start."""
        raise AssertionError("every worker of a crew knows its handler")

    def payloads(self, stretch: Stretch) -> Sequence[Any]:
        """As they are."""
        return stretch.items

    def landed(self, stretch: Stretch, at: int, values: list[Any]) -> None:
        """Deliver results."""
        for index, value in enumerate(values, at):
            self.deliver(Done(stretch.first + index, stretch.items[index], value))

    def failed(self, stretch: Stretch, at: int, error: BaseException) -> None:
        """Deliver a failure."""
        self.deliver(Failed(stretch.first + at, stretch.items[at], error))

    def lost(self, stretch: Stretch, at: int, error: BaseException, note: bytes) -> None:
        """Deliver the death of a worker."""
        assert isinstance(error, WorkerDied)
        self.deliver(Lost(stretch.first + at, stretch.items[at], error, note))

    def timed_out(self, stretch: Stretch, at: int, pid: int) -> BaseException:  # noqa: ARG002
        """A crew has no time limits."""
        raise AssertionError("a crew has no time limits")

    def given_up(self, stretch: Stretch, broken: CrewBroken | None) -> None:
        """Deliver that they will not run."""
        for index, payload in enumerate(stretch.items, stretch.first):
            self.deliver(Failed(index, payload, broken) if broken else Cancelled(index, payload))


class Crew:
    """Workers that share a handler.  Use it in a ``with`` block; only from the thread that made it.

    Leaving the block normally lets the workers go home; leaving it by an exception ends them with
    SIGKILL.  Either way none is left.
    """

    _dead = True  # until it is made

    def __init__(
        self,
        handler: Handler,
        *,
        workers: int,
        setup: Any = None,
        start_method: str | None = None,
        gauges: int = 0,
    ) -> None:
        """``gauges``: how many counters of a worker's context the handler uses."""
        self._gauges = gauges
        self._retired = [0] * gauges
        self.keepalive = open_keepalive()
        try:
            self._engine = Engine(LeanHirer(handler, setup, start_method, self.keepalive), workers)
        except BaseException:
            os.close(self.keepalive.write_fd)
            os.close(self.keepalive.read_fd)
            raise
        # Not a method of ours: nothing below may keep us alive.
        self._engine.on_retired = partial(_add_gauges, self._retired)
        self._job = CrewJob()
        self._owner = os.getpid()
        self._dead = False

    # -- the loop ----------------------------------------------------------------------------------

    def run(
        self,
        source: Source,
        deliver: Callable[[Outcome], None],
        *,
        watch: Mapping[int, Callable[[], None]] | None = None,
        tick: float | None = None,
        on_tick: Callable[[], None] = lambda: None,
    ) -> None:
        """Take tasks and deliver outcomes until the source has none and no worker is busy.

        ``watch`` maps further descriptors to what is called when one is readable; ``on_tick`` is
        called about every ``tick`` seconds.  Raises CrewBroken when workers end before they can begin a
        task, after the tasks in other workers' hands have ended; what nobody had in hand is Failed.
        """
        engine, job = self._engine, self._job
        job.source, job.deliver = source, deliver
        for descriptor, action in (watch or {}).items():
            engine.watch(descriptor, action)
        due = time.monotonic() + tick if tick else None
        try:
            engine.offer(job)
            engine.feed()
            while engine.busy:
                engine.step(None if due is None else max(0.0, due - time.monotonic()))
                if due is not None and tick is not None and time.monotonic() >= due:
                    on_tick()
                    due = time.monotonic() + tick
                engine.offer(job)  # it may have more by now
                engine.feed()
            if engine.broken is not None:
                raise engine.broken
        finally:
            for descriptor in watch or {}:
                engine.unwatch(descriptor)
            job.source, job.deliver = None, _ignore

    def stop(self) -> None:
        """Finish what is in the workers' hands, begin nothing else; the rest becomes Cancelled."""
        self._engine.stop()

    def sights(self) -> list[Sight]:
        """What each worker is at, now."""
        return [
            Sight(
                hand.pid,
                self._payload_in_hand(hand),
                hand.page.read_note(),
                tuple(hand.page.gauges[: self._gauges]),
            )
            for hand in self._engine.hands.values()
        ]

    def _payload_in_hand(self, hand: Hand) -> object:
        at = self._engine.at_work(hand)
        return None if at is None else at[0].stretch.items[at[1]]

    def gauge_totals(self) -> list[int]:
        """Each gauge summed over all workers, dead ones included."""
        totals = list(self._retired)
        for hand in self._engine.hands.values():
            _add_gauges(totals, hand)
        return totals

    # -- the end -----------------------------------------------------------------------------------

    def kill(self) -> list[tuple[int, object]]:
        """End every worker with SIGKILL, wait until all are gone, and say what each was at.

        A list of (pid, payload); what they had in hand has no outcome any more.  A ``run`` that is under
        way ends as after ``stop``.
        """
        engine = self._engine
        engine.stopping = True
        for hand in engine.hands.values():
            hand.child.send_signal(SIGKILL)
        at_work = []
        for hand in list(engine.hands.values()):
            hand.child.wait()
            payload = self._payload_in_hand(hand)
            if payload is not None:
                at_work.append((hand.pid, payload))
            self._dismiss(hand)
        return at_work

    def _dismiss(self, hand: Hand) -> None:
        self._engine.retire(hand, hand.child.reap())
        self._engine.schedule.dismissed(hand.pid)

    def _send_home(self) -> None:
        hands = list(self._engine.hands.values())
        for hand in hands:
            self._engine.dismiss(hand, "its work is done")
        deadline = time.monotonic() + GRACE
        for hand in hands:
            if hand.child.wait(max(0.0, deadline - time.monotonic())) is None:
                hand.child.send_signal(SIGKILL)
                hand.child.wait()
            self._dismiss(hand)

    def _bury(self) -> None:
        """Whoever an interrupted end has left: no interrupt any more, and no wait without an end."""
        hands = list(self._engine.hands.values())
        if not hands:
            return
        with SignalsHeld():
            for hand in hands:
                hand.child.send_signal(SIGKILL)
            deadline = time.monotonic() + GRACE
            for hand in hands:
                hand.child.wait(max(0.0, deadline - time.monotonic()))
                self._dismiss(hand)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(kill=kind is not None)

    def __del__(self) -> None:
        # A Ctrl-C may come before the first line of __exit__; then this is the end.
        self.close(kill=True)

    def close(self, *, kill: bool = False) -> None:
        """Send the workers home (or kill them) and give everything back.  Safe to call twice."""
        if self._dead or os.getpid() != self._owner:  # a copy in somebody's fork must not end our workers
            return
        try:
            if kill:
                self.kill()
            else:
                self._send_home()
        finally:
            self._bury()
            with SignalsHeld():
                self._dead = True
                self._engine.close_descriptors()
                os.close(self.keepalive.write_fd)
                os.close(self.keepalive.read_fd)


def _add_gauges(totals: list[int], hand: Hand, _exit: Exit | None = None) -> None:
    for index in range(len(totals)):
        totals[index] += hand.page.gauges[index]


def _ignore(_outcome: Outcome) -> None:
    return
