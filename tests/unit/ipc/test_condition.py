"""Condition: the classic contract, with threads and with processes."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from procession.ipc import carry
from procession.ipc.condition import LINES
from procession.ipc.locks import Condition, Lock, RLock, Semaphore
from tests.unit.ipc import lockkit
from tests.unit.ipc.lockkit import METHODS, Child, family, until

Start = Callable[..., Child]


@pytest.fixture
def start() -> Iterator[Start]:
    with family() as begin:
        yield begin


def waiting(condition: Condition) -> int:
    return condition._sleeping_count.get_value()


def has_waiters(condition: Condition, count: int) -> bool:
    return waiting(condition) == count


class Waiters:
    """Threads that wait, and what they were told, in order."""

    def __init__(self, condition: Condition, count: int) -> None:
        self.told: list[int] = []
        self.threads = [threading.Thread(target=self._wait, args=(condition, n)) for n in range(count)]
        for n, thread in enumerate(self.threads):
            thread.start()
            if n < LINES:
                until(partial(has_waiters, condition, n + 1))

    def _wait(self, condition: Condition, number: int) -> None:
        with condition:
            assert condition.wait(20)
            self.told.append(number)

    def have_been_told(self, count: int) -> bool:
        return len(self.told) == count

    def join(self) -> None:
        for thread in self.threads:
            thread.join()


@pytest.mark.parametrize("lock", [None, Lock, RLock, lambda: Semaphore(1)])
def test_without_the_lock_there_is_no_waiting_and_no_notifying(lock: Any) -> None:
    condition = Condition(lock and lock())
    with pytest.raises(AssertionError, match="must acquire"):
        condition.wait(0)
    for notify in (condition.notify, condition.notify_all):
        with pytest.raises(AssertionError, match="not owned"):
            notify()
    with condition:
        assert condition.wait(0) is False
        condition.notify()


def test_the_lock_is_the_one_given() -> None:
    lock = Lock()
    condition = Condition(lock)
    with condition:
        assert lock.locked()
    assert condition.acquire() is True
    condition.release()
    assert not lock.locked()


def test_repr() -> None:
    assert repr(Condition()) == "<Condition(<RLock(None, 0)>, 0)>"


def test_a_wait_that_nobody_ends_times_out_with_the_lock() -> None:
    condition = Condition()
    with condition, condition, condition:  # the whole depth is given up and taken back
        begun = time.monotonic()
        assert condition.wait(0.15) is False
        assert time.monotonic() - begun >= 0.15
        assert condition._lock._count() == 3
    assert not condition._lock.locked()


def test_waiters_are_notified_in_the_order_of_their_coming() -> None:
    condition = Condition()
    waiters = Waiters(condition, 6)
    for n in range(3):
        with condition:
            condition.notify()
        until(partial(waiters.have_been_told, n + 1))
    assert waiters.told == [0, 1, 2]
    with condition:
        condition.notify(2)
    until(lambda: len(waiters.told) == 5)
    assert sorted(waiters.told) == [0, 1, 2, 3, 4]
    with condition:
        condition.notify_all()
    waiters.join()
    assert waiting(condition) == 0


def test_a_notification_without_a_waiter_is_nobodys() -> None:
    condition = Condition()
    with condition:
        condition.notify(7)
        assert condition.wait(0.05) is False


def test_more_waiters_than_the_list_has_lines_are_all_woken() -> None:
    condition = Condition()
    waiters = Waiters(condition, LINES + 20)
    late = 20
    until(lambda: sum(_on_futex(thread) for thread in waiters.threads) == LINES + late)
    with condition:
        condition.notify()
    until(lambda: len(waiters.told) == 1 + late)
    with condition:
        condition.notify_all()
    waiters.join()
    assert len(waiters.told) == LINES + late


def _on_futex(thread: threading.Thread) -> bool:
    with open(f"/proc/self/task/{thread.native_id}/wchan", encoding="ascii") as file:
        return "futex" in file.read()


def test_wait_for() -> None:
    condition, seen = Condition(), [0]

    def counts() -> None:
        for _ in range(4):
            with condition:
                seen[0] += 1
                condition.notify()

    with condition:
        assert condition.wait_for(lambda: True) is True
        assert condition.wait_for(lambda: 0, timeout=0.05) == 0
    thread = threading.Thread(target=counts)
    with condition:
        thread.start()
        assert condition.wait_for(lambda: seen[0] == 4 and "four", timeout=10) == "four"
    thread.join()


def test_ctrl_c_ends_the_wait_with_the_lock_held() -> None:
    condition = Condition()
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    with condition:
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            condition.wait()
        assert condition._lock._is_mine()
        timer.join()
    assert waiting(condition) == 0


def test_a_notification_that_meets_ctrl_c_goes_to_the_next() -> None:
    condition = Condition()
    main = threading.get_ident()
    told = []

    def second() -> None:
        until(lambda: waiting(condition) == 1)
        with condition:
            told.append(condition.wait(20))

    def third() -> None:
        until(lambda: waiting(condition) == 2)
        with condition:
            condition.notify()
            signal.pthread_kill(main, signal.SIGINT)
            # With the lock in our hands it is notified and interrupted, and can do nothing about either.
            time.sleep(0.3)

    threads = [threading.Thread(target=target) for target in (second, third)]
    for thread in threads:
        thread.start()
    with pytest.raises(KeyboardInterrupt), condition:
        condition.wait()
    for thread in threads:
        thread.join()
    assert told == [True]


@pytest.mark.parametrize("method", METHODS)
def test_processes_wait_and_notify(start: Start, method: str) -> None:
    condition = Condition()
    children = [start(method, lockkit.waits, condition) for _ in range(3)]
    for child in children:
        child.hear("waits")
    until(lambda: waiting(condition) == 3)
    assert children[0].silent(0.1)
    with condition:
        condition.notify_all()
    for child in children:
        child.hear("notified")
        assert child.join() == 0


@pytest.mark.parametrize("method", METHODS)
def test_a_process_times_out(start: Start, method: str) -> None:
    condition = Condition(Lock())
    child = start(method, lockkit.waits, condition, 0.1)
    child.hear("waits")
    child.hear("timeout")
    assert child.join() == 0
    assert waiting(condition) == 0


def test_it_travels_with_its_lock() -> None:
    lock = Lock()
    parcel = carry.pack([lock, Condition(lock)])
    again, condition = carry.unpack(parcel.data, parcel.descriptors)
    assert condition._lock is again
    with condition:
        assert lock.locked()


def test_a_condition_on_a_lock_of_the_standard_library() -> None:
    import multiprocessing

    condition = Condition(multiprocessing.get_context("fork").RLock())
    with condition:
        assert condition.wait(0.01) is False
        condition.notify()
