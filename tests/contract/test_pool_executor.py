"""The executor: what a ProcessPoolExecutor does, tested on it too, and that the death of a worker is one task's."""

from __future__ import annotations

import asyncio
import concurrent.futures
import multiprocessing
import os
import queue
import signal
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import (
    ALL_COMPLETED,
    FIRST_COMPLETED,
    Executor,
    ProcessPoolExecutor,
    as_completed,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

import pytest

from procession import get_context
from procession.errors import CrewBroken, WorkerDied
from procession.pool.executor import PoolExecutor
from tests.contract import poolkit
from tests.contract.poolkit import Gate

MakeExecutor = Callable[..., Any]
METHODS = ("fork", "spawn", "forkserver")


def maker(who: str, method: str) -> Iterator[MakeExecutor]:
    made: list[Any] = []

    def make(max_workers: int = 2, *args: Any, **kwargs: Any) -> Any:
        kwargs.setdefault("mp_context", (get_context if who == "procession" else std_context)(method))
        kind = PoolExecutor if who == "procession" else ProcessPoolExecutor
        made.append(kind(max_workers, *args, **kwargs))
        return made[-1]

    with warnings.catch_warnings():
        if who == "stdlib":
            warnings.simplefilter("ignore")  # it forks beside its own threads
        yield make
        while made:
            made.pop().shutdown(cancel_futures=True)


def std_context(method: str) -> Any:
    return multiprocessing.get_context(method)


@pytest.fixture(
    params=[
        "stdlib-fork",
        "procession-fork",
        pytest.param("procession-spawn", marks=pytest.mark.slow),
        "procession-forkserver",
    ]
)
def any_executor(request: pytest.FixtureRequest) -> Iterator[MakeExecutor]:
    """Makes executors, of ours or the standard library's."""
    yield from maker(*request.param.split("-"))


@pytest.fixture(params=["fork", *(pytest.param(m, marks=pytest.mark.slow) for m in METHODS[1:])])
def our_executor(request: pytest.FixtureRequest) -> Iterator[MakeExecutor]:
    """Makes executors of ours."""
    yield from maker("procession", request.param)


# ── what both do ──────────────────────────────────────────────────────────────────────────────────


def test_submit_gives_a_future(any_executor: MakeExecutor, gate: Gate) -> None:
    executor = any_executor()
    future = executor.submit(poolkit.add, 1, second=2)
    assert isinstance(future, concurrent.futures.Future)
    assert future.result(poolkit.PATIENCE) == 3
    assert future.done()
    assert future.exception() is None
    held = executor.submit(poolkit.held, gate.path, 7)
    gate.arrivals(1)
    assert held.running()
    assert not held.cancel()
    with pytest.raises(TimeoutError):
        held.result(0.01)
    gate.open()
    assert held.result(poolkit.PATIENCE) == 7
    assert executor.submit(poolkit.own_pid).result() != os.getpid()


def test_a_failed_future_has_the_exception(any_executor: MakeExecutor) -> None:
    future = any_executor().submit(poolkit.refuse_negative, -1)
    with pytest.raises(ValueError, match="-1 is negative"):
        future.result(poolkit.PATIENCE)
    error = future.exception()
    assert isinstance(error, ValueError)
    assert "in refuse_negative" in str(error.__cause__)


def test_done_callbacks_are_called(any_executor: MakeExecutor) -> None:
    executor = any_executor()
    called: queue.SimpleQueue[Any] = queue.SimpleQueue()
    future = executor.submit(poolkit.double, 4)
    future.add_done_callback(called.put)
    assert called.get(timeout=poolkit.PATIENCE) is future
    future.add_done_callback(called.put)
    assert called.get_nowait() is future


def test_map_zips_and_keeps_the_order(any_executor: MakeExecutor) -> None:
    executor = any_executor()
    assert list(executor.map(poolkit.double, range(50))) == list(range(0, 100, 2))
    assert list(executor.map(poolkit.add, [1, 2, 3], (n for n in (10, 20)), chunksize=2)) == [11, 22]
    assert list(executor.map(poolkit.double, [])) == []
    results = executor.map(poolkit.refuse_negative, [1, -2, 3])
    assert next(results) == 1
    with pytest.raises(ValueError, match="-2 is negative"):
        next(results)
    with pytest.raises(ValueError, match="chunksize must be >= 1"):
        executor.map(poolkit.double, [1], chunksize=0)


def test_map_has_a_time_limit_for_all(any_executor: MakeExecutor, gate: Gate) -> None:
    results = any_executor().map(poolkit.held_if, [(gate.path, 1), (gate.path, 0)], timeout=0.2)
    with pytest.raises(TimeoutError):
        list(results)
    gate.open()


def test_as_completed_and_wait(any_executor: MakeExecutor, gate: Gate) -> None:
    executor = any_executor()
    held = executor.submit(poolkit.held, gate.path)
    gate.arrivals(1)
    others = [executor.submit(poolkit.double, number) for number in range(5)]
    first = wait([held, *others], poolkit.PATIENCE, FIRST_COMPLETED)
    assert first.done
    assert held in first.not_done
    order = as_completed([held, *others], poolkit.PATIENCE)
    assert {next(order) for _ in others} == set(others)
    gate.open()
    assert next(order) is held
    assert not wait([held, *others], poolkit.PATIENCE, ALL_COMPLETED).not_done


def test_what_waits_can_be_cancelled(any_executor: MakeExecutor, gate: Gate) -> None:
    executor = any_executor(1)
    held = executor.submit(poolkit.held, gate.path)
    gate.arrivals(1)
    waiting = [executor.submit(poolkit.double, number) for number in range(20)]
    assert waiting[-1].cancel()
    assert waiting[-1].cancelled()
    with pytest.raises(concurrent.futures.CancelledError):
        waiting[-1].result()
    gate.open()
    assert held.result(poolkit.PATIENCE) == poolkit.TASK_HELD
    assert [future.result(poolkit.PATIENCE) for future in waiting[:-1]] == list(range(0, 38, 2))


def test_shutdown_waits_for_what_was_submitted(any_executor: MakeExecutor, gate: Gate) -> None:
    with any_executor() as executor:
        futures = [executor.submit(poolkit.double, number) for number in range(30)]
    assert [future.result(0) for future in futures] == list(range(0, 60, 2))
    begins: list[Callable[[], Any]] = [
        lambda: executor.submit(poolkit.double, 1),
        lambda: executor.map(poolkit.double, [1]),
    ]
    for begin in begins:
        with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
            begin()
    executor.shutdown()


@contextmanager
def seen_off(executor: Executor) -> Iterator[None]:
    """Wait at the end for the standard library's own thread, which a shutdown without waiting forgets."""
    thread = getattr(executor, "_executor_manager_thread", None)
    yield
    if thread is not None:
        thread.join()


def test_shutdown_need_not_wait(any_executor: MakeExecutor, gate: Gate) -> None:
    executor = any_executor()
    held = executor.submit(poolkit.held, gate.path)
    gate.arrivals(1)
    with seen_off(executor):
        executor.shutdown(wait=False)
        assert not held.done()
        gate.open()
        assert held.result(poolkit.PATIENCE) == poolkit.TASK_HELD
        executor.shutdown()


def test_shutdown_may_cancel_what_waits(any_executor: MakeExecutor, gate: Gate) -> None:
    executor = any_executor(1)
    held = executor.submit(poolkit.held, gate.path)
    gate.arrivals(1)
    waiting = [executor.submit(poolkit.double, number) for number in range(30)]
    with seen_off(executor):
        executor.shutdown(wait=False, cancel_futures=True)
        gate.open()
        assert held.result(poolkit.PATIENCE) == poolkit.TASK_HELD
        # The standard library's ``wait`` would wait for ever: it tells nobody of these.
        poolkit.wait_until(lambda: all(future.done() for future in waiting))
        assert waiting[-1].cancelled()


def test_the_initializer_and_bad_arguments(any_executor: MakeExecutor) -> None:
    executor = any_executor(1, initializer=poolkit.set_up, initargs=("a", 2))
    assert executor.submit(poolkit.how_set_up).result(poolkit.PATIENCE) == ["a", 2]
    with pytest.raises(ValueError, match="max_workers must be greater than 0"):
        any_executor(0)
    with pytest.raises(TypeError, match="callable"):
        any_executor(1, initializer=5)


def test_an_initializer_that_fails_breaks_it(any_executor: MakeExecutor) -> None:
    executor = any_executor(1, initializer=poolkit.initializer_fails)
    with pytest.raises(BrokenProcessPool):
        executor.submit(poolkit.double, 1).result(poolkit.PATIENCE)
    with pytest.raises(BrokenProcessPool):
        executor.submit(poolkit.double, 1)


def test_an_event_loop_runs_calls_in_it(any_executor: MakeExecutor) -> None:
    executor = any_executor()

    async def main() -> list[Any]:
        loop = asyncio.get_running_loop()
        calls = [loop.run_in_executor(executor, poolkit.double, number) for number in range(10)]
        with pytest.raises(ValueError, match="negative"):
            await loop.run_in_executor(executor, poolkit.refuse_negative, -1)
        return list(await asyncio.gather(*calls))

    assert asyncio.run(main()) == list(range(0, 20, 2))


# ── what ours does beyond ─────────────────────────────────────────────────────────────────────────


def test_a_dead_worker_is_one_future_and_the_executor_goes_on(our_executor: MakeExecutor) -> None:
    executor = our_executor()
    futures = [
        executor.submit(poolkit.die if number == 7 else poolkit.double, number) for number in range(30)
    ]
    with pytest.raises(WorkerDied, match="killed by SIGKILL") as caught:
        futures.pop(7).result(poolkit.PATIENCE)
    assert isinstance(caught.value, BrokenProcessPool)
    assert caught.value.exit.signal == signal.SIGKILL
    assert [future.result(poolkit.PATIENCE) // 2 for future in futures] == [*range(7), *range(8, 30)]
    results = executor.map(poolkit.die, range(1))
    with pytest.raises(BrokenProcessPool):
        next(results)
    assert executor.submit(poolkit.double, 1).result(poolkit.PATIENCE) == 2


def test_a_broken_executor_is_a_broken_pool_of_either_name(our_executor: MakeExecutor) -> None:
    executor = our_executor(1, initializer=poolkit.initializer_fails)
    with pytest.raises(CrewBroken, match="nothing to work with") as caught:
        executor.submit(poolkit.double, 1).result(poolkit.PATIENCE)
    assert isinstance(caught.value, BrokenProcessPool)
    assert isinstance(caught.value.__cause__, LookupError)


def test_map_is_lazy_with_a_buffersize(our_executor: MakeExecutor) -> None:
    source = poolkit.Counting()
    results = our_executor().map(poolkit.double, source, buffersize=4)
    assert [next(results) for _ in range(50)] == list(range(0, 100, 2))
    assert source.read < 1000
    results.close()


def test_a_pools_executor_leaves_the_pool_open(our_pool: Callable[..., Any], gate: Gate) -> None:
    pool = our_pool()
    with pool.executor() as executor:
        future = executor.submit(poolkit.double, 4)
    assert future.result(0) == 8
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(poolkit.double, 1)
    assert pool.apply(poolkit.double, (5,)) == 10
    pool.terminate()
    late = pool.executor()
    with pytest.raises(RuntimeError, match="after shutdown"):
        late.submit(poolkit.double, 1)
    late.shutdown()  # it does not wait for what was refused


def test_terminate_cancels_the_futures(our_pool: Callable[..., Any], gate: Gate) -> None:
    pool = our_pool(1)
    executor = pool.executor()
    running = executor.submit(poolkit.stay, gate.path)
    waiting = [executor.submit(poolkit.double, number) for number in range(10)]
    gate.arrivals(1)
    pool.terminate()
    for future in [running, *waiting]:
        with pytest.raises(concurrent.futures.CancelledError):
            future.result(poolkit.PATIENCE)
