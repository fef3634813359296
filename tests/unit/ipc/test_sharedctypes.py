"""Value, Array and their raw forms: the classic contract, and sendable at any time."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import pickle
from collections.abc import Callable, Iterator
from multiprocessing import resource_sharer
from typing import Any

import pytest

from procession.ipc import carry, sharedctypes
from procession.ipc.locks import Lock, RLock
from procession.ipc.sharedctypes import Array, RawArray, RawValue, Value, copy, synchronized
from tests.unit.ipc.lockkit import METHODS, Child, Ear, family

Start = Callable[..., Child]


@pytest.fixture
def start() -> Iterator[Start]:
    with family() as begin:
        yield begin


class Point(ctypes.Structure):
    _fields_ = [("x", ctypes.c_int), ("y", ctypes.c_double)]


def there_and_back(obj: Any) -> Any:
    parcel = carry.pack(obj)
    assert parcel.descriptors
    return carry.unpack(parcel.data, parcel.descriptors)


@pytest.mark.parametrize("code", sorted(sharedctypes.typecode_to_type))
def test_every_typecode(code: str) -> None:
    value: Any = {"c": b"x", "u": "x", "f": 1.5, "d": 1.5}.get(code, 5)
    assert RawValue(code, value).value == value
    assert Value(code, value).value == value
    assert type(RawValue(code)) is sharedctypes.typecode_to_type[code]
    assert RawArray(code, [value] * 3)[2] == value


def test_what_is_not_given_is_zero_also_in_memory_used_before() -> None:
    for _ in range(3):
        array = RawArray("i", 10)
        assert list(array) == [0] * 10
        array[:] = range(10)
        del array
    assert RawValue("d").value == 0


def test_reprs_and_types_are_those_of_ctypes() -> None:
    assert repr(RawValue("i", 5)) == "c_int(5)"
    assert repr(Value("i", 5)) == "<Synchronized wrapper for c_int(5)>"


def test_values_structures_and_strings() -> None:
    point = Value(Point, 3, 2.5)
    point.x += 1
    assert (point.x, point.y) == (4, 2.5)
    text = Array("c", 20)
    text.value = b"hello"
    assert text.value == b"hello"
    assert text.raw == b"hello".ljust(20, b"\0")
    assert len(Array("i", range(7))) == 7


def test_slices() -> None:
    array = Array("i", range(10))
    array[2:4] = [9, 9]
    assert array[:5] == [0, 1, 9, 9, 4]


def test_locks_of_values() -> None:
    lock = Lock()
    assert isinstance(Value("i").get_lock(), RLock)
    assert isinstance(Array("i", 3, lock=None).get_lock(), RLock)
    assert Value("i", lock=lock).get_lock() is lock
    assert not hasattr(Value("i", lock=False), "get_lock")
    with pytest.raises(AttributeError, match="no method 'acquire'"):
        Array("i", 3, lock="no lock")
    value = Value("i", 5)
    with value:
        value.get_obj().value += 1
        assert value.get_lock()._is_mine()
    assert value.value == 6
    assert not value.recovered
    with pytest.raises(AssertionError, match="already synchronized"):
        synchronized(value)


def test_a_copy_is_apart() -> None:
    point = RawValue(Point, 3, 2.5)
    other = copy(point)
    point.x = 0
    assert (other.x, other.y) == (3, 2.5)
    assert there_and_back(other).x == 3


def test_the_wrappers_are_the_standard_librarys() -> None:
    from multiprocessing import sharedctypes as theirs

    assert isinstance(Value("i"), theirs.Synchronized)
    assert isinstance(Array("c", 1), theirs.SynchronizedString)
    assert isinstance(Value(Point), theirs.SynchronizedBase)


@pytest.mark.parametrize(
    "make",
    [
        lambda: RawValue("i", 1),
        lambda: Value("i", 1),
        lambda: RawArray("i", [1]),
        lambda: Array("i", [1]),
        lambda: Array("i", [1], lock=False),
    ],
)
def test_what_comes_back_is_the_same_memory(make: Callable[[], Any]) -> None:
    shared = make()
    again = there_and_back(shared)
    twice = there_and_back([shared, again])
    if hasattr(shared, "value"):
        shared.value = 44
        assert again.value == twice[0].value == twice[1].value == 44
    else:
        shared[0] = 44
        assert again[0] == twice[0][0] == twice[1][0] == 44
    if hasattr(shared, "get_lock"):
        with again:
            assert shared.get_lock().locked()


def test_also_by_plain_pickle_and_arrays_of_structures() -> None:
    points = RawArray(Point, 3)
    try:
        again = pickle.loads(pickle.dumps(points))
    finally:
        resource_sharer.stop()
    points[2].x = 7
    assert again[2].x == 7


def test_plain_ctypes_objects_pickle_as_ever() -> None:
    RawValue("i")
    RawValue(Point)
    for obj in (ctypes.c_int(5), Point(1, 2)):
        again = pickle.loads(pickle.dumps(obj))
        assert bytes(again) == bytes(obj)
        assert ctypes.addressof(again) != ctypes.addressof(obj)


def both(ear: Ear) -> None:
    theirs: Any = multiprocessing.get_context("fork").RawValue("i", 5)
    ours = RawValue("i", 6)
    with pytest.raises(RuntimeError, match="inheritance"):
        carry.pack(theirs)
    assert there_and_back(ours).value == 6
    ear.say("done")


def test_beside_those_of_the_standard_library(start: Start) -> None:
    child = start("fork", both)  # whose heap is never given back
    child.hear("done")
    assert child.join() == 0


def doubles(ear: Ear, *shared: Any) -> None:
    value, raw, point, array, text = shared
    with value:
        value.value *= 2
    raw.value *= 2
    point.x *= 2
    for n in range(len(array)):
        array[n] *= 2
    text.value += text.value
    ear.say("done")


@pytest.mark.parametrize("method", METHODS)
def test_a_process_changes_them(start: Start, method: str) -> None:
    shared = Value("q", 2**33), RawValue("d", 1.5), Value(Point, 3, 2), Array("i", range(5)), Array("c", 20)
    shared[4].value = b"ab"
    child = start(method, doubles, *shared)
    child.hear("done")
    assert child.join() == 0
    value, raw, point, array, text = shared
    assert (value.value, raw.value, point.x, text.value) == (2**34, 3.0, 6, b"abab")
    assert array[:] == [0, 2, 4, 6, 8]


def test_a_large_array_goes_with_its_last_user() -> None:
    gc.collect()
    before = os.listdir("/proc/self/fd")
    array = RawArray("b", 100_000_000)
    view = memoryview(array).cast("B")
    del array
    view[5] = 1
    del view
    assert os.listdir("/proc/self/fd") == before
