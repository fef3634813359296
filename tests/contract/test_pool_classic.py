"""The contract of multiprocessing.Pool: the same tests over the standard library's pool and ours."""

from __future__ import annotations

import functools
import multiprocessing
import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract import poolkit
from tests.contract.poolkit import Gate

MakePool = Callable[..., Any]

NUMBERS = list(range(40))
DOUBLES = [2 * number for number in NUMBERS]


# ── one call ──────────────────────────────────────────────────────────────────────────────────────


def test_apply_calls_with_arguments_and_keywords(any_pool: MakePool) -> None:
    pool = any_pool()
    assert pool.apply(poolkit.add, (1, 2)) == 3
    assert pool.apply(poolkit.add, [5]) == 105
    assert pool.apply(poolkit.add, (1,), {"second": 7}) == 8
    assert pool.apply(poolkit.own_pid) in {process.pid for process in pool._pool}
    assert pool.apply(functools.partial(poolkit.add, second="b"), ("a",)) == "ab"
    assert pool.apply("{}-{}".format, (1, 2)) == "1-2"


def test_apply_raises_what_the_call_raised_with_the_remote_traceback(any_pool: MakePool) -> None:
    pool = any_pool()
    with pytest.raises(ValueError, match="-3 is negative") as caught:
        pool.apply(poolkit.refuse_negative, (-3,))
    cause = caught.value.__cause__
    assert type(cause).__name__ == "RemoteTraceback"
    assert "in refuse_negative" in str(cause)
    assert 'poolkit.py", line' in str(cause)
    with pytest.raises(ValueError, match="second") as caught:
        pool.apply(poolkit.chained)
    assert "direct cause of the following exception" in str(caught.value.__cause__)
    assert pool.apply(poolkit.double, (4,)) == 8


def test_apply_async_waits_only_when_asked(any_pool: MakePool, gate: Gate) -> None:
    pool = any_pool()
    result = pool.apply_async(poolkit.held, (gate.path, "through"))
    gate.arrivals(1)
    assert not result.ready()
    with pytest.raises(ValueError, match="not ready"):
        result.successful()
    result.wait(0)
    with pytest.raises(multiprocessing.TimeoutError):
        result.get(0)
    with pytest.raises(multiprocessing.TimeoutError):
        result.get(timeout=0.01)
    gate.open()
    assert result.get(poolkit.PATIENCE) == "through"
    assert result.get() == "through"
    assert result.ready()
    assert result.successful()
    result.wait()


def test_a_failed_call_is_ready_and_unsuccessful(any_pool: MakePool) -> None:
    result = any_pool().apply_async(poolkit.raises, (LookupError, "nowhere"))
    result.wait(poolkit.PATIENCE)
    assert result.ready()
    assert not result.successful()
    for _ in range(2):
        with pytest.raises(LookupError, match="nowhere"):
            result.get()


class Told:
    """A callback: what it was told, by which thread, and whether the result was ready by then."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.threads: set[int] = set()
        self.ready: list[bool] = []
        self.result: Any = None
        self._known = threading.Event()

    def known(self, result: Any) -> Any:
        """The callback speaks of this one."""
        self.result = result
        self._known.set()
        return result

    def __call__(self, value: Any) -> None:
        assert self._known.wait(poolkit.PATIENCE)
        self.ready.append(self.result.ready())
        self.values.append(value)
        self.threads.add(threading.get_ident())


def test_callbacks_are_called_once_before_the_result_is_ready(any_pool: MakePool, gate: Gate) -> None:
    pool = any_pool()
    good, bad = Told(), Told()
    result = good.known(pool.apply_async(poolkit.held, (gate.path, 5), callback=good, error_callback=bad))
    gate.open()
    assert result.get(poolkit.PATIENCE) == 5
    assert (good.values, good.ready, bad.values) == ([5], [False], [])
    assert good.threads != {threading.get_ident()}


def test_error_callbacks_are_given_the_exception(any_pool: MakePool) -> None:
    pool = any_pool()
    good, bad = Told(), Told()
    result = bad.known(pool.apply_async(poolkit.refuse_negative, (-1,), {}, good, bad))
    with pytest.raises(ValueError, match="negative") as caught:
        result.get(poolkit.PATIENCE)
    assert (bad.values, bad.ready, good.values) == ([caught.value], [False], [])


# ── many ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("chunksize", [None, 1, 3, 1000])
def test_map_keeps_the_order(any_pool: MakePool, chunksize: int | None) -> None:
    pool = any_pool()
    assert pool.map(poolkit.double, NUMBERS, chunksize) == DOUBLES
    assert pool.map(poolkit.double, iter(NUMBERS), chunksize=chunksize) == DOUBLES
    assert pool.map_async(poolkit.double, range(40), chunksize).get() == DOUBLES


def test_map_takes_any_iterable(any_pool: MakePool) -> None:
    pool = any_pool()
    assert pool.map(poolkit.double, "abc") == ["aa", "bb", "cc"]
    assert pool.map(poolkit.double, b"\1\2") == [2, 4]
    assert pool.map(poolkit.double, {"k": 1}) == ["kk"]
    assert sorted(pool.map(poolkit.double, {1, 2})) == [2, 4]
    assert pool.map(poolkit.double, (n for n in (1, 2))) == [2, 4]
    assert pool.map(len, [[1], (), {1, 2}]) == [1, 0, 2]
    assert pool.map(poolkit.double, []) == []
    assert pool.map(poolkit.double, iter(())) == []
    assert pool.starmap(poolkit.add, []) == []


def test_starmap_unpacks(any_pool: MakePool) -> None:
    pool = any_pool()
    assert pool.starmap(poolkit.add, [(1, 2), [3], (4, 5)], 2) == [3, 103, 9]
    assert pool.starmap(poolkit.add, zip("ab", "cd", strict=True)) == ["ac", "bd"]
    assert pool.starmap_async(poolkit.add, ((n, n) for n in range(5))).get() == [0, 2, 4, 6, 8]


def test_map_async_tells_its_callbacks(any_pool: MakePool, gate: Gate) -> None:
    pool = any_pool()
    good, bad = Told(), Told()
    tasks = [(gate.path, number) for number in range(4)]
    result = good.known(pool.map_async(poolkit.held_if, tasks, 1, good, bad))
    assert not result.ready()
    gate.open()
    assert result.get(poolkit.PATIENCE) == [0, 1, 2, 3]
    assert (good.values, good.ready, bad.values) == ([[0, 1, 2, 3]], [False], [])
    assert result.successful()


def test_a_failed_map_raises_when_all_is_over(any_pool: MakePool) -> None:
    pool = any_pool()
    bad = Told()
    result = bad.known(pool.map_async(poolkit.refuse_negative, [1, -2, 3], 1, error_callback=bad))
    with pytest.raises(ValueError, match="-2 is negative") as caught:
        result.get(poolkit.PATIENCE)
    assert "in refuse_negative" in str(caught.value.__cause__)
    assert not result.successful()
    assert bad.values == [caught.value]
    with pytest.raises(ValueError, match="-7 is negative"):
        pool.map(poolkit.refuse_negative, [5, -7])
    with pytest.raises(TypeError):
        pool.starmap(poolkit.add, [(1, 2), (1, 2, 3)])
    assert pool.map(poolkit.double, [1]) == [2]


def test_what_the_iterable_of_a_map_raises_comes_through(any_pool: MakePool) -> None:
    pool = any_pool()
    with pytest.raises(OSError, match="dried up"):
        pool.map(poolkit.double, poolkit.Broken(5))
    with pytest.raises(TypeError):
        pool.map(poolkit.double, 5)
    assert pool.map(poolkit.double, [1]) == [2]


# ── one by one ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("chunksize", [1, 7])
def test_imap_yields_in_order(any_pool: MakePool, chunksize: int) -> None:
    pool = any_pool()
    results = pool.imap(poolkit.double, iter(NUMBERS), chunksize)
    assert iter(results) is results
    assert next(results) == 0
    assert list(results) == DOUBLES[1:]
    for _ in range(2):
        with pytest.raises(StopIteration):
            next(results)
    assert list(pool.imap(poolkit.double, [])) == []
    assert list(pool.imap_unordered(poolkit.double, iter([]))) == []


@pytest.mark.parametrize("chunksize", [1, 7])
def test_imap_unordered_yields_all(any_pool: MakePool, chunksize: int) -> None:
    pool = any_pool()
    assert sorted(pool.imap_unordered(poolkit.double, NUMBERS, chunksize)) == DOUBLES
    assert sorted(pool.imap_unordered(poolkit.double, (n for n in NUMBERS))) == DOUBLES


def test_imap_waits_for_its_turn_and_imap_unordered_does_not(any_pool: MakePool, gate: Gate) -> None:
    pool = any_pool()
    tasks = [(gate.path, number) for number in range(3)]
    unordered = pool.imap_unordered(poolkit.held_if, tasks)
    gate.arrivals(1)
    assert {unordered.next(timeout=poolkit.PATIENCE), unordered.next(poolkit.PATIENCE)} == {1, 2}
    with pytest.raises(multiprocessing.TimeoutError):
        unordered.next(0.01)
    gate.open()
    assert unordered.next(poolkit.PATIENCE) == 0
    ordered = pool.imap(poolkit.held_if, tasks)
    gate.arrivals(1)
    for timeout in (0, 0.01):
        with pytest.raises(multiprocessing.TimeoutError):
            ordered.next(timeout)
    gate.open()
    assert list(ordered) == [0, 1, 2]


@pytest.mark.parametrize("chunksize", [1, 2])
def test_imap_raises_a_failure_at_its_place_and_goes_on(any_pool: MakePool, chunksize: int) -> None:
    pool = any_pool()
    results = pool.imap(poolkit.refuse_three, range(6))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError, match="three"):
        next(results)
    assert list(results) == [4, 5]
    seen, failures = set(), 0
    results = pool.imap_unordered(poolkit.refuse_three, range(6))
    while True:
        try:
            seen.add(next(results))
        except KeyError:
            failures += 1
        except StopIteration:
            break
    assert (seen, failures) == ({0, 1, 2, 4, 5}, 1)


def test_what_the_iterable_of_an_imap_raises_comes_in_its_place(any_pool: MakePool) -> None:
    pool = any_pool()
    results = pool.imap(poolkit.double, poolkit.Broken(3))
    assert [next(results) for _ in range(3)] == [0, 2, 4]
    with pytest.raises(OSError, match="dried up"):
        next(results)
    with pytest.raises(StopIteration):
        next(results)
    unordered = pool.imap_unordered(poolkit.double, poolkit.Broken(0))
    with pytest.raises(OSError, match="dried up"):
        next(unordered)


def test_a_bad_chunksize_is_refused(any_pool: MakePool) -> None:
    pool = any_pool()
    for many in (pool.imap, pool.imap_unordered):
        with pytest.raises(ValueError, match=r"Chunksize must be 1\+"):
            next(many(poolkit.double, [1], 0))


# ── pickles ───────────────────────────────────────────────────────────────────────────────────────


def test_a_result_that_does_not_pickle_is_a_failure(any_pool: MakePool) -> None:
    pool = any_pool()
    with pytest.raises(Exception, match="pickle"):
        pool.apply(poolkit.a_lock)
    with pytest.raises(Exception, match="pickle"):
        pool.map(poolkit.a_lock, [1])
    assert pool.apply(poolkit.double, (4,)) == 8


def test_an_argument_that_does_not_pickle_fails_its_call_alone(any_pool: MakePool) -> None:
    pool = any_pool()
    result = pool.apply_async(poolkit.nothing, (threading.Lock(),))
    with pytest.raises(TypeError, match="pickle"):
        result.get(poolkit.PATIENCE)
    with pytest.raises(TypeError, match="pickle"):
        pool.map(poolkit.nothing, [1, threading.Lock(), 2])
    results = pool.imap(poolkit.double, [1, threading.Lock(), 2])
    assert next(results) == 2
    with pytest.raises(TypeError, match="pickle"):
        next(results)
    assert next(results) == 4


def test_the_pool_itself_does_not_pickle(any_pool: MakePool) -> None:
    with pytest.raises(NotImplementedError, match="cannot be passed between processes or pickled"):
        pickle.dumps(any_pool())
