"""What the engine can and a crew does not show: taking back, time limits, cancelling, turns, retries."""

from __future__ import annotations

import errno
import marshal
import os
import resource
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from procession.errors import CrewBroken, WorkerDied
from procession.linux import membarrier
from procession.pool import ends as ends_module
from procession.pool import hand as hand_module
from procession.pool.ends import STILLBORN_MAX
from procession.pool.page import CLAIM, HALF, VERSION
from procession.pool.schedule import FLIGHT_MAX, TARGET, Pace
from procession.pool.worker import CALLS, FIRST_JOB
from procession.process.start import fork_child
from tests.unit.pool import enginekit
from tests.unit.pool.enginekit import Job, Shop, Stopped
from tests.unit.pool.kit import METHODS

KIB = 1024
barriers = pytest.mark.parametrize("barrier", [True, False], ids=["membarrier", "without membarrier"])


@pytest.fixture
def no_barrier(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    def set_to(barrier: bool) -> None:
        if not barrier:
            monkeypatch.setattr(membarrier, "_commands", 0)
        elif not membarrier.available():
            pytest.skip("membarrier(2) is not to be had here")

    return set_to


@pytest.mark.parametrize("method", METHODS)
def test_a_job_brings_its_function_and_each_task_has_its_outcome(method: str, tmp_path: Path) -> None:
    with Shop(tmp_path, method=method) as shop:
        jobs = [Job(shop.ledger.tasks(300), number=number) for number in (FIRST_JOB, FIRST_JOB + 1)]
        shop.run(*jobs)
        assert [job.values for job in jobs] == [{number: number for number in range(300)}] * 2
        assert Counter(shop.ledger.numbers()) == dict.fromkeys(range(300), 2)
        with shop.engine.lock:
            shop.engine.forget(jobs[0])
        again = Job(shop.ledger.tasks(3))  # by the same number: it is taught anew
        shop.run(again)
        assert again.values == {0: 0, 1: 1, 2: 2}
        assert (shop.engine.done, shop.engine.failed) == (603, 0)


def warm_up(shop: Shop) -> None:
    """Have all workers hired and ready."""
    count = shop.engine.schedule.limit
    tasks = [shop.ledger.task(-1 - number, shop.ledger.gate("warm")) for number in range(count)]
    job = Job(tasks, pace=Pace(1))
    shop.offer(job)
    shop.until(lambda: len(shop.ledger.rung) == count)
    shop.ledger.open("warm")
    shop.until(lambda: job.over)
    os.truncate(shop.ledger.path, 0)
    shop.ledger.rung.clear()


# ── taking back ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mean", [None, 0.01], ids=["unknown mean", "known mean"])
def test_an_idle_worker_does_what_waits_behind_a_long_task(mean: float | None, tmp_path: Path) -> None:
    with Shop(tmp_path) as shop:
        warm_up(shop)
        job = Job(shop.ledger.tasks(50, held=[0]), number=FIRST_JOB + 1, pace=Pace(50, mean))
        shop.offer(job)
        shop.until(lambda: len(job.values) == 49)
        assert 0 not in job.values
        shop.ledger.open()
        shop.until(lambda: job.over)
        pids = shop.ledger.pids()
        assert set(pids) == set(range(50))
        numbers = shop.ledger.numbers()
        assert pids[0] not in {pids[number] for number in numbers[numbers.index(0) + 1 :]}


def test_workers_that_never_idle_take_over_what_waits_too_long(tmp_path: Path) -> None:
    """There is always more to do, and yet a task must not wait for the long one that is before it."""
    with Shop(tmp_path) as shop:
        tasks = shop.ledger.tasks(100_000)
        tasks[0] = shop.ledger.task(0, shop.ledger.gate())
        job = Job(tasks, enginekit.spin, pace=Pace(20, 0.001))
        shop.offer(job)
        shop.until(lambda: set(range(1, 20)) <= set(job.values))
        assert job.remaining(), "others were idle"
        shop.cancel(job)
        shop.until(lambda: not shop.engine.busy)
        pids = shop.ledger.pids()
        assert pids[0] not in {pids[number] for number in range(1, 20)}
        assert isinstance(job.errors.pop(0), Stopped)
        assert set(job.values) | set(job.dropped) >= set(range(1, job.taken)) - set(job.errors)


def test_the_flight_behind_a_long_one_goes_to_another_worker(tmp_path: Path) -> None:
    with Shop(tmp_path, workers=2) as shop:
        pace = Pace(2, TARGET)
        first = Job(shop.ledger.tasks(2, held=[0, 1]), pace=Pace(1, TARGET))
        shop.offer(first)
        shop.until(lambda: sorted(shop.ledger.rung) == [0, 1])
        second = Job([shop.ledger.task(number) for number in range(10, 14)], number=FIRST_JOB + 1, pace=pace)
        shop.offer(second)
        assert [len(flights) for flights in shop.engine.schedule.flights.values()] == [2, 2]
        # One becomes free; what waits behind the other is taken over, too.
        with shop.engine.lock:
            shop.engine.end_running(first, 1, Stopped)
        shop.until(lambda: second.over)
        assert set(first.errors) == {1}
        shop.ledger.open()
        shop.until(lambda: not shop.engine.busy)
        assert first.values == {0: 0}
        assert set(shop.ledger.pids()) == {0, 1, 10, 11, 12, 13}


def test_one_task_is_withdrawn_from_whoever_has_not_begun_it(tmp_path: Path) -> None:
    with Shop(tmp_path, workers=1) as shop:
        job = Job(shop.ledger.tasks(6, held=[0]), lot=6)
        shop.offer(job)
        shop.until(lambda: shop.ledger.rung)
        with shop.engine.lock:
            assert [shop.engine.withdraw(job, number) for number in (3, 0, 3, 9)] == [
                True,
                False,
                False,
                False,
            ]
        shop.ledger.open()
        shop.until(lambda: len(job.values) == 5)
        assert sorted(shop.ledger.pids()) == [0, 1, 2, 4, 5]


# ── time limits ───────────────────────────────────────────────────────────────────────────────────


@barriers
@pytest.mark.parametrize("workers", [1, 2])
def test_exactly_the_task_that_takes_too_long_fails(
    workers: int, barrier: bool, no_barrier: Callable[[bool], None], tmp_path: Path
) -> None:
    no_barrier(barrier)
    with Shop(tmp_path, workers=workers) as shop:
        late = [0, 5, 17, 18, 29]
        job = Job(shop.ledger.tasks(30, held=late), timeout=0.1, lot=10)
        shop.run(job)
        pids = shop.ledger.pids()
        assert set(pids) == set(range(30))
        assert set(job.values) == set(range(30)) - set(late)
        assert {number: error.args for number, error in job.errors.items()} == {
            number: (number, pids[number]) for number in late
        }
        assert all(isinstance(error, Stopped) for error in job.errors.values())
        assert len(shop.exits) == len(late)
        assert (shop.engine.done, shop.engine.failed) == (25, 5)


def test_the_limit_is_that_of_a_task_and_not_of_a_flight(tmp_path: Path) -> None:
    with Shop(tmp_path, workers=1) as shop:
        job = Job(shop.ledger.tasks(10), enginekit.spin_long, timeout=0.3, lot=10)
        shop.run(job)
        assert len(job.values) == 10
        assert shop.exits == []


def test_the_start_of_a_worker_does_not_count(tmp_path: Path) -> None:
    with Shop(tmp_path, workers=1, method="spawn") as shop:
        job = Job(shop.ledger.tasks(3), timeout=0.02, lot=3)
        shop.run(job)
        assert (len(job.values), shop.exits) == (3, [])


def test_a_limit_begins_for_the_flight_that_waited_behind_another(tmp_path: Path) -> None:
    with Shop(tmp_path, workers=1) as shop:
        first = Job(shop.ledger.tasks(1, held=[0]), pace=Pace(1, TARGET))
        shop.offer(first)
        shop.until(lambda: shop.ledger.rung)
        second = Job([shop.ledger.task(1, shop.ledger.gate("other"))], number=FIRST_JOB + 1, timeout=0.05)
        shop.offer(second)
        shop.ledger.open()
        shop.until(lambda: second.over)
        assert (first.values, list(second.errors)) == ({0: 0}, [0])


# ── cancelling ────────────────────────────────────────────────────────────────────────────────────


@barriers
def test_a_job_that_is_cancelled_ends_and_its_neighbours_do_not(
    barrier: bool, no_barrier: Callable[[bool], None], tmp_path: Path
) -> None:
    no_barrier(barrier)
    with Shop(tmp_path) as shop:
        job = Job(shop.ledger.tasks(40, held=range(40)), pace=Pace(10, TARGET))
        shop.offer(job)
        shop.until(lambda: len(shop.ledger.rung) == 2)
        other = Job(
            [shop.ledger.task(number) for number in range(100, 110)],
            number=FIRST_JOB + 1,
            pace=Pace(5, TARGET),
        )
        shop.offer(other)
        assert shop.cancel(job) == 2
        shop.until(lambda: other.over and not shop.engine.busy)
        begun = sorted(shop.ledger.rung)
        assert sorted(job.errors) == begun
        assert all(isinstance(error, Stopped) for error in job.errors.values())
        assert set(job.dropped) == set(range(job.taken)) - set(begun)
        assert sorted(shop.ledger.pids()) == [*begun, *range(100, 110)]
        assert len(shop.exits) == 2


@barriers
def test_one_running_task_is_ended_and_the_rest_of_its_flight_is_done(
    barrier: bool, no_barrier: Callable[[bool], None], tmp_path: Path
) -> None:
    no_barrier(barrier)
    with Shop(tmp_path, workers=1) as shop:
        job = Job(shop.ledger.tasks(20, held=[7]), lot=10)
        shop.offer(job)
        shop.until(lambda: shop.ledger.rung)
        assert [shop.cancel(job, number) for number in (6, 8, 19, 7)] == [0, 0, 0, 1]
        shop.until(lambda: job.over)
        assert set(job.errors) == {7}
        assert job.errors[7].args == (7, shop.ledger.pids()[7])
        assert set(job.values) == set(range(20)) - {7}
        assert set(shop.ledger.pids()) == set(range(20))


def test_what_a_worker_had_claimed_of_a_cancelled_job_does_not_run_afterwards(tmp_path: Path) -> None:
    """Very short tasks are claimed many at a time; the claimed ones are nobody else's to take back."""
    with Shop(tmp_path, workers=1) as shop:
        job = Job(shop.ledger.tasks(20, held=[0]), pace=Pace(20, 1e-6))
        shop.offer(job)
        shop.until(lambda: shop.ledger.rung)
        (hand,) = shop.engine.hands.values()
        assert hand.page.slots[CLAIM] == 20
        assert shop.cancel(job) == 1
        shop.until(lambda: not shop.engine.busy)
        assert list(job.errors) == [0]
        assert set(job.dropped) == set(range(1, 20))
        assert shop.ledger.numbers() == [0]


def test_a_call_that_is_cancelled_too_late_costs_its_neighbours_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It ends between the look and the kill: the worker must not be at the next one then."""
    with Shop(tmp_path, workers=1) as shop:
        tasks: list[Any] = [(enginekit.work, (task,), {}) for task in shop.ledger.tasks(20, held=[0])]
        job = Job(tasks, number=CALLS, pace=Pace(20, 1e-6))
        shop.offer(job)
        shop.until(lambda: shop.ledger.rung)
        (hand,) = shop.engine.hands.values()
        kill = hand.child.send_signal

        def kill_late(signum: int) -> None:
            shop.ledger.open()
            while hand.page.mark(0) < 1:
                os.sched_yield()
            kill(signum)

        monkeypatch.setattr(type(hand.child), "send_signal", lambda _self, signum: kill_late(signum))
        assert shop.cancel(job, 0) == 1
        monkeypatch.undo()
        shop.until(lambda: job.over)
        assert job.values == {number: number for number in range(20)}
        assert set(shop.ledger.pids()) == set(range(20))


# ── workers that have done enough ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("lot", [0, 1, 2, 100])
def test_a_worker_goes_home_after_so_many_tasks(lot: int, method: str, tmp_path: Path) -> None:
    with Shop(tmp_path, max_tasks=3, method=method) as shop:
        staff: list[int] = []
        shop.engine.on_hired = lambda _hand: staff.append(len(shop.engine.hands))
        job = Job(shop.ledger.tasks(30), pace=Pace(lot, TARGET))
        shop.run(job)
        pids = shop.ledger.pids()
        assert max(staff) <= 4, "two that work, and two that leave"
        assert set(job.values) == set(pids) == set(range(30))
        assert max(Counter(pids.values()).values()) <= 3
        assert len(set(pids.values())) >= 10
        idle = [pid for pid, _, tasks in shop.exits if not tasks]
        # A ready one may take over what a starting one has; but not again and again.
        assert len(idle) <= 30, "started for what another one had, and in vain"
        for _pid, exit_, tasks in shop.exits:
            assert exit_ is not None
            assert (exit_.code, tasks <= 3) == (0, True)


# ── journals that are full ────────────────────────────────────────────────────────────────────────


def test_a_flight_whose_journal_is_full_lands_early(tmp_path: Path) -> None:
    """Not even a mark that an outcome was sent elsewhere has room in the end."""
    landed: list[int] = []
    count = 45_000
    shortest = len(marshal.dumps(b"x", VERSION))
    assert count * shortest > HALF
    with Shop(tmp_path) as shop:
        shop.engine.on_landed = lambda _hand, _flight, packet: landed.append(packet.head.count)
        job = Job(shop.ledger.tasks(count, size=1), lot=count)
        shop.run(job)
        assert job.values == dict.fromkeys(range(count), bytes(1))
        assert set(shop.ledger.pids()) == set(range(count))
        assert sum(landed) == count
        assert max(landed) * shortest <= HALF
        assert len(landed) < 200, "passed to and fro"


@pytest.mark.parametrize("size", [100 * KIB, HALF, 300 * KIB])
def test_large_outcomes_of_long_flights_arrive(size: int, tmp_path: Path) -> None:
    with Shop(tmp_path) as shop:
        job = Job(shop.ledger.tasks(40, size=size), lot=10)
        shop.run(job)
        assert {number: len(value) for number, value in job.values.items()} == dict.fromkeys(range(40), size)
        assert set(shop.ledger.pids()) == set(range(40))


def test_large_and_small_outcomes_and_errors_keep_their_places(tmp_path: Path) -> None:
    with Shop(tmp_path) as shop:
        sizes = [0, 300 * KIB, 0, 100 * KIB, 100 * KIB, 100 * KIB, 0, 1, 250 * KIB, 0]
        tasks: list[Any] = [shop.ledger.task(number, size=size) for number, size in enumerate(sizes * 3)]
        tasks[12] = tasks[13] = "no such task"
        job = Job(tasks, lot=30)
        shop.run(job)
        assert set(job.errors) == {12, 13}
        for number, value in job.values.items():
            assert value == (bytes(sizes[number % 10]) if sizes[number % 10] else number)
        assert set(shop.ledger.pids()) == set(range(30)) - {12, 13}


def test_a_result_that_finds_no_descriptor_here_is_a_failure_of_its_task_alone(tmp_path: Path) -> None:
    with Shop(tmp_path, workers=1) as shop:
        tasks = [shop.ledger.task(number, size=300 * KIB if number == 1 else 0) for number in range(3)]
        tasks[0] = shop.ledger.task(0, shop.ledger.gate())
        job = Job(tasks, lot=3)
        shop.offer(job)
        shop.until(lambda: shop.ledger.rung)
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        highest = max(map(int, os.listdir("/proc/self/fd")))
        fillers = [os.dup(0)]
        while fillers[-1] <= highest:
            fillers.append(os.dup(0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (fillers[-1] + 1, limits[1]))
        try:
            shop.ledger.open()
            shop.until(lambda: job.over)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            for fd in fillers:
                os.close(fd)
        assert job.values == {0: 0, 2: 2}
        assert isinstance(job.errors[1], OSError)
        assert job.errors[1].errno == errno.EMFILE
        assert shop.exits == []


def test_a_result_whose_pickling_raises_anything_is_a_failure_of_its_task_alone(tmp_path: Path) -> None:
    with Shop(tmp_path, workers=1) as shop:
        job = Job(shop.ledger.tasks(3), enginekit.quit_at_its_pickling, lot=3)
        shop.run(job)
        assert job.values == {0: 0, 2: 2}
        assert isinstance(job.errors[1], SystemExit)
        assert shop.exits == []


# What follows a beginning of one kind; a task says what comes of it.
NUMBERS: list[Any] = [("", 1), ("", -5), ("", 2**63 - 1)]
ODD: dict[str, list[Any]] = {
    "a float among ints": [*NUMBERS, ("", 1.5), ("", 7)],
    "an int among floats": [("", 1.5), ("", float("inf")), ("", 7), ("", 2.5)],
    "a bool among ints": [*NUMBERS, ("", True), ("", 7)],
    "a larger int": [*NUMBERS, ("", 2**63), ("", 7)],
    "a larger int first": [("", -(2**63) - 1), *NUMBERS],
    "an int of its own kind": [*NUMBERS, ("number", 5), ("", 7)],
    "one that says it is an int": [*NUMBERS, ("liar", "int"), ("", 7)],
    "one that says it is a float": [("", 1.5), ("", 2.5), ("liar", "float"), ("", 3.5)],
    "one that says so first": [("liar", "int"), *NUMBERS],
    "nothing but None": [("", None)] * 4,
    "something after None": [("", None), ("", None), ("", 0), ("", None)],
    "an error among ints": [*NUMBERS, ("raise", "not now"), ("", 7)],
    "an error first": [("raise", "not now"), *NUMBERS],
    "words after ints": [*NUMBERS, ("", "word"), ("", b"bytes"), ("", [7]), ("", 7)],
}


@pytest.mark.parametrize("mean", [1e-6, 1.0], ids=["claimed together", "claimed one by one"])
@pytest.mark.parametrize("name", ODD)
def test_a_flight_of_outcomes_of_one_kind_may_change_its_mind(name: str, mean: float, tmp_path: Path) -> None:
    tasks = ODD[name]
    with Shop(tmp_path, workers=1) as shop:
        job = Job(tasks, enginekit.outcomes_of, pace=Pace(len(tasks), mean))
        shop.run(job)
        for number, (what, value) in enumerate(tasks):
            if what == "raise":
                assert str(job.errors[number]) == value
            elif what == "liar":
                assert type(job.values[number]) is enginekit.Liar
            else:
                assert job.values[number] == value
                assert type(job.values[number]) is (enginekit.Number if what == "number" else type(value))
        assert shop.exits == []


def test_more_numbers_than_an_array_has_room_for(tmp_path: Path) -> None:
    with Shop(tmp_path, workers=1) as shop:
        tasks = [("", number) for number in range(FLIGHT_MAX + 5000)]
        job = Job(tasks, enginekit.outcomes_of, pace=Pace(len(tasks), 1e-6))
        shop.run(job)
        assert job.values == {number: number for number in range(len(tasks))}


# ── turns ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_urgent_goes_first_and_equals_take_turns(tmp_path: Path) -> None:
    with Shop(tmp_path, workers=1) as shop:

        def job(first: int, count: int, priority: int) -> Job:
            tasks = [shop.ledger.task(number) for number in range(first, first + count)]
            return Job(tasks, number=FIRST_JOB + first, priority=priority, pace=Pace(1, 1.0))

        held = Job(shop.ledger.tasks(1, held=[0]), pace=Pace(1, 1.0))
        shop.offer(held)
        shop.until(lambda: shop.ledger.rung)
        jobs = [job(10, 3, 0), job(20, 2, -1), job(30, 2, 5), job(40, 2, 0)]
        shop.offer(*jobs)
        shop.ledger.open()
        shop.until(lambda: all(job.over for job in jobs))
        assert shop.ledger.numbers() == [0, 30, 31, 10, 40, 11, 41, 12, 20, 21]


def test_what_was_put_back_goes_before_what_comes_unless_that_is_more_urgent(tmp_path: Path) -> None:
    with Shop(tmp_path, workers=1) as shop:
        held = Job(shop.ledger.tasks(3, held=[0]), lot=3)
        shop.offer(held)
        shop.until(lambda: shop.ledger.rung)
        equal, urgent = (
            Job([shop.ledger.task(number)], number=number, priority=priority)
            for number, priority in ((10, 0), (20, 1))
        )
        shop.offer(equal, urgent)
        assert shop.cancel(held, 0) == 1  # its worker ends, 1 and 2 go back
        shop.until(lambda: all(job.over for job in (held, equal, urgent)))
        assert shop.ledger.numbers() == [0, 20, 1, 2, 10]


# ── once more ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("delay", [0.0, 0.05])
def test_a_task_is_done_again_after_its_delay(delay: float, tmp_path: Path) -> None:
    with Shop(tmp_path, workers=1) as shop:
        tasks = [(path, number, f"{path}.{number}", 0) for path, number, _, _ in shop.ledger.tasks(4)]
        job = Job(tasks, enginekit.fail_first, lot=4)
        failed: list[float] = []

        def on_failed(stretch: Any, at: int, _error: BaseException) -> bool:
            failed.append(time.monotonic())
            shop.engine.again(stretch.part(at, at + 1), delay)
            return True

        job.on_failed = on_failed
        shop.run(job)
        assert job.values == {number: number for number in range(4)}
        assert Counter(shop.ledger.numbers()) == dict.fromkeys(range(4), 2)
        assert shop.engine.retried == 4
        assert time.monotonic() - failed[0] >= delay


def test_what_waits_for_another_attempt_is_given_up_with_its_job(tmp_path: Path) -> None:
    with Shop(tmp_path, workers=1) as shop:
        tasks = [(path, number, f"{path}.{number}", 0) for path, number, _, _ in shop.ledger.tasks(3)]
        job = Job(tasks, enginekit.fail_first, lot=3)

        def on_failed(stretch: Any, at: int, _error: BaseException) -> bool:
            shop.engine.again(stretch.part(at, at + 1), 1000.0)
            return True

        job.on_failed = on_failed
        shop.offer(job)
        shop.until(lambda: shop.engine.retried == 3)
        assert shop.engine.busy
        with shop.engine.lock:
            assert shop.engine.withdraw(job, 1)
            assert sorted(stretch.first for stretch in shop.engine.give_up(job)) == [0, 2]
        assert not shop.engine.busy


@pytest.mark.parametrize("what", ["again", "offer"])
def test_news_from_another_thread_just_before_the_wait_ends_it(
    what: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The wait has been measured, and then something shorter comes."""
    with Shop(tmp_path, workers=1) as shop:
        engine = shop.engine
        shop.run(Job(shop.ledger.tasks(1)))
        job = Job(shop.ledger.tasks(2), enginekit.stay, number=FIRST_JOB + 1, timeout=0.05)
        due, told = engine._due, threading.Event()

        def bring() -> None:
            with engine.lock:
                if what == "offer":
                    job.taken = 1
                    engine.offer(job)
                    engine.feed()  # its time limit runs from here
                else:
                    engine.again(job.take(1), 0.001)  # type: ignore[arg-type]
            told.set()

        def measure() -> float | None:
            measured = due()
            if not told.is_set():
                thread = threading.Thread(target=bring)
                thread.start()
                thread.join()
            return measured

        monkeypatch.setattr(engine, "_due", measure)
        shop.until(job.outcomes)
        assert list(job.errors) == [1 if what == "offer" else 0]


# ── the end ───────────────────────────────────────────────────────────────────────────────────────


def test_a_stopped_engine_gives_up_what_nobody_has_begun(tmp_path: Path) -> None:
    with Shop(tmp_path, workers=1) as shop:
        job = Job(shop.ledger.tasks(10, held=[0]), lot=5)
        shop.offer(job)
        shop.until(lambda: shop.ledger.rung)
        with shop.engine.lock:
            shop.engine.stop()
        shop.ledger.open()
        shop.until(lambda: not shop.engine.busy)
        assert job.values == {0: 0}
        assert job.dropped == dict.fromkeys(range(1, job.taken))
        assert shop.ledger.numbers() == [0]


def test_a_broken_engine_gives_everything_up_and_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fork(_main: object, *args: object) -> object:
        return fork_child(lambda: os._exit(9), *args)  # type: ignore[arg-type]

    monkeypatch.setattr(hand_module, "fork_child", fork)
    with Shop(tmp_path, workers=1) as shop:
        job = Job(shop.ledger.tasks(5), lot=5)
        shop.run(job)
        assert isinstance(shop.engine.broken, CrewBroken)
        assert "exited with code 9" in str(shop.engine.broken)
        assert job.dropped == dict.fromkeys(range(5), shop.engine.broken)
        assert len(shop.exits) == STILLBORN_MAX
        assert shop.engine.hands == {}


def test_a_dead_worker_fails_the_task_it_was_at_and_no_other(tmp_path: Path) -> None:
    with Shop(tmp_path, workers=2) as shop:
        job = Job(shop.ledger.tasks(20, held=[3]), pace=Pace(20, 1e-6))  # all of them claimed at once
        shop.offer(job)
        shop.until(lambda: shop.ledger.rung)
        (hand,) = (hand for hand in shop.engine.hands.values() if shop.engine.at_work(hand))
        flight, index = shop.engine.at_work(hand) or (None, -1)
        assert (flight, index) == (shop.engine.schedule.flights[hand.pid][0], 3)
        hand.child.send_signal(9)
        shop.until(lambda: job.over)
        assert set(job.errors) == {3}
        assert isinstance(job.errors[3], WorkerDied)
        assert set(job.values) == set(range(20)) - {3}
        assert set(shop.ledger.pids()) == set(range(20))


def test_a_worker_whose_channel_ends_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ends_module, "DEAF", 0.01)
    with Shop(tmp_path, workers=1) as shop:
        job = Job(shop.ledger.tasks(2, held=[0]), lot=1)
        shop.offer(job)
        shop.until(lambda: shop.ledger.rung)
        (hand,) = shop.engine.hands.values()
        hand.sock.shutdown(2)
        shop.until(lambda: job.over)
        assert (list(job.errors), job.values) == ([0], {1: 1})
