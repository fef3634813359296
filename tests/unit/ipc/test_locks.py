"""Lock, RLock, Semaphore, BoundedSemaphore and Event: the classic contracts, in every kind of process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from procession.ipc import carry, estate
from procession.ipc.locks import BoundedSemaphore, Event, Lock, RLock, Semaphore
from procession.ipc.shared import ASLEEP
from procession.linux.robust import Reentered
from tests.unit.ipc import lockkit
from tests.unit.ipc.lockkit import METHODS, Child, family, until

ALL = [Lock, RLock, lambda: Semaphore(1), lambda: BoundedSemaphore(1)]
NAMES = ["Lock", "RLock", "Semaphore", "BoundedSemaphore"]
Start = Callable[..., Child]


@pytest.fixture
def start() -> Iterator[Start]:
    with family() as begin:
        yield begin


# -- one process ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", ALL, ids=NAMES)
def test_acquire_and_release(make: Callable[[], Any]) -> None:
    lock = make()
    assert not lock.locked()
    assert lock.acquire() is True
    assert lock.locked()
    assert lock.release() is None
    with lock as got:
        assert got is True
        assert lock.locked()
    assert not lock.locked()
    assert not lock.recovered


@pytest.mark.parametrize("make", [ALL[0], *ALL[2:]], ids=[NAMES[0], *NAMES[2:]])
def test_a_taken_lock_is_not_got(make: Callable[[], Any]) -> None:
    lock = make()
    lock.acquire()
    assert lock.acquire(False) is False
    assert lock.acquire(block=False, timeout=30) is False
    assert lock.acquire(timeout=-1) is False
    begun = time.monotonic()
    assert lock.acquire(True, 0.15) is False
    assert 0.15 <= time.monotonic() - begun < 2
    lock.release()
    assert lock.acquire(timeout=0) is True


def test_a_free_lock_is_not_released() -> None:
    lock, bounded = Lock(), BoundedSemaphore(2)
    for each in (lock, bounded):
        with pytest.raises(ValueError, match="released too many times"):
            each.release()
    assert bounded.get_value() == 2
    with pytest.raises(AssertionError, match="not owned"):
        RLock().release()


def test_an_rlock_is_released_as_often_as_taken() -> None:
    lock = RLock()
    for _ in range(3):
        assert lock.acquire()
    assert repr(lock) == "<RLock(MainProcess, 3)>"
    for _ in range(3):
        assert lock.locked()
        lock.release()
    assert repr(lock) == "<RLock(None, 0)>"


def test_another_thread_may_release_a_lock_and_not_an_rlock() -> None:
    lock, rlock = Lock(), RLock()
    lock.acquire()
    rlock.acquire()
    said: list[str] = []

    def other() -> None:
        said.append(f"{lock!r} {rlock!r} {rlock.acquire(False)}")
        lock.release()
        try:
            rlock.release()
        except AssertionError:
            said.append("refused")

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert said == ["<Lock(owner=SomeOtherThread)> <RLock(SomeOtherThread, nonzero)> False", "refused"]
    assert not lock.locked()


def test_reprs() -> None:
    lock = Lock()
    assert repr(lock) == "<Lock(owner=None)>"
    said: list[str] = []
    with lock:
        assert repr(lock) == "<Lock(owner=MainProcess)>"

    def other() -> None:
        lock.acquire()
        said.append(repr(lock))

    thread = threading.Thread(target=other, name="other")
    thread.start()
    thread.join()
    assert said == ["<Lock(owner=MainProcess|other)>"]
    assert repr(Semaphore(3)) == "<Semaphore(value=3)>"
    assert repr(BoundedSemaphore(3)) == "<BoundedSemaphore(value=3, maxvalue=3)>"
    event = Event()
    assert repr(event).endswith(" unset>")
    event.set()
    assert repr(event).startswith("<Event at 0x")
    assert repr(event).endswith(" set>")


@pytest.mark.parametrize("first", [0, 1, 5, 300])
def test_a_semaphore_counts(first: int) -> None:
    semaphore = Semaphore(first)
    for left in range(first - 1, -1, -1):
        assert semaphore.acquire(False)
        assert semaphore.get_value() == left
    assert not semaphore.acquire(False)
    for n in range(first + 3):
        semaphore.release()
        assert semaphore.get_value() == n + 1
    for _ in range(first + 3):
        assert semaphore.acquire(False)
    assert not semaphore.acquire(False)


def test_impossible_values_of_a_semaphore_are_refused_as_ever() -> None:
    for value in (-1, 2**31, 2**70):
        kinds = []
        for make in (Semaphore, multiprocessing.Semaphore):
            with pytest.raises((OSError, OverflowError)) as caught:
                make(value)
            kinds.append(caught.type)
        assert kinds[0] is kinds[1]


def test_a_semaphore_says_no_above_what_an_int_holds() -> None:
    semaphore = Semaphore(2**31 - 1)
    with pytest.raises(ValueError, match="too many"):
        semaphore.release()


def test_the_words_of_a_context_are_accepted() -> None:
    for make in (Lock, RLock, Semaphore, BoundedSemaphore, Event):
        make(ctx=multiprocessing.get_context())


def test_sleepers_are_woken_in_a_chain_when_several_units_come_at_once() -> None:
    semaphore = Semaphore(0)
    came = threading.Semaphore(0)

    def takes() -> None:
        semaphore.acquire()
        came.release()

    threads = [threading.Thread(target=takes) for _ in range(5)]
    for thread in threads:
        thread.start()
    until(lambda: semaphore._halves[ASLEEP])
    for _ in threads:
        semaphore.release()
    for _ in threads:
        assert came.acquire(timeout=10)
    for thread in threads:
        thread.join()
    assert semaphore.get_value() == 0


@pytest.mark.parametrize("make", [*ALL, lambda: Semaphore(0), Event], ids=[*NAMES, "signal", "Event"])
def test_ctrl_c_ends_every_wait(make: Callable[[], Any]) -> None:
    lock = make()
    holder: list[threading.Thread] = []
    if not isinstance(lock, Event) and not lock.locked():
        holder.append(threading.Thread(target=lock.acquire))
        holder[0].start()
        holder[0].join()
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    begun = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            (lock.wait if isinstance(lock, Event) else lock.acquire)()
        assert time.monotonic() - begun < 5
    finally:
        timer.join()
    if not isinstance(lock, Event):
        assert not lock._is_mine() or isinstance(lock, Semaphore)


@pytest.mark.parametrize("make", ALL, ids=NAMES)
def test_an_exception_of_a_signal_handler_leaves_no_lock_behind(make: Callable[[], Any]) -> None:
    """A timer that fires at any instruction of acquire and release, again and again."""

    class Alarm(Exception):
        pass

    def alarm(*_: object) -> None:
        raise Alarm

    lock = make()
    before = signal.signal(signal.SIGVTALRM, alarm)
    interrupted = 0
    try:
        for n in range(60):
            signal.setitimer(signal.ITIMER_VIRTUAL, 0.000_01 + n % 50 * 0.000_01)
            try:
                while True:
                    with lock:
                        pass
            except Alarm:
                interrupted += 1
            if lock.locked():
                # It came between two instructions of the ``with`` itself, or of release: the lock is ours.
                assert lock._is_mine()
                lock.release()
            assert lock.acquire(timeout=5)
            lock.release()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    assert interrupted == 60


def test_event() -> None:
    event = Event()
    assert not event.is_set()
    assert event.wait(0) is False
    begun = time.monotonic()
    assert event.wait(0.12) is False
    assert time.monotonic() - begun >= 0.12
    event.set()
    event.set()
    assert event.is_set()
    assert event.wait() is True
    event.clear()
    event.clear()
    assert not event.is_set()


def test_an_event_that_was_set_for_an_instant_wakes_its_waiters() -> None:
    event, woken = Event(), []
    threads = [threading.Thread(target=lambda: woken.append(event.wait(10))) for _ in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: all(_asleep(thread) for thread in threads))
    event.set()
    event.clear()
    for thread in threads:
        thread.join()
    assert woken == [True] * 4


def _asleep(thread: threading.Thread) -> bool:
    with open(f"/proc/self/task/{thread.native_id}/syscall", encoding="ascii") as file:
        return not file.read().startswith("running")


def test_a_signal_handler_may_set_an_event() -> None:
    event = Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: event.set())
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    try:
        assert event.wait(10)
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)


# -- several processes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("make", ALL, ids=NAMES)
def test_one_process_excludes_the_other(start: Start, method: str, make: Callable[[], Any]) -> None:
    lock = make()
    child = start(method, lockkit.holds, lock)
    child.hear("has it")
    assert lock.locked()
    assert lock.acquire(False) is False
    assert lock.acquire(timeout=0.05) is False
    if isinstance(lock, Lock):
        assert repr(lock) == "<Lock(owner=SomeOtherProcess)>"
    child.tell()
    child.hear("released")
    assert lock.acquire(False) is True
    assert child.join() == 0
    assert not lock.recovered


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("make", ALL, ids=NAMES)
def test_a_sleeper_is_woken_by_the_release(start: Start, method: str, make: Callable[[], Any]) -> None:
    lock = make()
    lock.acquire()
    child = start(method, lockkit.wants, lock)
    child.hear("wants it")
    until(lambda: lock._halves[ASLEEP])
    assert child.silent(0.2)
    lock.release()
    child.hear("has it")
    child.tell()
    child.hear("released")
    assert child.join() == 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("make", [ALL[0], *ALL[2:]], ids=[NAMES[0], *NAMES[2:]])
def test_another_process_may_release(start: Start, method: str, make: Callable[[], Any]) -> None:
    lock = make()
    lock.acquire()
    child = start(method, lockkit.releases, lock)
    child.hear("released")
    assert child.join() == 0
    assert lock.acquire(False)


@pytest.mark.parametrize("method", METHODS)
def test_an_rlock_belongs_to_its_process(start: Start, method: str) -> None:
    """A forked child has the memory of its parent's thread, and yet not its lock."""
    lock = RLock()
    lock.acquire()
    lock.acquire()
    child = start(method, lockkit.tries, lock)
    child.hear("False")
    assert child.join() == 0
    child = start(method, lockkit.fails_to_release, lock)
    child.hear("AssertionError")
    assert child.join() == 0
    lock.release()
    lock.release()
    child = start(method, lockkit.tries, lock)
    child.hear("True")
    assert child.join() == 0


@pytest.mark.parametrize("method", METHODS)
def test_a_semaphore_is_a_signal_between_processes(start: Start, method: str) -> None:
    signals = Semaphore(0)
    child = start(method, lockkit.wants, signals)
    child.hear("wants it")
    until(lambda: signals._halves[ASLEEP])
    signals.release()
    child.hear("has it")
    assert signals.get_value() == 0
    child.kill()
    estate.settle(child.pid)
    assert signals.get_value() == 0, "what was taken from a signal is used up"


@pytest.mark.parametrize("method", METHODS)
def test_an_event_is_seen_by_all(start: Start, method: str) -> None:
    event = Event()
    waiters = [start(method, lockkit.waits_for_event, event) for _ in range(3)]
    for child in waiters:
        child.hear("waits")
    child = start(method, lockkit.sets, event)
    child.hear("set")
    assert event.is_set()
    for child in waiters:
        child.hear("set")
        assert child.join() == 0


def test_locks_go_along_in_any_object_and_come_back(start: Start) -> None:
    """Through any parcel: what a queue, a pool task or a process start is made of."""
    gear = {"lock": Lock(), "more": [RLock(), Semaphore(2), BoundedSemaphore(3), Event()]}
    parcel = carry.pack(gear)
    again = carry.unpack(parcel.data, parcel.descriptors)
    with again["lock"]:
        assert gear["lock"].locked()  # type: ignore[attr-defined]
    again["more"][3].set()
    assert gear["more"][3].is_set()  # type: ignore[index]
    assert again["more"][2].maxvalue == 3


@pytest.mark.parametrize("make", ALL, ids=NAMES)
def test_many_processes_count_without_a_miss(start: Start, make: Callable[[], Any]) -> None:
    from procession.ipc.sharedctypes import Value

    value = Value("q", 0, lock=make())
    children = [start("fork", lockkit.adds, value, 2000) for _ in range(4)]
    for child in children:
        child.hear("done")
        assert child.join() == 0
    assert value.get_obj().value == 8000


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_the_standard_library_starts_processes_with_them(method: str) -> None:
    lock, event, context = Lock(), Event(), multiprocessing.get_context(method)
    with lock:
        process = context.Process(target=lockkit.standard_child, args=(lock, event))  # type: ignore[attr-defined]
        process.start()
        assert event.wait(20)
    process.join()
    assert process.exitcode == 0
    process.close()
    from multiprocessing import resource_tracker

    resource_tracker._resource_tracker._stop()  # type: ignore[attr-defined]


def test_a_handler_that_calls_into_the_very_section_it_interrupts_is_refused_and_spoils_nothing() -> None:
    """Held by the outer section of this thread, the Guard could never be got: an error, and no deadlock."""
    lock = Lock()
    with pytest.raises(Reentered), lock._section:
        lock.acquire()
    assert lock.acquire(timeout=5)
    with pytest.raises(Reentered), lock._section:
        lock.release()
    assert lock.locked()
    lock.release()


def test_a_holder_that_was_stopped_inside_the_guard_does_not_deafen_us_to_ctrl_c(start: Start) -> None:
    lock = Lock()
    child = start("fork", lockkit.stops_inside, lock)
    child.hear("inside")
    os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        lock.acquire()
    timer.join()
    child.signal(signal.SIGCONT)
    assert child.join() == 0
    assert lock.acquire(timeout=5)
