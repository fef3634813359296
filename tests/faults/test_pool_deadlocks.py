"""Where pools have been known to hang: each has a test, which ends."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from procession import Pool, get_context
from procession.errors import CrewBroken, RemoteError, TaskCancelled, WorkerDied
from tests.contract import poolkit
from tests.contract.poolkit import PATIENCE, wait_until

METHODS = ["fork", pytest.param("spawn", marks=pytest.mark.slow), "forkserver"]
MakePool = Callable[..., Any]
pytestmark = pytest.mark.hang_limit(90)


@pytest.fixture(params=METHODS)
def make(request: pytest.FixtureRequest) -> Iterator[MakePool]:
    """Makes pools, and ends them."""
    made = []

    def pool(processes: int = 2, *args: Any, **kwargs: Any) -> Pool:
        kwargs["context"] = get_context(request.param)
        made.append(Pool(processes, *args, **kwargs))
        return made[-1]

    yield pool
    while made:
        one = made.pop()
        one.terminate()
        one.join()


def in_threads(*works: Callable[[], object]) -> list[BaseException]:
    """Run all at once; what they raised."""
    errors: list[BaseException] = []

    def guarded(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), "still waiting"
    return errors


# ── results ───────────────────────────────────────────────────────────────────────────────────────


def test_close_and_join_with_an_unread_imap(make: MakePool) -> None:
    pool = make()
    unread = pool.imap(poolkit.double, iter(range(20_000)))
    large = pool.imap_unordered(bytes, iter([100_000] * 200))
    pool.close()
    pool.join()
    assert list(unread) == list(range(0, 40_000, 2))
    assert sum(map(len, large)) == 20_000_000


def test_results_that_do_not_pickle(make: MakePool) -> None:
    pool = make()
    failed = pool.map(poolkit.a_lock, range(300), errors="return")
    assert {type(error) for error in failed} == {TypeError}
    result = pool.apply_async(poolkit.a_lock)
    with pytest.raises(TypeError, match="pickle"):
        result.get(PATIENCE)
    pool.close()
    pool.join()


def test_exceptions_that_break_on_unpickling(make: MakePool) -> None:
    pool = make()
    failed = pool.map(poolkit.raises_unloadable, range(300), errors="return")
    assert {type(error) for error in failed} == {RemoteError}
    assert list(pool.imap(poolkit.double, range(3))) == [0, 2, 4]


# ── initializers ──────────────────────────────────────────────────────────────────────────────────


def leave(code: int) -> None:
    os._exit(code)


def stay() -> None:
    while True:
        signal.pause()


def deaf() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def test_initializers_that_end_the_worker(make: MakePool) -> None:
    pool = make(2, leave, (5,))
    result = pool.map_async(poolkit.double, range(10))
    with pytest.raises(CrewBroken, match="exited with code 5"):
        result.get(PATIENCE)
    pool.join()


def test_terminate_while_workers_are_being_initialized(make: MakePool) -> None:
    pool = make(2, stay)
    result = pool.map_async(poolkit.double, range(10))
    pool.terminate()
    with pytest.raises(TaskCancelled):
        result.get(PATIENCE)


def test_terminate_of_workers_that_ignore_it(make: MakePool, tmp_path: Any) -> None:
    pool = make(1, deaf)
    gate = poolkit.Gate(tmp_path)
    pool.apply_async(poolkit.stay, (gate.path,))
    gate.arrivals(1)
    pool.terminate()
    pool.join()
    gate.close()


# ── terminate, in the middle of things ────────────────────────────────────────────────────────────


@contextmanager
def blocked_source() -> Iterator[Iterator[int]]:
    """An iterable that gives two items and then waits, for the end of the test."""
    over = threading.Event()

    def items() -> Iterator[int]:
        yield from (1, 2)
        assert over.wait(PATIENCE)
        yield 3

    try:
        yield items()
    finally:
        over.set()


@pytest.mark.parametrize("face", ["imap", "imap_unordered", "map_async"])
def test_terminate_while_a_blocked_iterable_is_read(make: MakePool, face: str) -> None:
    pool = make()
    with blocked_source() as source:
        results = getattr(pool, face)(poolkit.double, source)
        wait_until(lambda: pool.stats().done == 2)
        pool.terminate()
        with pytest.raises(TaskCancelled):
            results.get(PATIENCE) if face == "map_async" else [results.next(PATIENCE) for _ in range(3)]


def test_close_waits_for_a_blocked_iterable_and_terminate_does_not(make: MakePool) -> None:
    pool = make()
    with blocked_source() as source:
        results = pool.imap(poolkit.double, source)
        pool.close()
        pool.join(0.05)
        assert pool._pool
    pool.join()
    assert list(results) == [2, 4, 6]


def terminate_later(pool: Any) -> None:
    """In the middle of its work."""
    wait_until(lambda: pool.stats().done > 50)
    pool.terminate()


def test_map_in_one_thread_and_terminate_in_another(make: MakePool) -> None:
    for _ in range(3):
        pool = make()
        work = partial(pool.map, poolkit.double, range(5_000_000))
        (error,) = in_threads(work, partial(terminate_later, pool))
        assert isinstance(error, TaskCancelled)


def test_many_threads_end_a_pool(make: MakePool) -> None:
    pool = make()
    pool.imap(poolkit.double, iter(range(10_000)))
    assert in_threads(*[pool.close, pool.terminate, pool.close, pool.terminate, pool.terminate]) == []
    pool.join()


def test_the_thread_of_a_pool_that_fails_leaves_nothing_open(
    make: MakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = make()
    pool.map(poolkit.double, range(10))
    result = pool.map_async(time.sleep, [60] * 5, 1)
    wait_until(lambda: pool.stats().running == 2)
    shown: list[Any] = []
    monkeypatch.setattr("threading.excepthook", shown.append)

    def fails() -> None:
        raise MemoryError("no room for another look")

    pool._runner._keep_house = fails
    pool._runner.engine.wake()
    with pytest.raises((CrewBroken, WorkerDied)):
        result.get(PATIENCE)
    pool._runner.thread.join(PATIENCE)
    with pytest.raises(CrewBroken, match="MemoryError: no room"):
        pool.apply(poolkit.double, (1,))
    assert [entry.exc_type for entry in shown] == [MemoryError]


# ── nobody holds it; another process has a copy of it ─────────────────────────────────────────────


class Cycle:
    """Garbage that only the collector finds."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.myself = self


@pytest.mark.parametrize("where", ["here", "in its own thread"])
def test_the_collector_drops_a_busy_pool(where: str, tmp_path: Any) -> None:
    gate = poolkit.Gate(tmp_path)
    cycles = [Cycle(Pool(2, context=get_context("fork")))]
    runner = cycles[0].pool._runner
    assert cycles[0].pool.map(poolkit.double, range(3)) == [0, 2, 4]
    collected = threading.Event()

    def drop(_: Any = None) -> None:
        cycles.clear()
        gc.collect()
        collected.set()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        if where == "here":
            cycles[
                0
            ].pool._runner.engine.lock.acquire()  # the collector may come at any time, in this thread too
            drop()
            runner.engine.lock.release()
        else:
            cycles[0].pool.apply_async(poolkit.double, (1,), callback=drop)
            assert collected.wait(PATIENCE)
            gc.collect()
        assert runner.thread is not None
        runner.thread.join(PATIENCE)
    assert runner.over
    gate.close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_of_the_parent_has_no_part_in_the_pool(make: MakePool) -> None:
    pool = make()
    assert pool.map(poolkit.double, range(10)) == list(range(0, 20, 2))
    told, tell = os.pipe()
    going, go = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(go)
        try:
            pool.apply(poolkit.double, (1,))
        except ValueError as error:
            os.write(tell, str(error).encode())
        os.read(going, 1)
        os._exit(0)
    os.close(going)
    assert b"belongs to the process that made it" in os.read(told, 1000)
    with pytest.raises(WorkerDied):  # the child has no copy of a channel that would hide it
        pool.apply(leave, (3,))
    assert pool.map(poolkit.double, range(10)) == list(range(0, 20, 2))
    pool.close()
    pool.join()
    os.close(go)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(told)
    os.close(tell)
