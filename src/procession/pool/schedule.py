"""Who works on what: pure bookkeeping, no clock, no process, no file descriptor.

::

    jobs ── stretch (consecutive tasks of one job) ──▶ flight (a stretch in a worker's hands) ──▶ landed
               ▲                                        │
               └── backlog ◀── taken back, or left by the dead

The rules:

* an idle worker is served first, then a new one is hired, then a busy one gets a second flight, so
  that it never waits for the parent; the second only if the first is expected to be short;
* a *heavy* flight (one long task) goes only to an idle or new worker, and nothing is put behind it;
* of a dead worker's flights the finished tasks count, the one it was at is lost, and the rest goes
  to the front of the backlog;
* a flight is as long as ``TARGET`` seconds of the job's measured mean task, at most ``GROWTH`` times as long
  as the one before, and leaves enough for every worker when the end is in sight.
"""

from __future__ import annotations

import heapq
from collections import deque

from procession.pool.messages import WINDOW
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Protocol

    class Job(Protocol):
        """What the schedule needs to know of a job."""

        priority: int
        pace: Pace


TARGET = 0.010  # seconds of work in a flight
LEAST = 0.0005  # seconds of work in a flight near the end of a job
GROWTH = 8
FLIGHT_MAX = 16_384  # tasks; a journal has room for that many short outcomes
CLAIM_TIME = 50e-6  # seconds of work that a worker may begin without looking whether it is still its own
CLAIM_MAX = 256
HIRE = -1


class Pace:
    """How long the tasks of a job are, and so how many make a flight."""

    __slots__ = ("fixed", "latest", "mean")

    def __init__(self, fixed: int = 0, mean: float | None = None) -> None:
        self.fixed = fixed  # tasks in a flight, as the user wished; 0: as measured
        self.mean = mean  # seconds a task; None: none has ended yet
        self.latest = 1 if mean is None else FLIGHT_MAX  # tasks in the last flight

    def landed(self, tasks: int, seconds: float) -> None:
        """So many tasks took that long."""
        if tasks:
            mean = max(seconds, 1e-7) / tasks
            # Halfway each time: the first tasks of a job are often the slow ones (imports, caches).
            self.mean = mean if self.mean is None else (self.mean + mean) / 2

    def limit(self, remaining: int | None, workers: int) -> int:
        """How many tasks make the next flight; ``remaining`` is None when nobody knows."""
        if self.fixed:
            return self.fixed
        if self.mean is None:
            return 1
        count = min(int(TARGET / self.mean), GROWTH * self.latest, FLIGHT_MAX)
        if remaining is not None:
            # But never so few that a worker has to come back sooner than it is worth.
            count = min(count, max(-(-remaining // (2 * workers)), int(LEAST / self.mean)))
        return max(1, count)

    def share(self, waiting: int, workers: int) -> int:
        """The same for tasks that one worker had and others are to do: never all of them, however many the user
        wished in a flight.  Else two workers would pass a long one to and fro."""
        least = int(LEAST / self.mean) if self.mean else 0
        return min(self.limit(waiting, workers), max(1, -(-waiting // (2 * workers)), least))

    def claim(self) -> int:
        """How many tasks a worker begins at a time."""
        if self.mean is None or self.mean > CLAIM_TIME:
            return 1
        return min(CLAIM_MAX, int(CLAIM_TIME / self.mean))

    @property
    def is_short(self) -> bool:
        """Is a task so short that a worker should never have to wait for the next?"""
        return self.mean is not None and self.mean <= TARGET


@record
class Stretch:
    """Consecutive tasks of a job, the first of which has the number ``first``."""

    job: Any
    first: int
    items: Sequence[Any]
    heavy: bool = False

    def part(self, start: int, stop: int) -> Stretch:
        """Some of them."""
        return Stretch(self.job, self.first + start, self.items[start:stop], self.heavy)


class Flight:
    """A stretch under way.  ``own``: how many of its tasks, from the first, are still this worker's."""

    __slots__ = ("delivered", "number", "own", "sent", "stretch")

    def __init__(self, number: int, stretch: Stretch, sent: float) -> None:
        self.number = number
        self.stretch = stretch
        self.own = len(stretch.items)
        self.delivered = 0  # outcomes that have been passed on, while it is still under way
        self.sent = sent  # the caller's clock


@record
class Wreck:
    """What a dead worker left of its oldest flight: so many are done, and it was at ``lost`` (or none)."""

    flight: Flight
    done: int
    lost: int | None


class Schedule:
    """The state of all workers.  Each method is an event or a question; none of them blocks."""

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"there must be at least one worker, not {limit}")
        self.limit = limit  # workers at most
        self.flights: dict[int, deque[Flight]] = {}  # by worker
        self._sent: dict[int, int] = {}
        self._leaving: set[int] = set()
        self._ready: set[int] = set()
        self._backlog: list[tuple[int, int, Stretch]] = []  # a heap: priority, age
        self._fronts = 0

    # -- questions ---------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """True while a task is in a worker's hands or in the backlog."""
        return bool(self._backlog) or any(self.flights.values())

    @property
    def in_backlog(self) -> int:
        """Tasks in the backlog."""
        return sum(len(stretch.items) for _, _, stretch in self._backlog)

    @property
    def in_flight(self) -> int:
        """Tasks in workers' hands."""
        return sum(flight.own for flights in self.flights.values() for flight in flights)

    def has_in_flight(self, job: object) -> bool:
        """Has a worker tasks of this job in hand?"""
        return any(flight.stretch.job is job for flights in self.flights.values() for flight in flights)

    def urgency(self) -> int | None:
        """The highest priority in the backlog."""
        return -self._backlog[0][0] if self._backlog else None

    def staff(self) -> int:
        """Workers that stay, or still have something in hand."""
        return sum(1 for worker, flights in self.flights.items() if flights or worker not in self._leaving)

    def place(self, *, heavy: bool = False) -> int | None:
        """Where a flight would go: a worker, HIRE, or None for "not yet"."""
        starting = None
        for worker, flights in self.flights.items():
            if not flights and worker not in self._leaving:
                if worker in self._ready:
                    return worker
                starting = worker if starting is None else starting
        if starting is not None:
            return starting
        # Those who leave may take their time; there are never many of them.
        if self.staff() < self.limit and len(self.flights) < 2 * self.limit:
            return HIRE
        return None if heavy else self._second_place()

    def _second_place(self) -> int | None:
        for worker, flights in self.flights.items():
            if len(flights) < WINDOW and worker not in self._leaving:
                first = flights[0].stretch
                if first.job.pace.is_short and not first.heavy:
                    return worker
        return None

    # -- events ------------------------------------------------------------------------------------

    def hired(self, worker: int) -> None:
        """A worker was started."""
        self.flights[worker] = deque()
        self._sent[worker] = 0

    def ready(self, worker: int) -> None:
        """A worker can work."""
        self._ready.add(worker)

    def leaves(self, worker: int) -> None:
        """A worker gets nothing more and will go home."""
        self._leaving.add(worker)

    def put_back(self, stretch: Stretch) -> None:
        """Tasks that are to be begun before all others of their priority."""
        if stretch.items:
            self._fronts -= 1
            heapq.heappush(self._backlog, (-stretch.job.priority, self._fronts, stretch))

    def take(self, limit: int | None = None) -> Stretch:
        """The front of the backlog, at most ``limit`` tasks of it."""
        priority, age, stretch = self._backlog[0]
        if limit is None or len(stretch.items) <= limit:
            heapq.heappop(self._backlog)
            return stretch
        heapq.heapreplace(self._backlog, (priority, age, stretch.part(limit, len(stretch.items))))
        return stretch.part(0, limit)

    def front(self) -> Stretch | None:
        """The front of the backlog, where it is."""
        return self._backlog[0][2] if self._backlog else None

    def depart(self, worker: int, stretch: Stretch, now: float = 0.0) -> Flight:
        """A stretch leaves for a worker that ``place`` named."""
        flight = Flight(self._sent[worker], stretch, now)
        self._sent[worker] += 1
        self.flights[worker].append(flight)
        stretch.job.pace.latest = len(stretch.items)
        return flight

    def undo(self, worker: int) -> Stretch:
        """The last flight did not leave after all: its stretch is the caller's again."""
        self._sent[worker] -= 1
        return self.flights[worker].pop().stretch

    def landed(self, worker: int, number: int, done: int, seconds: float) -> Flight:
        """A worker has ended its oldest flight after ``seconds``, with ``done`` outcomes."""
        flight = self.flights[worker].popleft()
        if flight.number != number:
            raise ValueError(f"worker {worker} ended flight {number}, expected {flight.number}")
        if not flight.stretch.heavy:
            flight.stretch.job.pace.landed(done, seconds)
        # Told to stop, or no room for more outcomes.
        self.put_back(flight.stretch.part(done, flight.own))
        return flight

    def take_back(self, flight: Flight, claimed: int) -> None:
        """The worker will not go beyond ``claimed``: what lies there is for others."""
        if claimed < flight.own:
            self.put_back(flight.stretch.part(claimed, flight.own))
            flight.own = claimed

    def died(self, worker: int, *, begun: bool, done: int, claimed: int) -> Wreck | None:
        """A worker has ended.  ``begun``: it had opened its oldest flight, in which the first ``done`` tasks
        have an outcome, and had claimed so many."""
        flights = self.flights.pop(worker)
        self._forget(worker)
        wreck = None
        if flights and begun:
            flight = flights.popleft()
            lost = done if done < min(claimed, flight.own) else None
            rest = done if lost is None else done + 1
            wreck = Wreck(flight, done, lost)
            flights.appendleft(Flight(flight.number, flight.stretch.part(rest, max(rest, flight.own)), 0.0))
        for flight in reversed(flights):
            self.put_back(flight.stretch.part(0, flight.own))
        return wreck

    def dismissed(self, worker: int) -> None:
        """A worker was ended on purpose, and what it had in hand is given up with it."""
        self.flights.pop(worker, None)
        self._forget(worker)

    def _forget(self, worker: int) -> None:
        self._sent.pop(worker, None)
        self._leaving.discard(worker)
        self._ready.discard(worker)

    def withdraw(self, job: object, number: int) -> bool:
        """Take one task out of the backlog; False when it is not there."""
        for entry in self._backlog:
            stretch = entry[2]
            at = number - stretch.first
            if stretch.job is job and 0 <= at < len(stretch.items):
                self._backlog.remove(entry)
                heapq.heapify(self._backlog)
                for part in (stretch.part(at + 1, len(stretch.items)), stretch.part(0, at)):
                    self.put_back(part)
                return True
        return False

    def give_up(self, job: object = None) -> list[Stretch]:
        """Empty the backlog (of one job, or of all): these tasks will not run."""
        given_up = [
            stretch for _, _, stretch in sorted(self._backlog, key=_age) if job in (None, stretch.job)
        ]
        self._backlog = [entry for entry in self._backlog if job not in (None, entry[2].job)]
        heapq.heapify(self._backlog)
        return given_up


def _age(entry: tuple[int, int, Stretch]) -> tuple[int, int]:
    return entry[:2]
