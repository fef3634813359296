"""The schedule's rules, one by one; test_schedule_histories.py tries them in any order."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from procession.pool.messages import WINDOW
from procession.pool.schedule import (
    CLAIM_MAX,
    CLAIM_TIME,
    FLIGHT_MAX,
    GROWTH,
    HIRE,
    LEAST,
    TARGET,
    Flight,
    Pace,
    Schedule,
    Stretch,
)


class Job:
    """Gives its tasks numbers; short tasks unless it is said otherwise."""

    def __init__(self, priority: int = 0, *, mean: float | None = TARGET) -> None:
        self.priority = priority
        self.pace = Pace(mean=mean)
        self._next = 0

    def stretch(self, items: Sequence[str], *, heavy: bool = False) -> Stretch:
        stretch = Stretch(self, self._next, items, heavy)
        self._next += len(items)
        return stretch


class Crew:
    """A schedule with stretches that wait for a place, as the engine has them."""

    def __init__(self, limit: int, names: Sequence[int] = (100, 101, 102)) -> None:
        self.schedule = Schedule(limit)
        self.job = Job()
        self.queue: list[Stretch] = []
        self._names = list(names)

    def add(self, items: Sequence[str], *, heavy: bool = False) -> None:
        self.queue.append(self.job.stretch(items, heavy=heavy))

    def send(self) -> list[tuple[int, Flight]]:
        """Hand out what can be handed out; workers are hired under the next of the names."""
        sent = []
        while self.queue or self.schedule.front():
            stretch = self.schedule.front() or self.queue[0]
            worker = self.schedule.place(heavy=stretch.heavy)
            if worker is None:
                break
            if self.schedule.front() is not None:
                self.schedule.take()
            else:
                self.queue.pop(0)
            if worker == HIRE:
                worker = self._names.pop(0)
                self.schedule.hired(worker)
            sent.append((worker, self.schedule.depart(worker, stretch)))
        return sent

    def land(self, worker: int, number: int, seconds: float = 0.0) -> Flight:
        count = self.schedule.flights[worker][0].own
        return self.schedule.landed(worker, number, count, seconds)


def names(sent: list[tuple[int, Flight]]) -> list[tuple[int, str]]:
    return [(worker, "".join(flight.stretch.items)) for worker, flight in sent]


def backlog(schedule: Schedule) -> list[str]:
    """What is there, front first; it is empty afterwards."""
    return ["".join(stretch.items) for stretch in schedule.give_up()]


# ── places ────────────────────────────────────────────────────────────────────────────────────────


def test_there_is_at_least_one_worker() -> None:
    with pytest.raises(ValueError, match="not 0"):
        Schedule(0)


def test_flights_of_a_worker_are_numbered_in_the_order_in_which_they_leave() -> None:
    crew = Crew(1)
    crew.add("ab")
    crew.add("c")
    ((_, first), (_, second)) = crew.send()
    assert [first.number, second.number] == [0, 1]
    assert [(first.stretch.first, first.own), (second.stretch.first, second.own)] == [(0, 2), (2, 1)]
    assert crew.schedule.in_flight == 3


def test_idle_first_then_hire_then_a_second_flight() -> None:
    crew = Crew(2)
    crew.add("a")
    assert crew.schedule.place() == HIRE
    crew.send()
    crew.land(100, 0)
    for name in "bcdef":
        crew.add(name)
    # 100 is idle; then 101 is hired; then each is given a second flight; then there is no room.
    assert names(crew.send()) == [(100, "b"), (101, "c"), (100, "d"), (101, "e")]
    assert crew.schedule.place() is None
    crew.land(101, 0)
    assert crew.schedule.place() == 101


def test_who_is_ready_goes_before_who_is_starting() -> None:
    schedule = Schedule(3)
    for worker in (100, 101):
        schedule.hired(worker)
    assert schedule.place() == 100  # nobody is ready: no third is hired for it
    schedule.ready(101)
    assert schedule.place() == 101


def test_who_is_leaving_gets_nothing_and_is_replaced_when_it_has_nothing_more_to_do() -> None:
    crew = Crew(1)
    crew.add("a")
    crew.send()
    crew.schedule.leaves(100)
    crew.add("b")
    assert (crew.schedule.staff(), crew.send()) == (1, [])
    crew.land(100, 0)
    assert crew.schedule.staff() == 0
    assert names(crew.send()) == [(101, "b")]


def test_those_who_leave_and_do_not_go_are_replaced_only_once() -> None:
    crew = Crew(1)
    for worker in (100, 101):
        crew.add("a")
        assert names(crew.send()) == [(worker, "a")]
        crew.schedule.leaves(worker)
        crew.land(worker, 0)
    crew.add("a")
    assert crew.schedule.place() is None
    crew.schedule.died(100, begun=False, done=0, claimed=0)
    assert crew.schedule.place() == HIRE


def test_a_window_is_never_exceeded() -> None:
    crew = Crew(1)
    for _ in range(WINDOW + 1):
        crew.add("a")
    assert len(crew.send()) == WINDOW
    assert len(crew.schedule.flights[100]) == WINDOW


def test_a_heavy_flight_waits_for_an_idle_worker_and_has_no_company() -> None:
    crew = Crew(1)
    crew.add("l")
    crew.send()
    crew.add("h", heavy=True)
    assert crew.schedule.place(heavy=True) is None
    assert crew.send() == []
    crew.land(100, 0)
    assert names(crew.send()) == [(100, "h")]
    assert crew.schedule.place() is None
    crew.land(100, 1)
    assert crew.schedule.place() == 100


@pytest.mark.parametrize(("mean", "short"), [(None, False), (TARGET, True), (TARGET * 1.01, False)])
def test_only_behind_short_tasks_a_second_flight_waits(mean: float | None, short: bool) -> None:
    crew = Crew(1)
    crew.job.pace = Pace(mean=mean)
    crew.add("a")
    crew.send()
    assert crew.schedule.place() == (100 if short else None)


# ── the dead ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("begun", "done", "claimed", "lost", "rest"),
    [
        pytest.param(False, 0, 0, None, "abcd", id="it-had-not-opened-the-flight"),
        pytest.param(True, 0, 0, None, "abcd", id="opened-and-nothing-begun"),
        pytest.param(True, 0, 1, 0, "bcd", id="at-the-first-task"),
        pytest.param(True, 1, 1, None, "bcd", id="between-two-tasks"),
        pytest.param(True, 1, 2, 1, "cd", id="at-the-second-task"),
        pytest.param(True, 1, 4, 1, "cd", id="at-the-second-task-with-all-claimed"),
        pytest.param(True, 3, 4, 3, "", id="at-the-last-task"),
        pytest.param(True, 4, 4, None, "", id="before-it-could-report"),
    ],
)
def test_what_a_dead_worker_leaves(begun: bool, done: int, claimed: int, lost: int | None, rest: str) -> None:
    crew = Crew(1)
    for items in ("abcd", "ef"):
        crew.add(items)
    crew.send()
    wreck = crew.schedule.died(100, begun=begun, done=done, claimed=claimed)
    assert (wreck is not None) == begun
    if wreck is not None:
        assert (wreck.done, wreck.lost, "".join(wreck.flight.stretch.items)) == (done, lost, "abcd")
    crew.add("g")
    # The rest goes on in order, before what came later.
    again = [items for _, items in names(crew.send())]
    expected = [rest, "ef", "g"] if rest else ["ef", "g"]
    assert again == expected[:WINDOW]
    if rest:
        assert crew.schedule.flights[101][0].stretch.first == 4 - len(rest)


def test_a_worker_without_flights_leaves_nothing() -> None:
    schedule = Schedule(1)
    schedule.hired(100)
    assert schedule.died(100, begun=False, done=0, claimed=0) is None
    assert schedule.front() is None
    assert schedule.place() == HIRE


def test_the_number_of_a_dead_worker_may_come_again() -> None:
    crew = Crew(1, names=(100, 100))
    crew.add("a")
    crew.send()
    crew.schedule.ready(100)
    crew.schedule.leaves(100)
    crew.schedule.died(100, begun=False, done=0, claimed=0)
    ((worker, flight),) = crew.send()
    assert (worker, flight.number) == (100, 0)
    crew.land(100, 0)
    assert crew.schedule.place() == 100


def test_a_dismissed_worker_takes_its_flights_along() -> None:
    crew = Crew(1)
    crew.add("a")
    crew.send()
    crew.schedule.put_back(crew.job.stretch("b"))
    crew.schedule.dismissed(100)
    assert crew.schedule.place() == HIRE
    assert backlog(crew.schedule) == ["b"]
    assert not crew.schedule.busy


# ── taken back ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("claimed", "back"), [(0, ["abcd"]), (1, ["bcd"]), (3, ["d"]), (4, []), (7, [])])
def test_what_lies_beyond_the_claim_is_taken_back(claimed: int, back: list[str]) -> None:
    crew = Crew(1)
    crew.add("abcd")
    ((_, flight),) = crew.send()
    crew.schedule.take_back(flight, claimed)
    own = min(claimed, 4)
    assert (flight.own, crew.schedule.in_flight, crew.schedule.in_backlog) == (own, own, 4 - own)
    assert crew.schedule.busy
    # What it has done of its own counts, and lands once.
    landed = crew.schedule.landed(100, 0, own, 1.0)
    assert landed is flight
    assert backlog(crew.schedule) == back
    assert not crew.schedule.busy


def test_an_early_landing_gives_back_what_was_its_own_and_not_more() -> None:
    crew = Crew(1)
    crew.add("abcdef")
    ((_, flight),) = crew.send()
    crew.schedule.take_back(flight, 4)
    assert backlog(crew.schedule) == ["ef"]
    crew.schedule.landed(100, 0, 1, 1.0)
    front = crew.schedule.front()
    assert front is not None
    assert (front.first, front.items) == (1, "bcd")


def test_taken_back_twice_it_goes_nowhere_twice() -> None:
    crew = Crew(1)
    crew.add("abcdef")
    ((_, flight),) = crew.send()
    crew.schedule.take_back(flight, 4)
    crew.schedule.take_back(flight, 2)
    crew.schedule.take_back(flight, 3)
    assert flight.own == 2
    assert backlog(crew.schedule) == ["cd", "ef"]


def test_a_dead_worker_leaves_only_what_was_still_its_own() -> None:
    crew = Crew(1)
    crew.add("abcdef")
    crew.add("gh")
    ((_, first), (_, second)) = crew.send()
    crew.schedule.take_back(second, 0)
    crew.schedule.take_back(first, 3)
    crew.schedule.give_up()
    wreck = crew.schedule.died(100, begun=True, done=1, claimed=3)
    assert wreck is not None
    assert (wreck.done, wreck.lost) == (1, 1)
    assert backlog(crew.schedule) == ["c"]


# ── the backlog ───────────────────────────────────────────────────────────────────────────────────


def test_the_backlog_is_in_order_of_priority_and_then_the_last_put_back_first() -> None:
    schedule = Schedule(1)
    low, high = Job(-1), Job(5)
    for job, items in ((low, "ab"), (high, "cd"), (low, "ef"), (high, "gh"), (low, "")):
        schedule.put_back(job.stretch(items))
    assert (schedule.in_backlog, schedule.urgency()) == (8, 5)
    assert ["".join(schedule.take().items) for _ in range(4)] == ["gh", "cd", "ef", "ab"]
    assert (schedule.in_backlog, schedule.urgency(), schedule.front()) == (0, None, None)


def test_a_part_is_taken_from_the_front_and_the_rest_stays_there() -> None:
    schedule = Schedule(1)
    job = Job()
    schedule.put_back(job.stretch("uvw"))
    schedule.put_back(job.stretch("abcde"))
    taken = [schedule.take(2), schedule.take(2), schedule.take(2), schedule.take(3)]
    assert [(stretch.first, stretch.items) for stretch in taken] == [
        (3, "ab"),
        (5, "cd"),
        (7, "e"),
        (0, "uvw"),
    ]


def test_a_job_is_given_up_and_others_stay() -> None:
    crew = Crew(1)
    crew.add("ab")
    crew.send()
    other = Job(3)
    for stretch in (crew.job.stretch("ef"), other.stretch("xy"), crew.job.stretch("cd")):
        crew.schedule.put_back(stretch)
    assert ["".join(stretch.items) for stretch in crew.schedule.give_up(crew.job)] == ["cd", "ef"]
    assert crew.schedule.give_up(crew.job) == []
    assert crew.schedule.busy
    assert crew.schedule.urgency() == 3
    assert backlog(crew.schedule) == ["xy"]
    assert "".join(crew.land(100, 0).stretch.items) == "ab"
    assert not crew.schedule.busy


@pytest.mark.parametrize(
    ("number", "rest"), [(0, ["bcd", "ef"]), (2, ["ab", "d", "ef"]), (3, ["abc", "ef"]), (5, ["abcd", "e"])]
)
def test_one_task_is_withdrawn(number: int, rest: list[str]) -> None:
    schedule = Schedule(1)
    job, other = Job(), Job(-1)
    first, second = job.stretch("abcd"), job.stretch("ef")
    schedule.put_back(other.stretch("xyzxyz"))
    schedule.put_back(second)
    schedule.put_back(first)
    assert not schedule.withdraw(job, 6)
    assert schedule.withdraw(job, number)
    assert not schedule.withdraw(job, number)
    assert sorted(backlog(schedule)) == sorted([*rest, "xyzxyz"])


def test_a_flight_that_did_not_leave_is_as_if_it_never_had() -> None:
    crew = Crew(1)
    crew.add("ab")
    crew.add("cd")
    crew.send()
    assert "".join(crew.schedule.undo(100).items) == "cd"
    flight = crew.schedule.depart(100, crew.job.stretch("ef"))
    assert flight.number == 1


def test_a_flight_that_was_not_sent_cannot_land() -> None:
    crew = Crew(1)
    crew.add("a")
    crew.send()
    with pytest.raises(ValueError, match="worker 100 ended flight 5, expected 0"):
        crew.schedule.landed(100, 5, 1, 1.0)


# ── the pace ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("seconds_per_task", "limit"),
    [
        (TARGET * 100, 1),
        (TARGET, 1),
        (TARGET / 10, 10),
        (TARGET / 100, 100),
        (1e-9, FLIGHT_MAX),
        (0.0, FLIGHT_MAX),
    ],
)
def test_a_flight_is_as_long_as_the_target(seconds_per_task: float, limit: int) -> None:
    pace = Pace()
    assert pace.limit(None, 4) == 1  # nothing is known
    for _ in range(60):
        pace.latest = pace.limit(None, 4)
        pace.landed(pace.latest, pace.latest * seconds_per_task)
    assert abs(pace.limit(None, 4) - limit) <= 1


def test_a_flight_grows_step_by_step() -> None:
    pace = Pace()
    pace.landed(1, 1e-7)
    sizes = []
    for _ in range(6):
        pace.latest = pace.limit(None, 1)
        sizes.append(pace.latest)
    assert sizes == [GROWTH, GROWTH**2, GROWTH**3, GROWTH**4, FLIGHT_MAX, FLIGHT_MAX]


def test_a_slow_first_task_is_soon_forgotten() -> None:
    pace = Pace()
    pace.landed(1, 5.0)  # its imports
    flights = 0
    while pace.limit(None, 1) < 50:
        pace.latest = pace.limit(None, 1)
        pace.landed(pace.latest, pace.latest * TARGET / 100)
        flights += 1
    assert flights < 20


def test_a_mean_that_is_known_needs_no_growth() -> None:
    assert abs(Pace(mean=TARGET / 1000).limit(None, 1) - 1000) <= 1


@pytest.mark.parametrize(
    ("remaining", "workers", "limit"), [(1000, 1, 100), (100, 1, 50), (99, 2, 25), (10, 8, 5), (1, 8, 5)]
)
def test_near_the_end_there_is_something_for_everybody(remaining: int, workers: int, limit: int) -> None:
    """LEAST is worth five of these tasks."""
    assert int(LEAST / 1e-4) == 5
    assert Pace(mean=1e-4).limit(remaining, workers) == limit


def test_a_fixed_flight_stays_so_long() -> None:
    pace = Pace(7)
    assert pace.limit(3, 100) == pace.limit(None, 1) == 7
    pace.landed(7, 1000.0)
    assert pace.limit(None, 1) == 7


@pytest.mark.parametrize(
    ("lot", "mean", "waiting", "share"),
    [
        (100, None, 99, 25),
        (100, 1.0, 1, 1),
        (7, None, 1000, 7),
        (100, 1.1e-5, 99, 45),
        (0, None, 99, 1),
        (0, 1e-4, 40, 10),
    ],
)
def test_what_one_worker_had_is_shared_by_all(lot: int, mean: float | None, waiting: int, share: int) -> None:
    assert Pace(lot, mean).share(waiting, 2) == share


@pytest.mark.parametrize(
    ("mean", "claim"),
    [(None, 1), (1.0, 1), (CLAIM_TIME * 1.01, 1), (CLAIM_TIME, 1), (CLAIM_TIME / 4.5, 4), (1e-9, CLAIM_MAX)],
)
def test_a_claim_is_worth_some_microseconds(mean: float | None, claim: int) -> None:
    assert Pace(mean=mean).claim() == claim


def test_nothing_landed_says_nothing() -> None:
    pace = Pace()
    pace.landed(0, 3.0)
    assert pace.mean is None


def test_heavy_tasks_say_nothing_about_the_usual_length() -> None:
    crew = Crew(1)
    for number in range(60):
        crew.add("a", heavy=number % 2 == 1)
        crew.send()
        crew.land(100, number, 1000.0 if number % 2 else TARGET / 50)
    crew.job.pace.latest = 100
    assert abs(crew.job.pace.limit(None, 1) - 50) <= 1
