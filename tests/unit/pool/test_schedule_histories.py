"""Any history of a crew, against a model that only keeps lists: no task is lost, doubled or overtaken."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from procession.pool.messages import WINDOW
from procession.pool.schedule import CLAIM_MAX, FLIGHT_MAX, HIRE, TARGET, Flight, Pace, Schedule, Stretch

Task = tuple[int, int]  # job and number


class Job:
    """Endless; a task's item is its own name."""

    def __init__(self, name: int, priority: int, mean: float | None) -> None:
        self.name = name
        self.priority = priority
        self.pace = Pace(mean=mean)
        self.taken = 0

    def take(self, count: int, *, heavy: bool) -> Stretch:
        first, self.taken = self.taken, self.taken + count
        return Stretch(self, first, [(self.name, number) for number in range(first, self.taken)], heavy)


class Worker:
    """What a worker knows of its flights: how far it has claimed the first, and how much of it is done."""

    def __init__(self) -> None:
        self.flights: list[Flight] = []
        self.begun = False
        self.claimed = 0
        self.done = 0

    def next(self) -> None:
        del self.flights[0]
        self.begun, self.claimed, self.done = False, 0, 0


def tasks(stretch: Stretch) -> list[Task]:
    assert [number for _, number in stretch.items] == list(
        range(stretch.first, stretch.first + len(stretch.items))
    )
    return list(stretch.items)


class Histories(RuleBasedStateMachine):
    """The model: which task is where; and the workers' own view, which makes their deaths consistent."""

    def __init__(self) -> None:
        super().__init__()
        self.limit = 3
        self.schedule = Schedule(self.limit)
        self.jobs = [Job(0, 0, TARGET), Job(1, 0, None), Job(2, 7, TARGET / 100)]
        self.backlog: list[tuple[int, list[Task]]] = []  # (priority, tasks); the front is the first
        self.workers: dict[int, Worker] = {}
        self.leaving: set[int] = set()
        self.ready: set[int] = set()
        self.over: dict[str, list[Task]] = {"finished": [], "lost": [], "given up": [], "dismissed": []}
        self.hired = 0

    # -- the model ---------------------------------------------------------------------------------

    def put_back(self, stretch: Stretch) -> None:
        """In front of its own priority."""
        if not stretch.items:
            return
        priority = stretch.job.priority
        at = sum(1 for other, _ in self.backlog if other > priority)
        self.backlog.insert(at, (priority, tasks(stretch)))

    def place(self, stretch: Stretch) -> int | None:
        worker = self.schedule.place(heavy=stretch.heavy)
        if worker is None:
            return None
        staying = {name: w for name, w in self.workers.items() if name not in self.leaving}
        staff = self.staff()
        if worker == HIRE:
            assert all(w.flights for w in staying.values()), "hired although a worker was idle"
            assert staff < self.limit
            assert len(self.workers) < 2 * self.limit
            self.hired += 1
            worker = self.hired
            self.schedule.hired(worker)
            self.workers[worker] = Worker()
            return worker
        assert worker not in self.leaving
        flights = self.workers[worker].flights
        if flights:
            assert all(w.flights for w in staying.values()), "a second flight although a worker was idle"
            crowded = len(self.workers) == 2 * self.limit
            assert staff >= self.limit or crowded, "a second flight before a hire"
            assert not flights[0].stretch.heavy, "put behind a heavy flight"
            assert flights[0].stretch.job.pace.is_short, "put behind a long one"
            assert not stretch.heavy, "a heavy flight behind another one"
        elif worker not in self.ready:
            assert not any(not staying[name].flights for name in self.ready if name in staying)
        return worker

    def depart(self, worker: int, stretch: Stretch) -> None:
        flight = self.schedule.depart(worker, stretch)
        assert flight.own == len(stretch.items)
        assert flight.stretch is stretch
        self.workers[worker].flights.append(flight)

    def some(self, data: st.DataObject, names: list[int]) -> int:
        return data.draw(st.sampled_from(names), label="worker")

    def staff(self) -> int:
        return sum(1 for name, w in self.workers.items() if w.flights or name not in self.leaving)

    def flying(self) -> list[int]:
        return [name for name, worker in self.workers.items() if worker.flights]

    # -- events ------------------------------------------------------------------------------------

    @rule(name=st.integers(0, 2), count=st.integers(1, 6), heavy=st.booleans(), undo=st.booleans())
    def take_from_a_job(self, name: int, count: int, heavy: bool, undo: bool) -> None:
        """As the engine does it: only when there is a place; what then finds none waits in front."""
        if self.schedule.place() is None:
            return
        stretch = self.jobs[name].take(count, heavy=heavy)
        worker = self.place(stretch)
        if worker is None:
            assert heavy
            self.schedule.put_back(stretch)
            self.put_back(stretch)
            return
        self.depart(worker, stretch)
        if undo:
            assert self.schedule.undo(worker) is stretch
            self.workers[worker].flights.pop()
            self.schedule.put_back(stretch)
            self.put_back(stretch)

    @precondition(lambda self: self.backlog)
    @rule(limit=st.none() | st.integers(1, 5))
    def take_from_the_backlog(self, limit: int | None) -> None:
        front = self.schedule.front()
        assert front is not None
        worker = self.place(front)
        if worker is None:
            return
        stretch = self.schedule.take(limit)
        priority, expected = self.backlog.pop(0)
        assert stretch.job.priority == priority
        count = len(expected) if limit is None else min(limit, len(expected))
        assert tasks(stretch) == expected[:count], "out of order"
        assert stretch.heavy == front.heavy
        if expected[count:]:
            self.backlog.insert(0, (priority, expected[count:]))
        self.depart(worker, stretch)

    @precondition(lambda self: self.workers)
    @rule(data=st.data())
    def become_ready(self, data: st.DataObject) -> None:
        worker = self.some(data, list(self.workers))
        self.schedule.ready(worker)
        self.ready.add(worker)

    @precondition(lambda self: self.workers)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        worker = self.some(data, list(self.workers))
        self.schedule.leaves(worker)
        self.leaving.add(worker)

    @precondition(lambda self: self.flying())
    @rule(data=st.data(), claims=st.integers(0, 4))
    def work(self, data: st.DataObject, claims: int) -> None:
        """Claim some, do some of them."""
        worker = self.workers[self.some(data, self.flying())]
        own = worker.flights[0].own
        worker.begun = True
        worker.claimed = max(worker.claimed, min(own, worker.claimed + claims))
        worker.done = data.draw(st.integers(worker.done, max(worker.done, worker.claimed)), label="done")

    @precondition(lambda self: self.flying())
    @rule(data=st.data(), all_flights=st.booleans())
    def take_back(self, data: st.DataObject, all_flights: bool) -> None:
        worker = self.workers[self.some(data, self.flying())]
        for flight in reversed(worker.flights if all_flights else worker.flights[-1:]):
            claimed = worker.claimed if flight is worker.flights[0] else 0
            before = tasks(flight.stretch)[: flight.own]
            self.schedule.take_back(flight, claimed)
            assert flight.own == min(claimed, len(before))
            self.put_back(flight.stretch.part(flight.own, len(before)))

    @precondition(lambda self: self.flying())
    @rule(data=st.data(), seconds=st.floats(0, 10), early=st.booleans())
    def land(self, data: st.DataObject, seconds: float, early: bool) -> None:
        name = self.some(data, self.flying())
        worker = self.workers[name]
        flight = worker.flights[0]
        done = worker.done if early else flight.own
        pace, mean = flight.stretch.job.pace, flight.stretch.job.pace.mean
        assert self.schedule.landed(name, flight.number, done, seconds) is flight
        self.over["finished"] += tasks(flight.stretch)[:done]
        if flight.stretch.heavy or not done:
            assert pace.mean == mean
        self.put_back(flight.stretch.part(done, flight.own))
        worker.next()

    @precondition(lambda self: self.workers)
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        name = self.some(data, list(self.workers))
        worker = self.workers.pop(name)
        self.leaving.discard(name)
        self.ready.discard(name)
        begun = bool(worker.flights) and worker.begun
        wreck = self.schedule.died(name, begun=begun, done=worker.done, claimed=worker.claimed)
        rests = [flight.stretch.part(0, flight.own) for flight in worker.flights]
        if begun:
            flight = worker.flights[0]
            assert wreck is not None
            assert (wreck.flight, wreck.done) == (flight, worker.done)
            self.over["finished"] += tasks(flight.stretch)[: worker.done]
            at = worker.done
            if worker.done < min(worker.claimed, flight.own):
                assert wreck.lost == worker.done
                self.over["lost"].append(tasks(flight.stretch)[worker.done])
                at += 1
            else:
                assert wreck.lost is None
            rests[0] = flight.stretch.part(at, max(at, flight.own))
        else:
            assert wreck is None
        for rest in reversed(rests):
            self.put_back(rest)

    @precondition(lambda self: self.workers)
    @rule(data=st.data())
    def dismiss(self, data: st.DataObject) -> None:
        name = self.some(data, list(self.workers))
        for flight in self.workers.pop(name).flights:
            self.over["dismissed"] += tasks(flight.stretch)[: flight.own]
        self.leaving.discard(name)
        self.ready.discard(name)
        self.schedule.dismissed(name)

    @rule(name=st.none() | st.integers(0, 2))
    def give_up(self, name: int | None) -> None:
        """Of one job, or all: in order, and only that."""
        given_up = [tasks(s) for s in self.schedule.give_up(None if name is None else self.jobs[name])]
        expected = [entry for _, entry in self.backlog if name in (None, entry[0][0])]
        assert given_up == expected
        self.backlog = [entry for entry in self.backlog if entry[1] not in expected]
        self.over["given up"] += [task for entry in given_up for task in entry]

    @precondition(lambda self: self.backlog)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        task = data.draw(st.sampled_from([task for _, entry in self.backlog for task in entry]))
        job = self.jobs[task[0]]
        assert self.schedule.withdraw(job, task[1])
        assert not self.schedule.withdraw(job, task[1])
        assert not self.schedule.withdraw(job, job.taken)
        self.over["given up"].append(task)
        priority, entry = next(found for found in self.backlog if task in found[1])
        self.backlog.remove((priority, entry))
        at = entry.index(task)
        for part in (entry[at + 1 :], entry[:at]):
            if part:
                self.put_back(Stretch(job, part[0][1], part))

    # -- what always holds -------------------------------------------------------------------------

    @invariant()
    def every_task_is_in_one_place(self) -> None:
        waiting = [task for _, entry in self.backlog for task in entry]
        flying = [
            task
            for worker in self.workers.values()
            for flight in worker.flights
            for task in tasks(flight.stretch)[: flight.own]
        ]
        over = [task for kind in self.over.values() for task in kind]
        taken = [(job.name, number) for job in self.jobs for number in range(job.taken)]
        assert sorted(waiting + flying + over) == taken
        assert (self.schedule.in_backlog, self.schedule.in_flight) == (len(waiting), len(flying))
        assert self.schedule.busy == bool(waiting or any(worker.flights for worker in self.workers.values()))

    @invariant()
    def the_front_is_the_most_urgent(self) -> None:
        front = self.schedule.front()
        assert (front is None) == (not self.backlog)
        if front is not None:
            assert tasks(front) == self.backlog[0][1]
            assert self.schedule.urgency() == self.backlog[0][0] == max(entry[0] for entry in self.backlog)

    @invariant()
    def windows_and_crew_are_bounded(self) -> None:
        assert self.schedule.staff() == self.staff() <= self.limit
        assert len(self.workers) <= 2 * self.limit
        assert set(self.schedule.flights) == set(self.workers)
        for name, worker in self.workers.items():
            assert len(worker.flights) <= WINDOW
            assert list(self.schedule.flights[name]) == worker.flights
            assert len(worker.flights) == 1 or not any(flight.stretch.heavy for flight in worker.flights)

    @invariant()
    def a_pace_stays_within_its_bounds(self) -> None:
        for job in self.jobs:
            for remaining in (None, 1, 1000):
                assert 1 <= job.pace.limit(remaining, self.limit) <= FLIGHT_MAX
            assert 1 <= job.pace.claim() <= CLAIM_MAX


Histories.TestCase.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
TestHistories: Any = Histories.TestCase
