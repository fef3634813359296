"""Queue, SimpleQueue, JoinableQueue: the classic contract, and what goes beyond it."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import queue as stdlib_queue
import signal
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from procession.errors import ChannelClosed
from procession.ipc import carry, estate
from procession.ipc.locks import Lock
from procession.ipc.queues import Empty, Full, JoinableQueue, Queue, SimpleQueue
from tests.unit.ipc.queuekit import (
    KINDS,
    Picky,
    Unpicklable,
    echo,
    ended,
    fork,
    narrow,
    put_into_each,
    put_numbers,
    use_lock_from,
)

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(params=KINDS)
def queue(request: pytest.FixtureRequest) -> Iterator[Any]:
    made = KINDS[request.param]()
    yield made
    vars(made).clear()  # pytest holds it until after the look for what is left behind


# -- the classic contract --------------------------------------------------------------------------------


def test_what_is_put_comes_out_in_order(queue: Any) -> None:
    items = [None, 0, (1, 2, 3, 4, 5), "text", b"x" * 600, {"a": [1, 2]}, b"y" * 200_000]
    for item in items:
        queue.put(item)
    assert [queue.get() for _ in items] == items
    assert queue.empty()


def test_empty_and_full_are_those_of_the_queue_module() -> None:
    assert Empty is stdlib_queue.Empty
    assert Full is stdlib_queue.Full
    queue: Queue[int] = Queue(1)
    with pytest.raises(Empty):
        queue.get_nowait()
    with pytest.raises(Empty):
        queue.get(False, None)
    queue.put(1)
    for attempt in (
        queue.put_nowait,
        lambda item: queue.put(item, True, 0),
        lambda item: queue.put(item, False),
    ):
        with pytest.raises(Full):
            attempt(2)


@pytest.mark.parametrize("kind", [Queue, JoinableQueue])
def test_a_timeout_is_kept(kind: Any) -> None:
    queue = kind(1)
    start = time.monotonic()
    with pytest.raises(Empty):
        queue.get(timeout=0.15)
    assert 0.15 <= time.monotonic() - start < 1.5
    queue.put(1)
    start = time.monotonic()
    with pytest.raises(Full):
        queue.put(2, timeout=0.15)
    assert 0.15 <= time.monotonic() - start < 1.5


def test_qsize_empty_full() -> None:
    queue: Queue[int] = Queue(3)
    seen = []
    for number in range(3):
        seen.append((queue.qsize(), queue.empty(), queue.full()))
        queue.put(number)
    assert seen == [(0, True, False), (1, False, False), (2, False, False)]
    assert (queue.qsize(), queue.empty(), queue.full()) == (3, False, True)
    assert not Queue().full()


@pytest.mark.parametrize("kind", [Queue, JoinableQueue])
def test_a_closed_queue_refuses(kind: Any) -> None:
    queue = kind()
    queue.close()
    for use in (lambda: queue.put(1), queue.get, lambda: queue.put_many([1]), lambda: queue.get_many(1)):
        with pytest.raises(ValueError, match="is closed"):
            use()
    queue.close()
    queue.join_thread()
    queue.cancel_join_thread()


def test_a_closed_simple_queue_refuses() -> None:
    queue: SimpleQueue[int] = SimpleQueue()
    queue.close()
    queue.close()
    assert queue._reader.closed
    assert queue._writer.closed
    for use in (queue.empty, queue.get, lambda: queue.put(1)):
        with pytest.raises(OSError, match="is closed"):
            use()


def test_join_thread_before_close_is_an_error_as_ever() -> None:
    with pytest.raises(AssertionError):
        Queue().join_thread()


# -- between processes -----------------------------------------------------------------------------------


def test_a_forked_child_puts_and_gets(queue: Any) -> None:
    answers: Queue[Any] = Queue()
    child = fork(echo, queue, answers)
    items = [1, "two", b"3" * 70_000, None]
    for item in items:
        queue.put(item)
    assert ended(child) == 0
    assert [answers.get() for _ in items[:-1]] == items[:-1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_spawned_child_puts_and_gets(kind: str) -> None:
    source, target = KINDS[kind](), KINDS[kind]()
    child = SPAWN.Process(target=echo, args=(source, target))
    child.start()
    items = [1, "two", b"3" * 70_000]
    for item in [*items, None]:
        source.put(item)
    assert [target.get() for _ in items] == items
    child.join()
    assert child.exitcode == 0
    child.close()


def test_items_outlive_their_producer(queue: Any) -> None:
    """cpython#73983: join before get hangs past 64 KiB there."""
    assert ended(fork(put_numbers, queue, 0, 4000)) == 0
    assert [queue.get() for _ in range(4000)] == list(range(4000))


def test_ten_thousand_puts_without_a_consumer_do_not_wait() -> None:
    queue: Queue[int] = Queue()
    start = time.monotonic()
    assert ended(fork(put_numbers, queue, 0, 10_000)) == 0
    assert time.monotonic() - start < 5
    assert queue.qsize() == 10_000
    assert [queue.get() for _ in range(10_000)] == list(range(10_000))
    assert queue.qsize() == 0


def test_order_is_kept_for_each_producer_also_through_the_log() -> None:
    queue: Queue[tuple[int, int]] = narrow(Queue())

    def produce(me: int) -> None:
        for number in range(1500):
            queue.put((me, number))

    children = [fork(produce, me) for me in range(4)]
    seen: dict[int, int] = dict.fromkeys(range(4), -1)
    for _ in range(6000):
        me, number = queue.get()
        assert number == seen[me] + 1
        seen[me] = number
    assert [ended(child) for child in children] == [0] * 4
    assert queue.empty()


def test_sleeping_readers_wake_for_what_is_in_the_log() -> None:
    """More readers than the pipe has room: those beyond it must not sleep on while the log is full."""
    queue: Queue[int] = narrow(Queue())
    done: Queue[int] = Queue()

    def take_one() -> None:
        done.put(queue.get())

    children = [fork(take_one) for _ in range(40)]
    for number in range(40):
        queue.put(number)
    assert sorted(done.get() for _ in range(40)) == list(range(40))
    assert [ended(child) for child in children] == [0] * 40


def test_a_full_queue_lets_its_producers_go_on_one_by_one() -> None:
    queue: Queue[int] = Queue(2)
    children = [fork(put_numbers, queue, start, start + 50) for start in (0, 100, 200)]
    got = []
    for _ in range(150):
        assert queue.qsize() <= 2
        got.append(queue.get())
    assert [ended(child) for child in children] == [0] * 3
    assert sorted(got) == [*range(50), *range(100, 150), *range(200, 250)]


def test_the_bound_holds_across_the_log() -> None:
    queue: Queue[int] = narrow(Queue(30))
    put_numbers(queue, 0, 30)
    assert queue.full()
    with pytest.raises(Full):
        queue.put_nowait(30)
    assert queue.get() == 0
    queue.put_nowait(30)
    assert [queue.get() for _ in range(30)] == list(range(1, 31))


# -- anywhere, at any time -------------------------------------------------------------------------------


def test_a_queue_travels_through_a_queue(queue: Any) -> None:
    carrier: Queue[Any] = Queue()
    carrier.put(queue)
    arrived = carrier.get()
    arrived.put("there")
    assert queue.get() == "there"
    queue.put("back")
    assert arrived.get() == "back"


def test_a_queue_with_items_that_its_sender_has_dropped_arrives_with_them() -> None:
    carrier: Queue[Any] = Queue()

    def send() -> None:
        inner: Queue[str] = Queue()
        inner.put("inside")
        carrier.put(inner)

    assert ended(fork(send)) == 0
    assert carrier.get().get() == "inside"


def test_locks_and_queues_reach_a_child_that_runs_already() -> None:
    carrier: Queue[Any] = Queue()
    answers: SimpleQueue[str] = SimpleQueue()
    child = SPAWN.Process(target=use_lock_from, args=(carrier,))
    child.start()
    carrier.put((Lock(), answers))
    assert answers.get() == "locked"
    child.join()
    child.close()


def test_sockets_and_connections_travel_also_those_of_the_standard_library() -> None:
    queue: Queue[Any] = Queue()
    left, right = socket.socketpair()
    one, other = multiprocessing.Pipe()
    queue.put((left, one))
    left.close()
    one.close()
    left, one = queue.get()
    with left, right, one, other:
        left.send(b"s")
        one.send("c")
        assert (right.recv(1), other.recv()) == (b"s", "c")


def test_items_with_descriptors_keep_their_place_among_the_others() -> None:
    queue: Queue[Any] = narrow(Queue())
    lock = Lock()
    for number in range(40):
        queue.put((number, lock if number % 3 == 0 else None))
    assert [queue.get()[0] for _ in range(40)] == list(range(40))


def test_a_full_lane_waits_for_a_reader() -> None:
    queue: Queue[Any] = Queue()
    lock, most = Lock(), 0
    with pytest.raises(Full):
        while True:
            queue.put(lock, block=False)
            most += 1
    assert most > 50
    child = fork(put_into_each, [queue, queue], lock)
    for _ in range(most + 2):
        queue.get()
    assert ended(child) == 0


def test_a_queue_is_not_torn_apart_by_copying() -> None:
    import copy

    queue: Queue[int] = Queue()
    assert copy.copy(queue) is queue
    assert copy.deepcopy([queue])[0] is queue


def test_a_subclass_may_wrap_the_state_as_in_the_standard_library() -> None:
    carrier: Queue[Any] = Queue()
    counted = Counted()
    counted.put(5)
    carrier.put(counted)
    arrived = carrier.get()
    assert (arrived.get(), arrived.extra) == (5, "kept")


class Counted(Queue[int]):
    def __init__(self) -> None:
        super().__init__(ctx=multiprocessing.get_context())
        self.extra = "kept"

    def __getstate__(self) -> Any:
        return {"parent": super().__getstate__(), "extra": self.extra}

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state["parent"])
        self.extra = state["extra"]


# -- items that do not travel ----------------------------------------------------------------------------


def test_an_unpicklable_item_raises_in_put_and_names_its_type(queue: Any) -> None:
    """cpython#103061 and others: there it is a traceback of a thread, and the item is gone."""
    with pytest.raises(AttributeError, match="not this one") as caught:
        queue.put(Unpicklable())
    assert "queuekit.Unpicklable" in caught.value.__notes__[0]
    with pytest.raises(TypeError, match="cannot pickle"):
        queue.put(threading.Lock())
    assert queue.empty()
    queue.put(1)
    assert queue.get() == 1


def test_an_item_that_does_not_unpickle_raises_in_get_and_the_queue_goes_on(queue: Any) -> None:
    for item in (Picky(), 1, [Picky(), b"x" * 5000], 2, (Picky(), np.zeros(20_000)), 3):
        queue.put(item)
    for number in (1, 2, 3):
        with pytest.raises(LookupError, match="no") as caught:
            queue.get()
        assert "could not be unpickled" in caught.value.__notes__[0]
        assert queue.get() == number


def test_a_subclass_may_be_told_instead_as_concurrent_futures_wants() -> None:
    told: list[Any] = []

    class Safe(Queue[Any]):
        def _on_queue_feeder_error(self, e: Exception, obj: object) -> None:  # type: ignore[override]
            told.append((type(e), type(obj)))

    queue = Safe(ctx=None)
    queue.put(Unpicklable())
    queue.put(True)
    assert queue.get() is True
    assert told == [(AttributeError, Unpicklable)]


def test_lambdas_and_closures_travel(queue: Any) -> None:
    base = 40
    queue.put(lambda more: base + more)
    assert queue.get()(2) == 42


def test_reducers_of_third_parties_win(queue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from multiprocessing.reduction import ForkingPickler

    queue.put(Tensor(1))
    assert queue.get().value == 1
    ForkingPickler.register(Tensor, lambda tensor: (Tensor, (tensor.value * 100,)))
    try:
        queue.put(Tensor(2))
        assert queue.get().value == 200
    finally:
        del ForkingPickler._extra_reducers[Tensor]  # type: ignore[attr-defined]
    queue.put(Tensor(3))
    assert queue.get().value == 3


class Tensor:
    def __init__(self, value: int) -> None:
        self.value = value


def test_descriptors_inside_a_nested_pickle_go_along() -> None:
    queue: Queue[Any] = Queue()
    queue.put(Nested())
    arrived = queue.get()
    os.write(arrived.writer, b"!")
    os.close(arrived.writer)


class Nested:
    """Swallows exceptions while it is pickled, as careless code does."""

    def __reduce__(self) -> Any:
        reader, writer = os.pipe()
        os.close(reader)
        try:
            return rebuild, (carry.share(writer),)
        except Exception:
            return rebuild, (None,)
        finally:
            os.close(writer)


def rebuild(shared: Any) -> Nested:
    made = Nested()
    assert shared is not None
    fd = shared.detach()
    os.close(fd)
    made.writer = os.open("/dev/null", os.O_WRONLY)  # type: ignore[attr-defined]
    return made


# -- the end ---------------------------------------------------------------------------------------------


def test_iterating_ends_when_every_producer_has_closed_or_ended() -> None:
    queue: Queue[int] = narrow(Queue())
    children = [fork(put_numbers, queue, start, start + 100) for start in (0, 100)]
    queue.close()
    assert sorted(queue) == list(range(200))
    assert [ended(child) for child in children] == [0, 0]


def test_iterating_ends_when_the_last_producer_is_killed() -> None:
    queue: Queue[int] = Queue()
    ready, go = os.pipe()

    def produce() -> None:
        queue.put(1)
        os.write(go, b"x")
        signal.pause()

    child = fork(produce)
    os.read(ready, 1)
    got = iter(queue)
    assert next(got) == 1
    os.kill(child, signal.SIGKILL)
    assert list(got) == []
    assert ended(child) == -signal.SIGKILL
    for fd in (ready, go):
        os.close(fd)


def test_several_consumers_iterate_the_rest_in_the_log() -> None:
    queue: Queue[int] = narrow(Queue())
    answers: Queue[list[int]] = Queue()
    put_numbers(queue, 0, 500)

    def consume() -> None:
        answers.put(list(queue))

    children = [fork(consume) for _ in range(3)]
    queue.close()
    assert sorted(number for _ in children for number in answers.get()) == list(range(500))
    assert [ended(child) for child in children] == [0] * 3


def test_who_iterates_puts_no_more_and_get_says_that_nobody_does() -> None:
    queue: Queue[int] = Queue()
    queue.put(1)
    assert list(queue) == [1]
    with pytest.raises(ValueError, match="closed"):
        queue.put(2)
    with pytest.raises(ChannelClosed):
        queue.get()
    with pytest.raises(ChannelClosed):
        queue.get(timeout=10)


def test_a_closed_queue_still_reaches_its_consumers() -> None:
    queue: Queue[int] = Queue()
    carrier: Queue[Any] = Queue()
    put_numbers(queue, 0, 3)
    queue.close()
    carrier.put(queue)
    assert list(carrier.get()) == [0, 1, 2]


def test_a_child_that_was_not_given_the_queue_is_no_producer() -> None:
    from procession.ipc.given import NOT_GIVEN, close_strangers

    queue: Queue[int] = Queue()
    go, trigger = os.pipe()

    def stranger() -> None:
        close_strangers([])
        with pytest.raises(OSError, match=NOT_GIVEN[:20]):
            queue.put(1)
        os.close(trigger)
        os.read(go, 1)

    child = fork(stranger)
    producer = fork(put_numbers, queue, 0, 3)
    assert list(queue) == [0, 1, 2]  # though the stranger lives
    os.close(trigger)
    os.close(go)
    assert [ended(child), ended(producer)] == [0, 0]


def test_many_threads_of_one_process() -> None:
    queue: Queue[int] = narrow(Queue(), 64)
    got: list[int] = []

    def take() -> None:
        while (item := queue.get()) >= 0:
            got.append(item)

    takers = [threading.Thread(target=take) for _ in range(4)]
    putters = [
        threading.Thread(target=put_numbers, args=(queue, start, start + 500))
        for start in range(0, 2000, 500)
    ]
    for thread in [*takers, *putters]:
        thread.start()
    for thread in putters:
        thread.join()
    put_into_each([queue] * 4, -1)
    for thread in takers:
        thread.join()
    assert sorted(got) == list(range(2000))


# -- several at once -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Queue", "bounded", "JoinableQueue"])
def test_many_at_once(kind: str) -> None:
    queue = KINDS[kind]()
    items = [*range(50), b"x" * 3000, np.arange(30_000), Lock(), *range(50)]
    queue.put_many(items)
    assert queue.qsize() == len(items)
    got = queue.get_many(20)
    assert got == list(range(20))
    while len(got) < len(items):
        got += queue.get_many()
    assert got[:51] == items[:51]
    assert (got[51] == items[51]).all()
    assert got[53:] == items[53:]
    with pytest.raises(Empty):
        queue.get_many(5, block=False)
    with pytest.raises(ValueError, match="max_items"):
        queue.get_many(0)


def test_put_many_puts_nothing_when_one_does_not_pickle() -> None:
    queue: Queue[Any] = Queue()
    with pytest.raises(AttributeError):
        queue.put_many([1, Lock(), Unpicklable(), 2])
    assert queue.empty()


def test_put_many_says_how_many_went_in() -> None:
    queue: Queue[int] = Queue(5)
    with pytest.raises(Full) as caught:
        queue.put_many(range(10), timeout=0.01)
    assert caught.value.put == 5  # type: ignore[attr-defined]
    assert queue.get_many() == [0, 1, 2, 3, 4]


def test_get_many_keeps_what_came_with_an_item_that_does_not_unpickle() -> None:
    queue: Queue[Any] = Queue()
    queue.put_many([1, 2, Picky(), 3])
    assert queue.get_many() == [1, 2]
    with pytest.raises(LookupError):
        queue.get_many()
    assert queue.get_many() == [3]


def test_stats_count() -> None:
    queue: Queue[Any] = narrow(Queue())
    assert ended(fork(put_numbers, queue, 0, 20)) == 0
    queue.put(b"x" * 100_000)
    for _ in range(5):
        queue.get()
    stats = queue.stats()
    assert (stats.puts, stats.gets, stats.waiting, stats.lost) == (21, 5, 16, 0)
    assert stats.spills > 0
    assert stats.spilled <= stats.spills
    assert (stats.large, stats.large_bytes >= 100_000) == (1, True)
    assert stats.processes == 2


# -- tasks -----------------------------------------------------------------------------------------------


def test_join_waits_for_the_last_task() -> None:
    queue: JoinableQueue[int] = JoinableQueue()
    order: Queue[str] = Queue()

    def work() -> None:
        for _ in range(30):
            queue.get()
            order.put("done")
            queue.task_done()

    put_numbers(queue, 0, 60)
    children = [fork(work), fork(work)]
    assert queue.join()
    assert order.qsize() == 60
    assert [ended(child) for child in children] == [0, 0]


def test_task_done_too_often() -> None:
    queue: JoinableQueue[int] = JoinableQueue()
    with pytest.raises(ValueError, match="too many times"):
        queue.task_done()
    queue.put(1)
    assert not queue.join(timeout=0.02)
    queue.task_done()  # before it was taken, as the standard library allows
    with pytest.raises(ValueError, match="too many times"):
        queue.task_done()
    assert queue.join()


def test_one_process_may_finish_the_tasks_of_another() -> None:
    queue: JoinableQueue[int] = JoinableQueue()
    put_numbers(queue, 0, 3)

    def take() -> None:
        for _ in range(3):
            queue.get()

    child = fork(take)
    for _ in range(3):
        queue.task_done()
    assert ended(child) == 0
    estate.settle(child)
    assert queue.join(timeout=10)
    assert queue.stats().lost == 0


@pytest.mark.parametrize("told", [True, False], ids=["by the reaper", "found out by join itself"])
def test_join_does_not_wait_for_the_dead(told: bool) -> None:
    queue: JoinableQueue[int] = JoinableQueue()
    put_numbers(queue, 0, 10)
    taken, tell = os.pipe()

    def take() -> None:
        for _ in range(4):
            queue.get()
        queue.task_done()
        os.write(tell, b"x")
        signal.pause()

    child = fork(take)
    os.read(taken, 1)
    for _ in range(6):
        queue.get()
        queue.task_done()
    assert not queue.join(timeout=0.02)
    os.kill(child, signal.SIGKILL)
    assert ended(child) == -signal.SIGKILL
    if told:
        estate.settle(child)
    assert queue.join(timeout=20)
    assert queue.stats().lost == 3
    for fd in (taken, tell):
        os.close(fd)


# -- signals ---------------------------------------------------------------------------------------------


class Interrupted(BaseException):
    pass


@pytest.mark.parametrize("kind", ["Queue", "JoinableQueue", "SimpleQueue"])
def test_a_signal_in_the_middle_of_get_loses_nothing(kind: str) -> None:
    queue = narrow(KINDS[kind]())
    caught = 0

    def interrupt(_: int, frame: Any) -> None:
        nonlocal caught
        while frame is not None and frame.f_code is not type(queue).get.__code__:
            frame = frame.f_back
        if frame is not None:
            caught += 1
            raise Interrupted

    # What is opened once in a process: an exception between open and "it is mine" would leave a descriptor.
    put_numbers(queue, -500, 0)
    assert [queue.get() for _ in range(500)] == list(range(-500, 0))
    before = signal.signal(signal.SIGALRM, interrupt)
    child = fork(put_numbers, queue, 0, 5000)
    got: list[int] = []
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        while len(got) < 5000:
            try:
                got.append(queue.get())
            except Interrupted:
                pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert got == list(range(5000))
    assert caught > 5
    assert ended(child) == 0


def test_a_waiting_get_is_interrupted_at_once() -> None:
    queue: Queue[int] = Queue()

    def interrupt(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for timeout in (None, 30):
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            with pytest.raises(Interrupted):
                queue.get(timeout=timeout)
    finally:
        signal.signal(signal.SIGALRM, before)


# -- what multiprocessing's own parts use ----------------------------------------------------------------


def test_the_ends_are_like_connections(queue: Any) -> None:
    from multiprocessing.connection import wait

    assert not queue._reader.poll()
    assert wait([queue._reader], timeout=0) == []
    queue._writer.send("x")
    assert len(wait([queue._reader], timeout=5)) == 1
    assert queue._reader.poll(5)
    assert queue._reader.recv() == "x"
    with queue._rlock:
        assert queue._wlock.acquire()


def test_a_queue_that_is_dropped_closes_everything(queue: Any) -> None:
    before = set(os.listdir("/proc/self/fd"))
    extra: Queue[Any] = Queue()
    extra.put(queue)
    extra.get()
    del extra
    gc.collect()
    assert set(os.listdir("/proc/self/fd")) == before


def test_plain_pickle_goes_by_the_resource_sharer_as_elsewhere() -> None:
    from multiprocessing import resource_sharer

    queue: Queue[int] = Queue()
    try:
        arrived = pickle.loads(pickle.dumps(queue))
        arrived.put(3)
        assert queue.get() == 3
    finally:
        resource_sharer.stop()
