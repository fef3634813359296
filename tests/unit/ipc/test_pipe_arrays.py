"""Large items: no copy, no descriptor, and their memory goes back to the kernel."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest

from procession.ipc.connection import Pipe
from tests.unit.ipc.pipekit import Ends, ended, fork, in_child, open_fds

numpy = pytest.importorskip("numpy")  # here, since its import starts a thread that stays


@pytest.fixture
def pair() -> Iterator[Ends]:
    left, right = Pipe()
    yield left, right
    left.close()
    right.close()


def _mappings() -> int:
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        return sum("pn-message" in line for line in maps)


def test_arrays_arrive_without_a_copy_and_are_the_receivers_own(pair: Ends) -> None:
    before = open_fds()
    arrays = [numpy.arange(100_000), numpy.ones((300, 300)), numpy.zeros(3)]
    pair[0].send(arrays)
    arrived = pair[1].recv()
    assert open_fds() == before  # a mapping, and no descriptor
    assert _mappings() >= 1
    for sent, got in zip(arrays, arrived, strict=True):
        assert (sent == got).all()
        numpy.add(got, 1, out=got)
        assert not (sent == got).any()
    last = arrived[1]
    del arrived, got
    assert _mappings() >= 1
    assert last.sum() == 2 * 300 * 300
    del last
    assert _mappings() == 0


def test_a_received_array_is_not_shared_with_a_fork(pair: Ends) -> None:
    pair[0].send(numpy.zeros(100_000))
    arrived = pair[1].recv()
    in_child(lambda: arrived.fill(7))
    assert arrived.sum() == 0


def test_a_large_pickle_without_buffers_leaves_no_mapping(pair: Ends) -> None:
    message = [str(number) for number in range(100_000)]
    pair[0].send(message)
    assert pair[1].recv() == message
    assert _mappings() == 0


def test_bytes_of_an_object_with_buffers_are_a_whole_pickle(pair: Ends) -> None:
    pair[0].send(numpy.arange(100_000))
    assert (pickle.loads(pair[1].recv_bytes()) == numpy.arange(100_000)).all()


@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.slow)])
def test_the_memory_of_large_items_goes_back_to_the_kernel(count: int, pair: Ends) -> None:
    left, right = pair
    before = open_fds()

    def body() -> None:
        right.close()
        item = numpy.ones(1 << 17)  # 1 MiB
        for number in range(count):
            item[0] = number
            left.send(item)

    pid = fork(body)
    left.close()
    kept = []
    most = 0
    for number in range(count):
        item = right.recv()
        assert item[0] == number
        if number % 100 == 0:
            kept.append(item)
            del kept[:-3]
            most = max(most, _mappings())
            assert len(open_fds()) <= len(before)
    ended(pid)
    del item, kept
    assert _mappings() == 0
    assert most <= 5
    assert _shared_memory_kb() < 100 << 10


def _shared_memory_kb() -> int:
    with open("/proc/self/status", encoding="ascii") as file:
        return int(next(line.split()[1] for line in file if line.startswith("RssShmem")))
