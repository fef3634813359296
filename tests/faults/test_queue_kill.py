"""SIGKILL at random moments and at each step: everybody else goes on, and only what was in dead hands is missing."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from procession.ipc import estate, queue_lane, queue_line, queue_put, queue_take
from procession.ipc.locks import Lock
from procession.ipc.queues import JoinableQueue, Queue
from procession.linux import fixedpipe
from procession.linux.filelock import LockHolder
from tests.faults.queuekit import fork, kill, storm
from tests.unit.ipc.queuekit import ended, narrow

# -- at random moments -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seed", "sizes", "kills", "small"),
    [
        (1, (2, 2), 12, False),
        (2, (2, 2), 12, True),
        pytest.param(3, (10, 10), 120, False, marks=pytest.mark.slow),
        pytest.param(4, (10, 10), 120, True, marks=pytest.mark.slow),
        pytest.param(5, (1, 19), 120, True, marks=pytest.mark.slow),
        pytest.param(6, (19, 1), 120, True, marks=pytest.mark.slow),
    ],
)
def test_a_storm(seed: int, sizes: tuple[int, int], kills: int, small: bool) -> None:
    queue: Queue[Any] = narrow(Queue(), 64) if small else Queue()
    ledger, struck = storm(queue, *sizes, kills, seed)
    missing = [(life, number) for life in range(ledger.lives) for number in ledger.missing(life)]
    assert len(missing) <= struck, missing
    assert ledger.doubled() == 0
    assert list(ledger.torn[:2]) == [0, 0]
    assert queue.empty()


# -- at each step ----------------------------------------------------------------------------------------


def die(*_: object, **__: object) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str) -> Callable[[], None]:
    """Have this process killed in place of its first call of a function."""
    return lambda: setattr(owner, name, die)


def after(owner: Any, name: str) -> Callable[[], None]:
    """Have this process killed right after its first call of a function."""

    def arm() -> None:
        real = getattr(owner, name)

        def call(*args: Any, **named: Any) -> Any:
            real(*args, **named)
            die()

        setattr(owner, name, call)

    return arm


LARGE = np.arange(40_000)

PRODUCER = {
    "before write": (before(queue_put, "_write"), 5),
    "after write": (after(queue_put, "_write"), 5),
    "before append": (before(os, "pwrite"), 5),
    "after append": (after(os, "pwrite"), 5),
    "before refill": (before(queue_line.Line, "refill"), 5),
    "after refill": (after(queue_line.Line, "refill"), 5),
    "before splice": (before(fixedpipe, "move"), 5),
    "after splice": (after(fixedpipe, "move"), 5),
    "before region": (before(os, "pwritev"), LARGE),
    "after region": (after(os, "pwritev"), LARGE),
    "region sent": (after(os, "pwrite"), LARGE),
    "before letter": (before(queue_lane.Lane, "send"), "lock"),
    "after letter": (after(queue_lane.Lane, "send"), "lock"),
}


@pytest.mark.parametrize("full", [False, True], ids=["pipe with room", "full pipe"])
@pytest.mark.parametrize("step", PRODUCER)
def test_a_producer_killed_at_each_step_loses_nothing_of_others(step: str, full: bool) -> None:
    queue: Queue[Any] = narrow(Queue())
    arm, item = PRODUCER[step]
    lock = Lock()
    old: list[tuple[str, object]] = [("old", number) for number in range(30 if full else 3)]
    for each in old:
        queue.put(each)

    def produce() -> None:
        arm()
        for _ in range(200):
            queue.put(("dead", lock if isinstance(item, str) else item))

    child = fork(produce)
    assert ended(child) in (-signal.SIGKILL, 0)
    estate.settle(child)
    later: list[tuple[str, object]] = [("new", 1), ("new", lock), ("new", 3)]
    for each in later:
        queue.put(each)
    queue.close()
    got = list(queue)
    assert [each for each in got if each[0] == "old"] == old
    assert [type(each[1]) for each in got if each[0] == "new"] == [int, Lock, int]
    assert all((each[1] == item).all() for each in got if each[0] == "dead" and item is LARGE)


CONSUMER = {
    "after read": before(queue_take, "_loads"),
    "before refill": before(queue_line.Line, "refill"),
    "after refill": after(queue_line.Line, "refill"),
    "before splice": before(fixedpipe, "move"),
    "after splice": after(fixedpipe, "move"),
    "in the Guard": before(os, "lseek"),
    "before lease": before(LockHolder, "lock"),
    "after lease": after(LockHolder, "lock"),
    "lease taken": after(os, "pwrite"),
    "letter not taken": before(queue_lane.Lane, "receive"),
    "letter taken": after(queue_lane.Lane, "receive"),
}


@pytest.mark.parametrize("step", CONSUMER)
def test_a_consumer_killed_at_each_step_loses_what_was_in_its_hands(step: str) -> None:
    queue: Queue[Any] = narrow(Queue())
    lock = Lock()
    items = [(number, LARGE if number % 5 == 3 else lock if number % 5 == 4 else 0) for number in range(60)]
    for item in items:
        queue.put(item)

    def consume() -> None:
        CONSUMER[step]()
        list(queue)

    report: Queue[list[int]] = Queue()

    def go_on() -> None:
        report.put([number for number, _ in queue])

    sleeper = fork(go_on)  # reads beside the one that dies, and must not be left asleep
    child = fork(consume)
    queue.close()
    code = ended(child)
    estate.settle(child)
    got = report.get()
    assert ended(sleeper) == 0
    late = [number for before, number in itertools.pairwise(got) if number < before]
    # An item with descriptors that was in the dead hands may still come, after its turn.
    assert len(late) <= 1
    assert all(number % 5 == 4 for number in late)
    assert len(set(got)) == len(got)
    assert code in (0, -signal.SIGKILL)


@pytest.mark.parametrize("step", CONSUMER)
def test_what_a_killed_consumer_had_not_taken_is_all_there(step: str) -> None:
    queue: Queue[Any] = narrow(Queue())
    lock = Lock()
    items = [(number, LARGE if number % 5 == 3 else lock if number % 5 == 4 else 0) for number in range(60)]
    for item in items:
        queue.put(item)
    taken: Queue[int] = Queue()

    def consume() -> None:
        CONSUMER[step]()
        while True:
            taken.put(queue.get()[0])

    child = fork(consume)
    assert ended(child) == -signal.SIGKILL
    estate.settle(child)
    seen = []
    while not taken.empty():
        seen.append(taken.get())
    queue.close()
    rest = [number for number, _ in queue]
    missing = set(range(60)) - set(seen) - set(rest)
    assert len(missing) <= 1, (seen, rest)
    assert len(seen) + len(rest) + len(missing) == 60
    assert queue._regions.book is queue._book


def test_a_sleeping_reader_that_is_killed_hands_its_wake_up_on() -> None:
    queue: Queue[int] = Queue()
    answers: Queue[int] = Queue()

    def take() -> None:
        answers.put(queue.get())

    for _ in range(30):
        children = [fork(take) for _ in range(3)]
        queue.put(1)
        kill(children[0])
        if queue.qsize():  # the one that was killed had not taken it: another one must be awake now
            assert answers.get(timeout=20) == 1
        queue.put(2)
        queue.put(3)
        for child in children[1:]:
            assert ended(child) == 0
        while not answers.empty():
            answers.get()
        while not queue.empty():
            queue.get()


def test_a_full_queue_whose_producer_was_killed_in_the_guard() -> None:
    queue: Queue[int] = Queue(2)

    def produce() -> None:
        before(os, "write")()
        queue_put._write = die
        queue.put(1)

    assert ended(fork(produce)) == -signal.SIGKILL
    queue.put(1)
    queue.put(2)
    assert [queue.get(), queue.get()] == [1, 2]


@pytest.mark.parametrize("step", ["after read", "before refill", "after splice", "letter taken"])
def test_join_goes_on_after_a_kill_at_each_step(step: str) -> None:
    queue: JoinableQueue[Any] = narrow(JoinableQueue())
    lock = Lock()
    for number in range(40):
        queue.put((number, lock if number % 5 == 4 else 0))

    def work() -> None:
        CONSUMER[step]()
        while True:
            queue.get()
            queue.task_done()

    child = fork(work)
    assert ended(child) == -signal.SIGKILL
    estate.settle(child)
    done = 0
    while not queue.empty():
        queue.get()
        queue.task_done()
        done += 1
    assert queue.join(timeout=30)
    assert queue.stats().lost <= 1
