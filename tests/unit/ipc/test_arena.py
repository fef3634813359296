"""Slots of shared memory: cheap, the same everywhere, and never handed out to two."""

from __future__ import annotations

import copy
import gc
import os
import pickle
from multiprocessing import resource_sharer

import pytest

from procession.ipc import arena, carry
from procession.ipc.locks import Lock
from tests.unit.ipc.lockkit import Ear, family


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def there_and_back(obj: object) -> object:
    parcel = carry.pack(obj)
    return carry.unpack(parcel.data, parcel.descriptors)


def test_a_slot_is_zeroed_aligned_and_of_its_size() -> None:
    for size in (1, 4, 64, 65, 1000):
        slot = arena.allocate(size)
        assert len(slot.memory) == size
        assert slot.address % arena.ALIGNMENT == 0
        assert not any(slot.memory)


def test_ten_thousand_locks_cost_a_handful_of_descriptors() -> None:
    before = descriptors()
    locks = [Lock() for _ in range(10_000)]
    assert descriptors() - before <= 20
    parcel = carry.pack(locks)
    assert len(parcel.descriptors) <= 10, "one for each chunk, not for each lock"
    parcel.close()
    del locks
    gc.collect()
    assert descriptors() == before


def test_what_comes_back_is_on_the_same_memory_and_costs_nothing() -> None:
    slot = arena.allocate(8)
    before = descriptors()
    again = there_and_back([slot, slot, arena.allocate(8)])
    assert isinstance(again, list)
    slot.memory[0] = 77
    assert again[0].memory[0] == 77
    assert again[0] is again[1]
    assert again[0].address == slot.address != again[2].address
    assert descriptors() == before


def test_plain_pickle_goes_by_the_resource_sharer() -> None:
    slot = arena.allocate(8)
    slot.memory[0] = 5
    try:
        again = pickle.loads(pickle.dumps(slot))
    finally:
        resource_sharer.stop()
    assert again.address == slot.address


def test_a_deep_copy_is_the_same_memory() -> None:
    lock = Lock()
    with copy.deepcopy([lock])[0]:
        assert lock.locked()


def test_a_slot_that_nobody_else_knew_is_handed_out_again_zeroed() -> None:
    keeper, slot = arena.allocate(8), arena.allocate(100)
    address = slot.address
    slot.memory[:] = b"x" * 100
    del slot
    again = arena.allocate(100)
    assert again.address == address
    assert not any(again.memory)
    assert keeper.address != address


def test_a_slot_that_has_been_sent_is_not() -> None:
    keeper, slot = arena.allocate(8), arena.allocate(100)
    address = slot.address
    carry.pack(slot).close()
    del slot
    assert arena.allocate(100).address != address
    del keeper


def test_a_slot_from_before_a_fork_is_not() -> None:
    keeper, slot, given_up = arena.allocate(8), arena.allocate(100), arena.allocate(100)
    addresses = {slot.address, given_up.address}
    del given_up
    with family() as start:
        child = start("fork", lambda ear: ear.listen())
        del slot
        again = [arena.allocate(100) for _ in range(3)]
        assert not addresses & {each.address for each in again}
        child.tell()
        assert child.join() == 0
    del keeper


def test_a_forked_child_makes_chunks_of_its_own() -> None:
    slot = arena.allocate(100)

    def allocates(ear: Ear) -> None:
        mine = arena.allocate(100)
        mine.memory[0] = 9
        assert mine.chunk is not slot.chunk
        ear.say("done")

    with family() as start:
        child = start("fork", allocates)
        child.hear("done")
        assert child.join() == 0
    assert not any(arena.allocate(100).memory)
    assert not slot.memory[0]


def test_a_chunk_goes_with_its_last_slot_or_view() -> None:
    gc.collect()
    before = descriptors()
    slot = arena.allocate(8)
    view = slot.create_memoryview()
    assert descriptors() > before
    del slot
    view[0] = 1
    assert descriptors() > before
    del view
    assert descriptors() == before


def test_a_large_slot_has_a_chunk_of_its_own() -> None:
    before = descriptors()
    slot = arena.allocate(50_000_000)
    slot.memory[-1] = 1
    assert os.fstat(slot.chunk.fd).st_size >= 50_000_000
    again = there_and_back(slot)
    assert isinstance(again, arena.Slot)
    assert again.memory[-1] == 1
    del slot, again
    assert descriptors() == before


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        arena.allocate(-1)


def test_a_descriptor_that_somebody_closed_is_not_sent() -> None:
    slot = arena.allocate(100_000)
    os.close(slot.chunk.fd)
    with open(os.devnull, "rb"), pytest.raises(OSError, match="somebody has closed"):
        carry.pack(slot)


def test_the_memory_cannot_be_shrunk_by_anybody() -> None:
    slot = arena.allocate(8)
    with pytest.raises(PermissionError):
        os.ftruncate(slot.chunk.fd, 0)
