"""Large items: without a copy at the receiver, and the memory goes back to the kernel."""

from __future__ import annotations

import gc
import os
import signal
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procession.ipc import estate
from procession.ipc.queue_book import BUMP, Book
from procession.ipc.queue_regions import MAPPED_MIN, PICKLE, PLAIN_BYTES, Regions
from procession.ipc.queues import Full, Queue
from tests.unit.ipc.queuekit import KINDS, ended, fork

MIB = 1 << 20


def used(queue: Any) -> int:
    """Bytes of memory that the regions of a queue take now."""
    return os.fstat(queue._regions.fd).st_blocks * 512


@pytest.mark.parametrize("kind", KINDS)
def test_an_array_arrives_as_a_view_that_only_its_receiver_writes(kind: str) -> None:
    queue = KINDS[kind]()
    sent = np.arange(300_000, dtype=np.float64).reshape(300, 1000)
    queue.put(sent)
    sent[0, 0] = -1
    got = queue.get()
    assert got[0, 0] == 0
    assert (got[1:] == sent[1:]).all()
    assert not got.flags.owndata
    assert got.flags.writeable
    got[:] = 7
    assert sent[1, 1] == 1001


def test_arrays_inside_other_things_and_other_buffers() -> None:
    queue: Queue[Any] = Queue()
    small, large = np.arange(10), np.arange(100_000)
    item = {"a": [small, large, large * 2], "b": b"x" * 200_000, "c": bytearray(b"y" * 100_000)}
    queue.put(item)
    got = queue.get()
    assert (got["a"][0] == small).all()
    assert (got["a"][1] == large).all()
    assert (got["a"][2] == large * 2).all()
    assert got["b"] == item["b"]
    assert got["c"] == item["c"]


@pytest.mark.parametrize(
    "size", [400, 500, 512, 600, 4000, MAPPED_MIN - 100, MAPPED_MIN, MAPPED_MIN + 1, 3 * MIB]
)
@pytest.mark.parametrize(
    "make", [bytes, bytearray, lambda size: "x" * size, lambda size: np.ones(size, "u1")]
)
def test_every_size(size: int, make: Callable[[int], Any]) -> None:
    queue: Queue[Any] = Queue()
    item = make(size)
    queue.put(item)
    queue.put(1)
    got = queue.get()
    assert type(got) is type(item)
    assert (got == item) if not isinstance(item, np.ndarray) else (got == item).all()
    assert queue.get() == 1


@pytest.mark.parametrize("count", [1000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_ten_thousand_large_items_take_the_memory_of_a_few(count: int) -> None:
    queue: Queue[Any] = Queue(4)

    def produce() -> None:
        for number in range(count):
            queue.put(np.full(MAPPED_MIN // 8 + number % 500, number))

    child = fork(produce)
    most = 0
    for number in range(count):
        got = queue.get()
        assert got[0] == got[-1] == number
        if number % 100 == 0:
            most = max(most, used(queue))
    assert ended(child) == 0
    del got
    assert most < 8 * MIB
    assert used(queue) <= 64 * MIB


def test_memory_goes_back_when_the_receiver_lets_go() -> None:
    queue: Queue[Any] = Queue()
    for _ in range(3):
        queue.put(np.ones(40 * MIB, "u1"))
    assert used(queue) >= 120 * MIB
    got = [queue.get() for _ in range(3)]
    assert used(queue) >= 120 * MIB
    part = got[0][5:10]
    del got
    gc.collect()
    assert 40 * MIB <= used(queue) < 80 * MIB
    assert (part == 1).all()
    del part
    gc.collect()
    assert used(queue) < MIB


def test_an_array_outlives_its_queue() -> None:
    queue: Queue[Any] = Queue()
    queue.put(np.arange(200_000))
    got = queue.get()
    gone = weakref.ref(queue._regions)
    del queue
    assert (got == np.arange(200_000)).all()
    del got
    gc.collect()
    assert gone() is None


def test_a_thousand_arrays_at_once_need_no_thousand_descriptors() -> None:
    queue: Queue[Any] = Queue()
    got = []
    for number in range(1000):
        queue.put(np.full(MAPPED_MIN // 8, number))
        got.append(queue.get())
    assert len(os.listdir("/proc/self/fd")) < 200
    assert [array[0] for array in got] == list(range(1000))


def test_nothing_stays_behind_when_the_queue_is_full() -> None:
    queue: Queue[Any] = Queue(1)
    queue.put(1)
    for _ in range(20):
        with pytest.raises(Full):
            queue.put(np.ones(MIB, "u1"), timeout=0.001)
    assert used(queue) <= 2 * MIB


# -- processes that share what they have received ---------------------------------------------------------


def test_a_forked_child_keeps_what_its_parent_lets_go() -> None:
    queue: Queue[Any] = Queue()
    answers: Queue[Any] = Queue()
    queue.put(np.arange(MIB))
    got = [queue.get()]
    go_read, go = os.pipe()

    def look() -> None:
        os.read(go_read, 1)
        answers.put(bool((got[0] == np.arange(MIB)).all()))

    child = fork(look)
    got[0][0] = 99  # its own copy of the page: no child of it sees that
    got.clear()
    gc.collect()
    for _ in range(5):  # would be laid over the child's array if its region were free
        queue.put(np.zeros(MIB))
        queue.get()
    os.write(go, b"x")
    assert answers.get() is True
    assert ended(child) == 0
    queue._regions.sweep()
    assert used(queue) < 64 * MIB
    for fd in (go_read, go):
        os.close(fd)


def test_a_child_that_lets_go_does_not_take_it_from_its_parent() -> None:
    queue: Queue[Any] = Queue()
    queue.put(np.arange(MIB))
    got = [queue.get()]

    def let_go() -> None:
        got.clear()
        gc.collect()
        queue.put(np.zeros(MIB))

    assert ended(fork(let_go)) == 0
    queue._regions.sweep()
    assert queue.get()[5] == 0
    assert (got[0] == np.arange(MIB)).all()


def test_what_a_killed_receiver_had_is_free_again() -> None:
    queue: Queue[Any] = Queue()
    ready, tell = os.pipe()

    def hold() -> None:
        held = [queue.get() for _ in range(4)]
        os.write(tell, b"x")
        signal.pause()
        del held

    child = fork(hold)
    for _ in range(4):
        queue.put(np.ones(8 * MIB, "u1"))
    os.read(ready, 1)
    assert used(queue) >= 32 * MIB
    os.kill(child, signal.SIGKILL)
    assert ended(child) == -signal.SIGKILL
    estate.settle(child)
    assert used(queue) < MIB
    for fd in (ready, tell):
        os.close(fd)


def test_new_items_find_what_the_dead_have_left_without_being_told() -> None:
    queue: Queue[Any] = Queue()

    def hold() -> None:
        held = queue.get()
        os.kill(os.getpid(), signal.SIGKILL)
        del held

    queue.put(np.ones(200 * MIB, "u1"))
    assert ended(fork(hold)) == -signal.SIGKILL
    for _ in range(10):
        queue.put(np.ones(40 * MIB, "u1"))  # too large for a shelf, so each is a new region
        queue.get()
    assert used(queue) < 100 * MIB


def test_an_array_that_goes_in_the_middle_of_a_section_waits_for_nobody() -> None:
    queue: Queue[Any] = Queue()
    queue.put(np.ones(MIB))
    got = [queue.get()]
    with queue._book.section:  # as the collector would: in this thread
        got.clear()
    assert used(queue) < MIB
    queue.put(np.ones(MIB))
    got = [queue.get()]
    held, release = os.pipe()

    def hold() -> None:
        with queue._book.section:
            os.write(release, b"x")
            signal.pause()

    child = fork(hold)
    os.read(held, 1)
    got.clear()
    os.kill(child, signal.SIGKILL)
    assert ended(child) == -signal.SIGKILL
    queue.put(np.ones(MIB))
    assert queue.get()[0] == 1
    for fd in (held, release):
        os.close(fd)


# -- the regions alone -----------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 300_000), st.integers(0, 5)), max_size=40))
def test_regions_never_overlap_and_hold_what_was_written(steps: list[tuple[int, int]]) -> None:
    regions = Regions.create(Book())
    there: list[tuple[int, int, bytes]] = []
    for size, drop in steps:
        content = os.urandom(8) * (size // 8 + 1)
        offset, total = regions.store(PLAIN_BYTES if drop % 2 else PICKLE, content)
        assert all(offset + total <= start or start + room <= offset for start, room, _ in there)
        there.append((offset, total, content))
        while len(there) > 6 - drop:
            offset, total, content = there.pop(drop % len(there))
            payload = regions.load(offset, total)
            assert bytes(payload.data) == content
            payload.free()
    for offset, total, content in there:
        assert bytes(regions.load(offset, total).data) == content


def test_regions_go_round_within_a_file_size_limit() -> None:
    regions = Regions.create(Book())
    regions.area = 4 * MIB
    for number in range(40):
        offset, size = regions.store(PLAIN_BYTES, bytes([number]) * 700_000)
        payload = regions.load(offset, size)
        assert payload.data[-1] == number
        held = payload if number % 7 == 0 else None
        payload.free()
        del payload
    del held
    with pytest.raises(OSError, match="file size limit"):
        for _ in range(10):
            regions.store(PLAIN_BYTES, bytes(700_000))
    assert regions.book.words[BUMP] <= regions.area


def test_a_queue_within_a_file_size_limit() -> None:
    import resource

    def use() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))
        queue: Queue[Any] = Queue()
        for number in range(300):
            queue.put(bytes([number % 251]) * 100_000)
            assert queue.get() == bytes([number % 251]) * 100_000
        put = 0
        with pytest.raises(OSError, match=r"limit|File too large"):
            while True:
                queue.put(put)
                put += 1
        assert put >= 2000
        assert [queue.get() for _ in range(put)] == list(range(put))

    assert ended(fork(use)) == 0
