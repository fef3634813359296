"""Barrier: the classic contract, with threads and with processes."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from procession.ipc import carry
from procession.ipc.locks import Barrier, Semaphore
from tests.unit.ipc import lockkit
from tests.unit.ipc.lockkit import METHODS, Child, family, until

Start = Callable[..., Child]


@pytest.fixture
def start() -> Iterator[Start]:
    with family() as begin:
        yield begin


def together(barrier: Barrier, count: int, *args: Any) -> list[Any]:
    """What ``wait`` gave each of so many threads."""
    results: list[Any] = []

    def come() -> None:
        try:
            results.append(barrier.wait(*args))
        except threading.BrokenBarrierError:
            results.append("broken")

    threads = [threading.Thread(target=come) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_it_opens_for_all_with_a_number_each() -> None:
    barrier = Barrier(5)
    for _ in range(20):
        assert sorted(together(barrier, 5)) == [0, 1, 2, 3, 4]
    assert barrier.parties == 5
    assert barrier.n_waiting == 0
    assert not barrier.broken


def test_one_party_never_waits() -> None:
    barrier = Barrier(1)
    assert [barrier.wait(), barrier.wait(0)] == [0, 0]


def test_it_is_a_barrier_like_any_other() -> None:
    barrier = Barrier(2)
    assert isinstance(barrier, threading.Barrier)
    assert "Barrier" in repr(barrier)
    with pytest.raises(ValueError, match="1 party or more"):
        Barrier(0)


def test_the_action_runs_once_before_anybody_goes_on() -> None:
    ran: list[int] = []
    barrier = Barrier(3, lambda: ran.append(barrier.n_waiting))
    assert sorted(together(barrier, 3)) == [0, 1, 2]
    assert ran == [3]


def test_an_action_that_fails_breaks_the_barrier() -> None:
    def fails() -> None:
        raise LookupError("action")

    barrier = Barrier(2, fails)
    told = []
    thread = threading.Thread(target=lambda: told.append(together(barrier, 1)))
    thread.start()
    until(lambda: barrier.n_waiting == 1)
    with pytest.raises(LookupError, match="action"):
        barrier.wait()
    thread.join()
    assert told == [["broken"]]
    assert barrier.broken
    with pytest.raises(threading.BrokenBarrierError):
        barrier.wait()


def test_a_timeout_breaks_it_for_all() -> None:
    barrier = Barrier(3)
    begun = time.monotonic()
    assert together(barrier, 2, 0.15) == ["broken"] * 2
    assert time.monotonic() - begun >= 0.15
    assert barrier.broken
    barrier.reset()
    assert sorted(together(barrier, 3, 10)) == [0, 1, 2]


def test_its_own_timeout_is_the_default() -> None:
    assert together(Barrier(2, timeout=0.05), 1) == ["broken"]


def test_who_waits_for_a_long_action_does_not_time_out() -> None:
    gate = threading.Event()
    barrier = Barrier(2, lambda: gate.wait(10))
    timer = threading.Timer(0.4, gate.set)
    timer.start()
    assert sorted(together(barrier, 2, 0.1)) == [0, 1]
    timer.join()


def test_more_than_the_parties_wait_for_their_turn() -> None:
    gate, acting = threading.Event(), threading.Event()

    def action() -> None:
        acting.set()
        gate.wait(10)

    barrier = Barrier(2, action)
    told: list[Any] = []
    first = threading.Thread(target=lambda: told.extend(together(barrier, 2)))
    first.start()
    assert acting.wait(10)
    second = threading.Thread(target=lambda: told.extend(together(barrier, 2)))
    second.start()
    gate.set()
    first.join()
    second.join()
    assert sorted(told) == [0, 0, 1, 1]


@pytest.mark.parametrize("how", ["abort", "reset"])
def test_abort_and_reset_send_the_waiting_away(how: str) -> None:
    barrier = Barrier(3)
    told: list[Any] = []
    thread = threading.Thread(target=lambda: told.extend(together(barrier, 2)))
    thread.start()
    until(lambda: barrier.n_waiting == 2)
    getattr(barrier, how)()
    thread.join()
    assert told == ["broken"] * 2
    assert barrier.broken == (how == "abort")
    barrier.reset()
    assert sorted(together(barrier, 3)) == [0, 1, 2]


def test_ctrl_c_takes_the_party_back() -> None:
    barrier = Barrier(2)
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        barrier.wait()
    timer.join()
    assert barrier.n_waiting == 0
    assert not barrier.broken
    assert sorted(together(barrier, 2)) == [0, 1]


@pytest.mark.parametrize("method", METHODS)
def test_processes_meet(start: Start, method: str) -> None:
    barrier = Barrier(3)
    children = [start(method, lockkit.comes, barrier) for _ in range(2)]
    for child in children:
        child.hear("comes")
    assert children[0].silent(0.1)
    numbers = {barrier.wait()} | {int(child.ear.listen()) for child in children}
    assert numbers == {0, 1, 2}
    for child in children:
        assert child.join() == 0


def test_they_meet_a_thousand_times(start: Start) -> None:
    barrier, turns, times = Barrier(4), Semaphore(0), 1000
    children = [start("fork", meets_often, barrier, turns, times) for _ in range(4)]
    for child in children:
        child.hear("done")
        assert child.join() == 0
    assert turns.get_value() == 4 * times


def meets_often(ear: lockkit.Ear, barrier: Any, turns: Any, times: int) -> None:
    for n in range(times):
        barrier.wait()
        turns.release()
        barrier.wait()
        assert turns.get_value() >= 4 * (n + 1)
    ear.say("done")


def test_it_travels_with_its_action() -> None:
    parcel = carry.pack(Barrier(1, os.getpid, 7))
    again = carry.unpack(parcel.data, parcel.descriptors)
    assert again.wait() == 0
    assert again._timeout == 7
