"""SIGKILL at each step of each primitive: nobody hangs, the next one gets it, and is told."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from procession.ipc import estate
from procession.ipc.locks import Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore
from procession.ipc.shared import ASLEEP
from tests.unit.ipc import lockkit
from tests.unit.ipc.lockkit import METHODS, Child, family, until

MAKERS: dict[str, Callable[[], Any]] = {
    "Lock": Lock,
    "RLock": RLock,
    "Semaphore": lambda: Semaphore(1),
    "BoundedSemaphore": lambda: BoundedSemaphore(1),
}
Make = Callable[[], Any]
Start = Callable[..., Child]
SOON = 2.0  # seconds: well above a slice, well below any deadline of the children


@pytest.fixture
def start() -> Iterator[Start]:
    with family() as begin:
        yield begin


@pytest.fixture(params=list(MAKERS))
def make(request: pytest.FixtureRequest) -> Make:
    return MAKERS[request.param]


def one_who(start: Start, method: str, has: Any) -> Child:
    child = start(method, lockkit.holds, has)
    child.hear("has it")
    return child


def sleeper(start: Start, method: str, lock: Any) -> Child:
    """A child that is asleep on the lock."""
    child = start(method, lockkit.wants, lock)
    child.hear("wants it")
    until(lambda: asleep_on_futex(child.pid))
    return child


def asleep_on_futex(pid: int) -> bool:
    with open(f"/proc/{pid}/wchan", encoding="ascii") as file:
        return "futex" in file.read()


# -- the holder ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_the_next_acquire_gets_what_a_killed_holder_had(start: Start, method: str, make: Make) -> None:
    lock = make()
    child = one_who(start, method, lock)
    assert not lock.acquire(False)
    child.kill()
    assert lock.acquire(timeout=SOON), "a zombie holds nothing"
    assert lock.recovered
    child.join()
    lock.release()


def test_also_one_that_does_not_wait(start: Start, make: Make) -> None:
    lock = make()
    one_who(start, "fork", lock).kill()
    assert lock.acquire(False)
    assert lock.recovered


def test_also_when_the_dead_has_been_reaped(start: Start, make: Make) -> None:
    lock = make()
    child = one_who(start, "fork", lock)
    child.kill()
    child.join()
    assert lock.acquire(timeout=SOON)
    assert lock.recovered


@pytest.mark.parametrize("method", METHODS)
def test_a_sleeper_finds_out_by_itself(start: Start, method: str, make: Make) -> None:
    lock = make()
    holder = one_who(start, "fork", lock)
    child = sleeper(start, method, lock)
    holder.kill()
    begun = time.monotonic()
    child.hear("has it, recovered")
    assert time.monotonic() - begun < SOON


def test_a_sleeper_is_woken_by_the_reaper_at_once(start: Start, make: Make) -> None:
    lock = make()
    holder = one_who(start, "fork", lock)
    child = sleeper(start, "fork", lock)
    holder.kill()
    estate.settle(holder.pid)
    child.hear("has it, recovered")


def test_a_wrong_obituary_takes_nothing_from_the_living(start: Start, make: Make) -> None:
    lock = make()
    child = one_who(start, "fork", lock)
    estate.settle(child.pid)
    assert not lock.acquire(timeout=0.3)
    child.tell()
    child.hear("released")
    assert lock.acquire(timeout=SOON)
    assert not lock.recovered


def test_recovered_is_the_holders_word_until_it_releases(start: Start) -> None:
    for lock in (Lock(), RLock()):
        one_who(start, "fork", lock).kill()
        with lock:
            assert lock.recovered
        with lock:
            assert not lock.recovered, "the one before has released it in order"


def test_recovered_can_be_answered(start: Start, make: Make) -> None:
    lock = make()
    one_who(start, "fork", lock).kill()
    with lock:
        lock.recovered = False
        assert not lock.recovered
        with pytest.raises(ValueError, match="only be set to False"):
            lock.recovered = True


def test_a_recovered_holder_that_is_killed_too_passes_it_on(start: Start, make: Make) -> None:
    lock = make()
    one_who(start, "fork", lock).kill()
    one_who(start, "fork", lock).kill()
    assert lock.acquire(timeout=SOON)
    assert lock.recovered


def test_an_rlock_held_three_times_is_wholly_free(start: Start) -> None:
    lock = RLock()
    child = start("fork", lockkit.holds, lock, 3)
    child.hear("has it")
    child.kill()
    assert lock.acquire(timeout=SOON)
    lock.release()
    assert not lock.locked()


def test_every_unit_of_a_killed_process_comes_back(start: Start) -> None:
    for semaphore in (Semaphore(4), BoundedSemaphore(4)):
        child = start("fork", lockkit.holds, semaphore, 3)
        child.hear("has it")
        assert semaphore.get_value() == 1
        child.kill()
        for _ in range(4):
            assert semaphore.acquire(timeout=SOON)
        assert not semaphore.acquire(False)
        assert semaphore.recovered
        for _ in range(4):
            semaphore.release()
        assert semaphore.get_value() == 4


def test_what_another_process_has_released_does_not_come_back_twice(start: Start) -> None:
    semaphore = BoundedSemaphore(2)
    child = one_who(start, "fork", semaphore)
    semaphore.release()  # for the child
    assert semaphore.get_value() == 2
    child.kill()
    estate.settle(child.pid)
    assert semaphore.get_value() == 2


# -- a sleeper -----------------------------------------------------------------------------------------------


def test_a_killed_sleeper_is_not_missed(start: Start, make: Make) -> None:
    lock = make()
    lock.acquire()
    killed, other = sleeper(start, "fork", lock), sleeper(start, "fork", lock)
    killed.kill()
    lock.release()
    other.hear("has it")
    other.tell()
    other.hear("released")
    assert lock.acquire(timeout=SOON)


def test_a_sleeper_killed_after_its_wake_up_costs_the_others_nothing(start: Start, make: Make) -> None:
    """Stopped, so that it cannot use the wake-up that it gets; then killed."""
    lock = make()
    lock.acquire()
    killed = sleeper(start, "fork", lock)
    other = sleeper(start, "fork", lock)
    killed.signal(signal.SIGSTOP)
    lock.release()
    killed.kill()
    other.hear("has it")


# -- inside the Guard ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("maker", [*MAKERS.values(), lambda: Semaphore(0), Condition, lambda: Barrier(2)])
def test_a_process_killed_inside_the_guard_blocks_nobody(start: Start, method: str, maker: Make) -> None:
    shared = maker()
    child = start(method, lockkit.dies_inside, shared)
    child.hear("inside")
    assert child.join() == -signal.SIGKILL
    if isinstance(shared, Barrier):
        assert shared.n_waiting == 0
    elif isinstance(shared, Condition):
        with shared:
            assert not shared.wait(0.01)
            shared.notify()
    else:
        if isinstance(shared, Semaphore) and shared.locked():
            shared.release()
        assert shared.acquire(timeout=SOON)
        shared.release()


@pytest.mark.parametrize("store", range(1, 8))
@pytest.mark.parametrize("what", ["acquire", "release"])
def test_a_kill_between_any_two_stores_leaves_a_whole_lock(
    start: Start, make: Make, what: str, store: int
) -> None:
    lock = make()
    child = start("fork", killed_at_store, lock, what, store)
    child.join()
    assert lock.acquire(timeout=SOON)
    assert not isinstance(lock, Semaphore) or lock.get_value() == 0
    lock.release()
    assert lock.acquire(timeout=SOON)
    assert not lock.acquire(False) or isinstance(lock, RLock)


def killed_at_store(ear: lockkit.Ear, lock: Any, what: str, store: int) -> None:
    if what == "release":
        lock.acquire()
    countdown = Countdown(store)
    lock._words, lock._halves = Counted(lock._words, countdown), Counted(lock._halves, countdown)
    for name in ("_units", "_pids", "_starts"):
        if hasattr(lock, name):
            setattr(lock, name, Counted(getattr(lock, name), countdown))
    getattr(lock, what)()
    os._exit(0)


class Countdown:
    def __init__(self, stores: int) -> None:
        self.stores = stores

    def tick(self) -> None:
        self.stores -= 1
        if not self.stores:
            os.kill(os.getpid(), signal.SIGKILL)


class Counted:
    """A memoryview whose owner dies after the n-th store."""

    def __init__(self, view: memoryview, countdown: Countdown) -> None:
        self.view = view
        self.countdown = countdown

    def __getitem__(self, index: Any) -> Any:
        return self.view[index]

    def __setitem__(self, index: Any, value: int) -> None:
        self.view[index] = value
        self.countdown.tick()


# -- Event ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_an_event_survives_its_waiters_and_setters(start: Start, method: str) -> None:
    event = Event()
    killed, other = (start(method, lockkit.waits_for_event, event) for _ in range(2))
    for child in (killed, other):
        child.hear("waits")
        until(partial(asleep_on_futex, child.pid))
    killed.kill()
    # What a setter leaves that is killed after its store and before its wake-up:
    event._word[0] += 1
    other.hear("set")
    assert event.wait(0)


# -- Condition -----------------------------------------------------------------------------------------------


def has_waiters(condition: Condition, count: int) -> bool:
    return condition._sleeping_count.get_value() == count


def waiting(start: Start, method: str, condition: Condition, count: int) -> list[Child]:
    children = []
    for n in range(count):
        children.append(start(method, lockkit.waits, condition))
        children[-1].hear("waits")
        until(partial(has_waiters, condition, n + 1))
        with condition:  # it has enlisted under the lock: now it has let go of that, too
            pass
    return children


@pytest.mark.parametrize("method", METHODS)
def test_a_condition_notifies_the_living(start: Start, method: str) -> None:
    condition = Condition()
    first, second, third = waiting(start, method, condition, 3)
    first.kill()
    with condition:
        condition.notify()
    second.hear("notified")
    assert third.silent(0.3)
    with condition:
        condition.notify(5)
    third.hear("notified")
    until(lambda: condition._sleeping_count.get_value() == 0)


def test_a_notified_waiter_that_is_killed_passes_it_on(start: Start) -> None:
    condition = Condition()
    first, second = waiting(start, "fork", condition, 2)
    first.signal(signal.SIGSTOP)
    with condition:
        condition.notify()
    assert second.silent(0.3)
    first.kill()
    second.hear("notified")


def test_the_reaper_passes_it_on_too(start: Start) -> None:
    condition = Condition()
    first, second = waiting(start, "fork", condition, 2)
    first.signal(signal.SIGSTOP)
    with condition:
        condition.notify()
    first.kill()
    estate.settle(first.pid)
    second.hear("notified")


def test_a_notification_is_not_passed_on_to_who_came_later(start: Start) -> None:
    condition = Condition()
    (first,) = waiting(start, "fork", condition, 1)
    first.signal(signal.SIGSTOP)
    with condition:
        condition.notify_all()
    (late,) = waiting(start, "fork", condition, 1)
    first.kill()
    estate.settle(first.pid)
    assert late.silent(0.3)
    with condition:
        condition.notify()
    late.hear("notified")


def test_the_lock_of_a_condition_is_recovered(start: Start) -> None:
    condition = Condition()
    one_who(start, "fork", condition).kill()
    with condition:
        assert condition.recovered


def test_a_waiter_woken_while_the_lock_dies_goes_on(start: Start) -> None:
    condition = Condition()
    (child,) = waiting(start, "fork", condition, 1)
    killer = start("fork", notifies_and_dies, condition)
    assert killer.join() == -signal.SIGKILL
    child.hear("notified")


def notifies_and_dies(ear: lockkit.Ear, condition: Any) -> None:
    condition.acquire()
    condition.notify()
    os.kill(os.getpid(), signal.SIGKILL)


# -- Barrier -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_a_party_killed_at_a_barrier_breaks_it(start: Start, method: str) -> None:
    barrier = Barrier(4)
    children = [start(method, lockkit.comes, barrier) for _ in range(3)]
    for child in children:
        child.hear("comes")
    until(lambda: barrier.n_waiting == 3)
    children[1].kill()
    children[0].hear("broken")
    children[2].hear("broken")
    assert barrier.broken
    barrier.reset()
    assert not barrier.broken


def test_the_reaper_breaks_it_at_once(start: Start) -> None:
    barrier = Barrier(2)
    child = start("fork", lockkit.comes, barrier)
    child.hear("comes")
    until(lambda: barrier.n_waiting == 1)
    child.kill()
    estate.settle(child.pid)
    assert barrier.broken


def test_a_party_killed_in_the_action_breaks_it(start: Start) -> None:
    barrier = Barrier(2, action=lambda: os.kill(os.getpid(), signal.SIGKILL))
    first = start("fork", lockkit.comes, barrier)
    first.hear("comes")
    until(lambda: barrier.n_waiting == 1)
    start("fork", lockkit.comes, barrier).hear("comes")
    first.hear("broken")


def test_a_party_killed_after_the_opening_is_not_missed(start: Start) -> None:
    barrier = Barrier(2)
    first = start("fork", lockkit.comes, barrier)
    first.hear("comes")
    until(lambda: barrier.n_waiting == 1)
    first.signal(signal.SIGSTOP)
    assert barrier.wait() == 1
    first.kill()
    estate.settle(first.pid)
    assert not barrier.broken
    second = start("fork", lockkit.comes, barrier)
    second.hear("comes")
    barrier.wait(lockkit.DEADLINE)


# -- all the time --------------------------------------------------------------------------------------------


def test_sleepers_look_again_after_each_slice(start: Start) -> None:
    """The bell of a releaser that was killed before it rang."""
    lock = Lock()
    lock.acquire()
    child = sleeper(start, "fork", lock)
    assert lock._halves[ASLEEP]
    lock._words[1] = 0  # freed, and not a sound
    child.hear("has it")
