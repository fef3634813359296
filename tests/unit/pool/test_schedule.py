"""The schedule's rules, one by one; test_schedule_histories.py tries them in any order."""

from __future__ import annotations

import pytest

from procession.pool.messages import WINDOW
from procession.pool.schedule import BATCH_MAX, HIRE, TARGET, Flight, Schedule


def admit(schedule: Schedule, *payloads: str, heavy: bool = False) -> None:
    schedule.admit([(payload, payload.encode()) for payload in payloads], heavy)


def send(schedule: Schedule, names: list[int]) -> list[tuple[int, Flight]]:
    """Hand out what can be handed out; workers are hired under the next of ``names``."""
    sent = []
    while (worker := schedule.assign()) is not None:
        if worker == HIRE:
            worker = names.pop(0)
            schedule.hired(worker)
        sent.append((worker, schedule.depart(worker)))
    return sent


def payloads(flight: Flight) -> list[object]:
    return [task.payload for task in flight.tasks]


def test_tasks_are_numbered_in_the_order_in_which_they_came() -> None:
    schedule = Schedule(1)
    admit(schedule, "a", "b")
    assert schedule.skip() == 2
    admit(schedule, "c")
    ((_, first), (_, second)) = send(schedule, [100])
    assert [(t.number, t.payload, t.data) for t in first.tasks + second.tasks] == [
        (0, "a", b"a"), (1, "b", b"b"), (3, "c", b"c"),
    ]  # fmt: skip
    assert [first.number, second.number] == [0, 1]


def test_idle_first_then_hire_then_a_second_flight() -> None:
    schedule = Schedule(2)
    hired = [100, 101]
    admit(schedule, "a")
    assert schedule.assign() == HIRE
    send(schedule, hired)
    schedule.landed(100, 0, 1.0)
    for name in "bcdef":
        admit(schedule, name)
    # 100 is idle; then 101 is hired; then each is given a second flight; then there is no room.
    assert [(worker, payloads(flight)) for worker, flight in send(schedule, hired)] == [
        (100, ["b"]), (101, ["c"]), (100, ["d"]), (101, ["e"]),
    ]  # fmt: skip
    assert schedule.assign() is None
    assert not schedule.wants_more()
    schedule.landed(101, 0, 1.0)
    assert schedule.assign() == 101


def test_a_window_is_never_exceeded() -> None:
    schedule = Schedule(1)
    for _ in range(WINDOW + 1):
        admit(schedule, "a")
    assert len(send(schedule, [100])) == WINDOW
    assert len(schedule.flights_of(100)) == WINDOW


def test_a_heavy_flight_waits_for_an_idle_worker_and_has_no_company() -> None:
    schedule = Schedule(1)
    admit(schedule, "light")
    send(schedule, [100])
    admit(schedule, "heavy", heavy=True)
    assert schedule.assign() is None
    schedule.landed(100, 0, 1.0)
    assert [payloads(flight) for _, flight in send(schedule, [])] == [["heavy"]]
    admit(schedule, "behind")
    assert schedule.assign() is None
    assert not schedule.wants_more()
    schedule.landed(100, 1, 1.0)
    assert schedule.assign() == 100


def test_more_is_wanted_only_for_a_place_that_is_free_now() -> None:
    schedule = Schedule(1)
    assert schedule.wants_more()
    admit(schedule, "a")
    assert not schedule.wants_more()
    send(schedule, [100])
    assert schedule.wants_more()
    admit(schedule, "b")
    send(schedule, [])
    assert not schedule.wants_more()


def test_an_empty_portion_makes_no_flight() -> None:
    schedule = Schedule(1)
    admit(schedule)
    assert schedule.assign() is None
    assert not schedule.busy


@pytest.mark.parametrize(
    ("finished", "current", "begun", "lost", "rest"),
    [
        pytest.param((), -1, False, None, "abcd", id="it-had-not-opened-the-batch"),
        pytest.param((), -1, True, None, "abcd", id="opened-and-nothing-begun"),
        pytest.param((), 0, True, "a", "bcd", id="at-the-first-task"),
        pytest.param((0,), 0, True, None, "bcd", id="between-two-tasks"),
        pytest.param((0,), 1, True, "b", "cd", id="at-the-second-task"),
        pytest.param((0, 1, 2), 3, True, "d", "", id="at-the-last-task"),
        pytest.param((0, 1, 2, 3), 3, True, None, "", id="after-the-last-task"),
        pytest.param((0, 1, 2, 3), -1, True, None, "", id="before-it-could-report"),
    ],
)
def test_what_a_dead_worker_leaves(
    finished: tuple[int, ...], current: int, begun: bool, lost: str | None, rest: str
) -> None:
    schedule = Schedule(1)
    admit(schedule, *"abcd")
    admit(schedule, *"ef")
    send(schedule, [100])
    admit(schedule, "g")
    wreck = schedule.died(100, current, finished, begun)
    assert (wreck.lost.payload if wreck.lost else None) == lost
    assert [task.number for task in wreck.finished] == list(finished)
    # The rest goes on in order, before what came later.
    again = [payloads(flight) for _, flight in send(schedule, [101])]
    expected = [list(rest), list("ef"), ["g"]] if rest else [list("ef"), ["g"]]
    assert again == expected[:WINDOW]


def test_the_current_task_of_another_flight_is_not_lost() -> None:
    schedule = Schedule(1)
    admit(schedule, "a")
    send(schedule, [100])
    assert schedule.died(100, 7, (), begun=True).lost is None


def test_a_worker_without_flights_leaves_nothing() -> None:
    schedule = Schedule(1)
    schedule.hired(100)
    wreck = schedule.died(100, -1, (), begun=False)
    assert (wreck.lost, wreck.finished) == (None, ())
    assert schedule.assign() is None
    admit(schedule, "a")
    assert schedule.assign() == HIRE


def test_the_number_of_a_dead_worker_may_come_again() -> None:
    schedule = Schedule(1)
    admit(schedule, "a")
    send(schedule, [100])
    schedule.died(100, -1, (), begun=False)
    ((_, flight),) = send(schedule, [100])
    assert flight.number == 0


def test_a_dismissed_worker_takes_its_flights_along() -> None:
    schedule = Schedule(1)
    admit(schedule, "a")
    send(schedule, [100])
    admit(schedule, "b")
    schedule.dismissed(100)
    assert schedule.assign() == HIRE
    assert [task.payload for task in schedule.cancel()] == ["b"]
    assert not schedule.busy


def test_cancel_empties_the_backlog_and_leaves_the_flights() -> None:
    schedule = Schedule(1)
    admit(schedule, "a", "b")
    send(schedule, [100])
    admit(schedule, "c", "d")
    admit(schedule, "e")
    assert [task.payload for task in schedule.cancel()] == ["c", "d", "e"]
    assert schedule.cancel() == ()
    assert schedule.busy
    assert payloads(schedule.landed(100, 0, 1.0)) == ["a", "b"]
    assert not schedule.busy


def test_a_batch_that_was_not_sent_cannot_land() -> None:
    schedule = Schedule(1)
    admit(schedule, "a")
    send(schedule, [100])
    with pytest.raises(ValueError, match="worker 100 ended batch 5, expected 0"):
        schedule.landed(100, 5, 1.0)


@pytest.mark.parametrize(
    ("seconds_per_task", "limit"),
    [
        (TARGET * 100, 1),
        (TARGET, 1),
        (TARGET / 10, 10),
        (TARGET / 100, 100),
        (1e-9, BATCH_MAX),
        (0.0, BATCH_MAX),
    ],
)
def test_a_batch_is_as_long_as_the_target(seconds_per_task: float, limit: int) -> None:
    schedule = Schedule(1)
    for number in range(60):
        admit(schedule, *"abcdefghij")
        send(schedule, [100])
        schedule.landed(100, number, 10 * seconds_per_task)
    assert abs(schedule.batch_limit - limit) <= 1


def test_heavy_tasks_say_nothing_about_the_usual_length() -> None:
    schedule = Schedule(1)
    for number in range(60):
        admit(schedule, "a", heavy=number % 2 == 1)
        send(schedule, [100])
        schedule.landed(100, number, 1000.0 if number % 2 else TARGET / 50)
    assert abs(schedule.batch_limit - 50) <= 1
