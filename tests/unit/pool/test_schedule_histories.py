"""Any history of a crew, against a model that only keeps lists: no task is lost, doubled or overtaken."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from procession.pool.messages import WINDOW
from procession.pool.schedule import BATCH_MAX, HIRE, TARGET, Flight, Schedule, Task


class Histories(RuleBasedStateMachine):
    """The model: which task is where; and the worker's own view, which makes its death consistent."""

    def __init__(self) -> None:
        super().__init__()
        self.limit = 3
        self.schedule = Schedule(self.limit)
        self.admitted = 0
        self.backlog: list[int] = []
        self.flights: dict[int, list[Flight]] = {}
        self.over: dict[str, list[int]] = {"finished": [], "lost": [], "cancelled": [], "skipped": []}
        self.workers = 0
        self.mean = TARGET

    def send_all(self) -> None:
        while True:
            worker = self.schedule.assign()
            if worker is None:
                return
            if worker == HIRE:
                assert all(self.flights.values()), "hired although a worker was idle"
                assert len(self.flights) < self.limit
                self.workers += 1
                worker = self.workers
                self.schedule.hired(worker)
                self.flights[worker] = []
            elif self.flights[worker]:
                assert all(self.flights.values()), "a second flight although a worker was idle"
                assert len(self.flights) == self.limit, "a second flight before a hire"
            flight = self.schedule.depart(worker)
            assert not any(before.heavy for before in self.flights[worker]), "put behind a heavy flight"
            assert not (flight.heavy and self.flights[worker]), "a heavy flight behind another one"
            numbers = [task.number for task in flight.tasks]
            assert numbers == self.backlog[: len(numbers)], "out of order"
            del self.backlog[: len(numbers)]
            self.flights[worker].append(flight)

    # -- events ------------------------------------------------------------------------------------

    @rule(count=st.integers(0, 6), heavy=st.booleans(), skip=st.booleans(), at_once=st.booleans())
    def admit(self, count: int, heavy: bool, skip: bool, at_once: bool) -> None:
        if skip:
            assert self.schedule.skip() == self.admitted
            self.over["skipped"].append(self.admitted)
            self.admitted += 1
        wanted = self.schedule.wants_more()
        numbers = list(range(self.admitted, self.admitted + count))
        self.schedule.admit([(str(number), str(number).encode()) for number in numbers], heavy)
        self.admitted += count
        self.backlog += numbers
        if wanted and count and not heavy:
            assert self.schedule.assign() is not None, "asked for tasks and had no place"
        if at_once:
            self.send_all()

    @rule()
    def send(self) -> None:
        self.send_all()

    @precondition(lambda self: any(self.flights.values()))
    @rule(data=st.data(), seconds=st.floats(0, 10))
    def land(self, data: st.DataObject, seconds: float) -> None:
        worker = data.draw(st.sampled_from([w for w, flights in self.flights.items() if flights]))
        flight = self.flights[worker].pop(0)
        assert self.schedule.landed(worker, flight.number, seconds) == flight
        self.over["finished"] += [task.number for task in flight.tasks]
        if not flight.heavy:
            self.mean += 0.3 * (max(seconds, 1e-6) / len(flight.tasks) - self.mean)

    @precondition(lambda self: self.flights)
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        worker = data.draw(st.sampled_from(list(self.flights)))
        flights = self.flights.pop(worker)
        done: list[Task] = []
        current = -1
        begun = bool(flights) and data.draw(st.booleans(), label="begun")
        rest = [task for flight in flights for task in flight.tasks]
        if begun:
            tasks = flights[0].tasks
            done = list(tasks[: data.draw(st.integers(0, len(tasks)), label="finished")])
            # What CURRENT may hold: nothing, the task just finished, or the one after it.
            places = [-1, *(task.number for task in (done[-1:] + list(tasks[len(done) : len(done) + 1])))]
            current = data.draw(st.sampled_from(places), label="current")
            rest = rest[len(done) :]
        finished = [task.number for task in done]
        wreck = self.schedule.died(worker, current, finished, begun)
        assert list(wreck.finished) == done
        if current != -1 and current not in finished:
            assert wreck.lost is not None
            assert wreck.lost.number == current
            self.over["lost"].append(current)
            rest = rest[1:]
        else:
            assert wreck.lost is None
        self.over["finished"] += finished
        self.backlog = [task.number for task in rest] + self.backlog

    @rule()
    def cancel(self) -> None:
        cancelled = [task.number for task in self.schedule.cancel()]
        assert cancelled == self.backlog
        self.over["cancelled"] += cancelled
        self.backlog = []

    # -- what always holds -------------------------------------------------------------------------

    @invariant()
    def every_task_is_in_one_place(self) -> None:
        flying = [task.number for flights in self.flights.values() for f in flights for task in f.tasks]
        over = [number for numbers in self.over.values() for number in numbers]
        assert sorted(self.backlog + flying + over) == list(range(self.admitted))
        assert self.schedule.busy == bool(self.backlog or flying)

    @invariant()
    def windows_and_crew_are_bounded(self) -> None:
        assert len(self.flights) <= self.limit
        for worker, flights in self.flights.items():
            assert len(flights) <= WINDOW
            assert list(self.schedule.flights_of(worker)) == flights
            assert len(flights) == 1 or not any(flight.heavy for flight in flights)

    @invariant()
    def a_batch_follows_the_mean(self) -> None:
        assert self.schedule.batch_limit == max(1, min(BATCH_MAX, int(TARGET / self.mean)))


Histories.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestHistories: Any = Histories.TestCase
