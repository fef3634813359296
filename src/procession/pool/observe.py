"""Figures of a running pool: for its user (``stats``), for a map's listener, for the record that others read."""

from __future__ import annotations

import heapq
import itertools
import time
from collections import deque

from procession.pool.calls import CallsJob
from procession.pool.progress import TICK, Meter, make_listener
from procession.pool.short import name_of
from procession.pool.stats import PoolStats, SlowTask, WorkerStats
from procession.pool.status import Publisher, record_of
from procession.pool.throttle import Throttle

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from typing import Any

    from procession.pool.hand import Hand
    from procession.pool.jobs import ManyJob
    from procession.pool.messages import Packet
    from procession.pool.progress import Progress
    from procession.pool.runner import Runner
    from procession.pool.schedule import Flight

_SLOWEST = 10
_BATCHES = 20
_numbers = itertools.count(1)


class Meters:
    """What is measured of one pool on the way."""

    def __init__(self, runner: Runner, name: str, method: str) -> None:
        now = time.monotonic()
        self._runner = runner
        self._name = name
        self._method = method
        self._began, self._began_at = now, time.time()
        self._slowest: list[tuple[float, int, int, str, int]] = []  # a heap; the second is a tie-breaker
        self._ties = itertools.count()
        self._batches: deque[int] = deque(maxlen=_BATCHES)
        self._rate = Meter(None, now)
        self._counted = (0, 0)
        self._publisher = Publisher(next(_numbers), now)
        self._published: object = None
        runner.observers.append(self.observe)
        runner.on_landed = self._landed
        runner.at_end.append(self._publisher.close)

    def _landed(self, hand: Hand, flight: Flight, packet: Packet) -> None:
        """With the engine's lock held."""
        self._batches.append(len(flight.stretch.items))
        head = packet.head
        if head.slowest and (len(self._slowest) < _SLOWEST or head.slowest > self._slowest[0][0]):
            stretch = flight.stretch
            words = stretch.job.words(stretch, head.claim)
            entry = (head.slowest, next(self._ties), stretch.first + head.claim, words, hand.pid)
            heapq.heappush(self._slowest, entry)
            if len(self._slowest) > _SLOWEST:
                heapq.heappop(self._slowest)

    def observe(self, now: float) -> float | None:
        """In the pool's thread: publish the record if it is time; seconds until the next.

        A pool that does nothing is not woken for it.
        """
        engine = self._runner.engine
        state = (engine.done, engine.failed, tuple(engine.hands), bool(self._runner.jobs))
        if state == self._published and not self._runner.jobs:
            return None
        if not self._publisher.due(now):
            return self._publisher.wait(now)
        with engine.lock:
            stats = self.stats()
        self._count(now)
        rate = self._rate.look(now).rate
        self._publisher.publish(record_of(stats, rate=rate, began=self._began_at, updated=time.time()))
        self._published = state
        return self._publisher.wait(now)

    def _count(self, now: float) -> None:
        done, failed = self._counted
        self._counted = engine = self._runner.engine.done, self._runner.engine.failed
        self._rate.count(engine[0] - done, max(0, engine[1] - failed), now)

    def stats(self) -> PoolStats:
        """One look.  With the engine's lock held."""
        runner, engine, now = self._runner, self._runner.engine, time.monotonic()
        workers = tuple(self._worker(hand, now) for hand in engine.hands.values())
        running = sum(worker.state == "busy" for worker in workers)
        waiting = sum(_waiting(job) for job in runner.jobs)
        in_pool = engine.schedule.in_backlog + engine.schedule.in_flight
        landed_unseen = sum(_marked(engine, hand) for hand in engine.hands.values())
        return PoolStats(
            name=self._name,
            start_method=self._method,
            seconds=now - self._began,
            done=engine.done,
            failed=engine.failed,
            queued=max(0, waiting + in_pool - running - landed_unseen),
            running=running,
            retried=engine.retried,
            workers=workers,
            slowest=tuple(
                SlowTask(task, words, seconds, pid)
                for seconds, _, task, words, pid in sorted(self._slowest, reverse=True)
            ),
            replaced=tuple(runner.replaced),
            batches=tuple(self._batches),
        )

    def _worker(self, hand: Hand, now: float) -> WorkerStats:
        from procession.pool.page import BEGUN
        from procession.pool.runner import resident

        at = self._runner.engine.at_work(hand)
        task, since = "", 0.0
        if at is not None:
            flight, index = at
            task = flight.stretch.job.words(flight.stretch, index)
            begun = hand.page.slots[BEGUN] / 1e9
            since = max(0.0, now - max(begun, flight.sent))
        flights = self._runner.engine.schedule.flights[hand.pid]
        if hand.why:
            state = "leaving"
        elif not hand.ready:
            state = "starting"
        else:
            state = (
                "busy" if any(flight.own for flight in flights) else "idle"
            )  # all taken back: it is not at it
        busy = hand.busy + (max(0.0, now - flights[0].sent) if flights else 0.0)
        return WorkerStats(
            pid=hand.pid,
            number=hand.number,
            state=state,
            tasks=hand.tasks,
            busy=busy,
            alive=now - hand.hired,
            task=task,
            since=since,
            memory=resident(hand.pid),
        )


def _waiting(job: CallsJob | ManyJob) -> int:
    return job.remaining() or 0 if isinstance(job, CallsJob) else job.feed.left


def _marked(engine: Any, hand: Hand) -> int:
    flights = engine.schedule.flights[hand.pid]
    return hand.page.mark(flights[0].number) if flights else 0


class Watched:
    """Tells the listener of one map how far it is: ten times a second, and at the end."""

    def __init__(self, progress: bool | Callable[[Progress], object], func: object) -> None:
        import threading

        now = time.monotonic()
        self._meter = Meter(None, now)
        self._throttle = Throttle(TICK, now + TICK)
        self._listener = make_listener(progress, name_of(func))
        self._counted = (0, 0)
        self._one_at_a_time: threading.Lock = threading.Lock()

    def tell(self, done: int, failed: int, total: int | None, over: bool) -> None:
        """So far it is.  By any thread, without the engine's lock."""
        if not self._one_at_a_time.acquire(blocking=over):
            return  # another thread is about to tell the same
        try:
            now = time.monotonic()
            before = self._counted
            if done + failed >= sum(before):
                self._counted = done, failed
                self._meter.count(done - before[0], failed - before[1], now)
            self._meter.total = total
            if over or self._throttle.due(now):
                self._listener(self._meter.look(now))
            if over:
                self._listener.close()
        finally:
            self._one_at_a_time.release()
