"""SharedArray: a numpy array that goes anywhere, and goes away with its last user."""

from __future__ import annotations

import gc
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from multiprocessing import resource_sharer
from typing import Any

import pytest

from procession.errors import Unsupported
from procession.ipc import carry
from procession.ipc.shared_array import SharedArray
from tests.unit.ipc.lockkit import METHODS, Child, Ear, family

np = pytest.importorskip("numpy", reason="numpy is missing")
Start = Callable[..., Child]


@pytest.fixture
def start() -> Iterator[Start]:
    with family() as begin:
        yield begin


def held() -> tuple[int, int]:
    """Descriptors, and mappings of memfds."""
    gc.collect()
    with open("/proc/self/maps", encoding="utf-8") as maps:
        return len(os.listdir("/proc/self/fd")), sum("/memfd:pn-shared" in line for line in maps)


@pytest.mark.parametrize("shape", [5, (5,), (2, 3), (), (0, 7), [4, 1], np.int64(3)])
def test_it_is_zeroed_and_of_its_shape(shape: Any) -> None:
    shared = SharedArray(shape, "int32")
    assert shared.shape == np.zeros(shape).shape
    assert shared.dtype == np.int32
    assert not shared.array.any()
    assert shared.array.flags.c_contiguous
    assert shared.array.flags.writeable


def test_a_float_unless_said_otherwise() -> None:
    assert SharedArray(3).dtype == np.float64
    assert SharedArray(3, [("a", "i4"), ("b", "U5")]).array["b"][0] == ""


def test_from_array_copies() -> None:
    given = np.arange(12).reshape(3, 4).T
    shared = SharedArray.from_array(given)
    assert (shared.array == given).all()
    given[0, 0] = 99
    assert shared.array[0, 0] == 0
    assert SharedArray.from_array([[1, 2], [3, 4]]).shape == (2, 2)


def test_what_cannot_be_shared_is_refused() -> None:
    with pytest.raises(ValueError, match="Python objects"):
        SharedArray(3, object)
    with pytest.raises(ValueError, match="negative"):
        SharedArray((3, -1))


def test_it_is_the_same_memory_wherever_it_comes() -> None:
    shared = SharedArray((2, 2))
    parcel = carry.pack([shared, shared.array.dtype])
    again = carry.unpack(parcel.data, parcel.descriptors)[0]
    try:
        third = pickle.loads(pickle.dumps(shared))
    finally:
        resource_sharer.stop()
    shared.array[1, 1] = 5
    assert again.array[1, 1] == third.array[1, 1] == 5


def fills(ear: Ear, shared: SharedArray) -> None:
    shared.array[:] = np.arange(shared.array.size).reshape(shared.shape)
    shared.close()
    ear.say("done")
    ear.listen()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("length", [10, 1_000_000])
def test_another_process_fills_it(start: Start, method: str, length: int) -> None:
    with SharedArray((length, 2), "i8") as shared:
        child = start(method, fills, shared)
        child.hear("done")
        assert shared.array[-1, 1] == 2 * length - 1
        child.tell()
        assert child.join() == 0


def keeps(ear: Ear, shared: SharedArray) -> None:
    ear.say("has it")
    ear.listen()
    ear.say(str(shared.array.sum()))


@pytest.mark.parametrize("method", METHODS)
def test_it_outlives_its_maker(start: Start, method: str) -> None:
    shared = SharedArray.from_array(np.ones(1_000_000))
    child = start(method, keeps, shared)
    child.hear("has it")
    shared.close()
    child.tell()
    child.hear("1000000.0")
    assert child.join() == 0


def test_close_frees_it_and_views_stay_valid() -> None:
    before = held()
    shared = SharedArray(1_000_000)
    view = shared.array[10:20]
    assert held() > before
    shared.close()
    shared.close()
    for use in (lambda: shared.array, lambda: shared.shape, lambda: pickle.dumps(shared)):
        with pytest.raises(ValueError, match="closed"):
            use()
    assert repr(shared) == "<SharedArray (closed)>"
    view[:] = 1
    assert view.sum() == 10
    del view
    assert held() == before


def test_a_view_of_a_small_one_is_not_overwritten_by_the_next() -> None:
    shared = SharedArray(4)
    view = shared.array
    view[:] = 7
    del shared
    others = [SharedArray.from_array(np.zeros(4)) for _ in range(5)]
    assert (view == 7).all()
    del others


def test_nothing_is_left_in_dev_shm_after_a_kill(start: Start) -> None:
    before = set(os.listdir("/dev/shm"))
    child = start("fresh", keeps, SharedArray(1_000_000))
    child.hear("has it")
    assert {name for name in set(os.listdir("/dev/shm")) - before if name.startswith(("psm_", "pn"))} == set()
    child.kill()


def test_without_numpy_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(Unsupported, match="pip install numpy"):
        SharedArray(3)
