"""Who works on what: pure bookkeeping, no clock, no process, no file descriptor.

A *flight* is a batch of tasks in one worker's hands (or on its way there).  The rules:

* an idle worker is served first, then a new one is hired, then a busy one gets a second flight, so
  that it never waits for the parent;
* a *heavy* flight (one long task) goes only to an idle or new worker, and nothing is put behind it;
* of a dead worker's flights the finished tasks count, the one it was at is lost, and the rest goes
  to the front of the backlog;
* a batch is as long as ``TARGET`` seconds of the measured mean task.
"""

from __future__ import annotations

from collections import deque

from procession.pool.messages import WINDOW
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

TARGET = 0.010  # seconds
BATCH_MAX = 512
HIRE = -1


@record
class Task:
    """One task: its number in the crew, the caller's payload and the same pickled."""

    number: int
    payload: object
    data: bytes


@record
class Flight:
    """A batch under way."""

    number: int
    tasks: tuple[Task, ...]
    heavy: bool


@record
class Wreck:
    """What a dead worker left: its unfinished flights' tasks, sorted out."""

    lost: Task | None
    finished: tuple[Task, ...]


class Schedule:
    """The state of a crew.  Each method is an event or a question; none of them blocks."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._flights: dict[int, deque[Flight]] = {}
        self._sent: dict[int, int] = {}
        self._backlog: deque[tuple[tuple[Task, ...], bool]] = deque()
        self._mean = TARGET
        self._next_task = 0

    # -- questions ---------------------------------------------------------------------------------

    @property
    def batch_limit(self) -> int:
        """How many tasks of the usual length make one batch."""
        return max(1, min(BATCH_MAX, int(TARGET / self._mean)))

    @property
    def busy(self) -> bool:
        """True while a task is in a worker's hands or in the backlog."""
        return bool(self._backlog) or any(self._flights.values())

    def wants_more(self) -> bool:
        """True when a further light batch would find a place at once."""
        return not self._backlog and self._place(heavy=False) is not None

    def flights_of(self, worker: int) -> tuple[Flight, ...]:
        """The flights in a worker's hands, oldest first."""
        return tuple(self._flights[worker])

    # -- events ------------------------------------------------------------------------------------

    def admit(self, payloads: Iterable[tuple[object, bytes]], heavy: bool) -> None:
        """A batch has come from the source."""
        tasks = []
        for payload, data in payloads:
            tasks.append(Task(self._next_task, payload, data))
            self._next_task += 1
        if tasks:
            self._backlog.append((tuple(tasks), heavy))

    def skip(self) -> int:
        """Use up a task number for a payload that never gets as far as a batch."""
        self._next_task += 1
        return self._next_task - 1

    def hired(self, worker: int) -> None:
        """A worker was started."""
        self._flights[worker] = deque()
        self._sent[worker] = 0

    def assign(self) -> int | None:
        """Where the next batch of the backlog goes: a worker, HIRE, or None for "not yet"."""
        return self._place(self._backlog[0][1]) if self._backlog else None

    def depart(self, worker: int) -> Flight:
        """The next batch of the backlog leaves for a worker that ``assign`` named."""
        tasks, heavy = self._backlog.popleft()
        flight = Flight(self._sent[worker], tasks, heavy)
        self._sent[worker] += 1
        self._flights[worker].append(flight)
        return flight

    def landed(self, worker: int, number: int, seconds: float) -> Flight:
        """A worker has ended its oldest flight after ``seconds``."""
        flight = self._flights[worker].popleft()
        if flight.number != number:
            raise ValueError(f"worker {worker} ended batch {number}, expected {flight.number}")
        if flight.tasks and not flight.heavy:
            self._mean += 0.3 * (max(seconds, 1e-6) / len(flight.tasks) - self._mean)
        return flight

    def died(self, worker: int, current: int, finished: Collection[int], begun: bool) -> Wreck:
        """A worker has ended.  ``begun``: it had opened its oldest flight, in which ``finished`` are
        the numbers with an outcome and ``current`` the task that it was at."""
        flights = self._flights.pop(worker)
        del self._sent[worker]
        wreck = Wreck(None, ())
        if flights and begun:
            flight = flights.popleft()
            lost = next((task for task in flight.tasks if task.number == current), None)
            if lost is not None and lost.number in finished:
                lost = None
            done = tuple(task for task in flight.tasks if task.number in finished)
            rest = tuple(task for task in flight.tasks if task.number not in finished and task is not lost)
            flights.appendleft(Flight(flight.number, rest, flight.heavy))
            wreck = Wreck(lost, done)
        for flight in reversed(flights):
            if flight.tasks:
                self._backlog.appendleft((flight.tasks, flight.heavy))
        return wreck

    def dismissed(self, worker: int) -> None:
        """A worker was ended on purpose, and what it had in hand is given up with it."""
        self._flights.pop(worker, None)
        self._sent.pop(worker, None)

    def cancel(self) -> tuple[Task, ...]:
        """Empty the backlog: these tasks will not run."""
        tasks = tuple(task for batch, _ in self._backlog for task in batch)
        self._backlog.clear()
        return tasks

    def _place(self, heavy: bool) -> int | None:
        for worker, flights in self._flights.items():
            if not flights:
                return worker
        if len(self._flights) < self._limit:
            return HIRE
        if heavy:
            return None
        for worker, flights in self._flights.items():
            if len(flights) < WINDOW and not any(flight.heavy for flight in flights):
                return worker
        return None
