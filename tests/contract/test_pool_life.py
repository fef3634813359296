"""The life of a pool, as multiprocessing.Pool has it: its workers, close, join, terminate, ``with``."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from typing import Any

import pytest

from procession import Pool
from procession.errors import CrewBroken, TaskCancelled
from procession.process import context
from tests.contract import poolkit
from tests.contract.poolkit import Gate

MakePool = Callable[..., Any]


def begin_each(pool: Any) -> list[Callable[[], object]]:
    """Every way to give a pool work."""
    f = poolkit.double
    return [
        lambda: pool.apply(f, (1,)),
        lambda: pool.apply_async(f, (1,)),
        lambda: pool.map(f, [1]),
        lambda: pool.map_async(f, [1]),
        lambda: pool.starmap(f, [(1,)]),
        lambda: pool.starmap_async(f, [(1,)]),
        lambda: pool.imap(f, [1]),
        lambda: pool.imap_unordered(f, [1]),
    ]


def test_workers_are_daemons_and_as_many_as_were_asked_for(any_pool: MakePool) -> None:
    pool = any_pool(3)
    assert len(pool._pool) == 3
    daemon, kind = pool.apply(poolkit.what_am_i)
    assert daemon
    assert kind.endswith("Process")
    assert len(any_pool(None)._pool) in {len(os.sched_getaffinity(0)), os.cpu_count()}


def test_the_initializer_runs_in_each_worker_before_its_tasks(any_pool: MakePool) -> None:
    pool = any_pool(2, poolkit.set_up, ("a", 1))
    assert pool.map(poolkit.how_set_up, range(4), 1) == [["a", 1]] * 4


def test_a_worker_is_replaced_after_its_tasks(any_pool: MakePool) -> None:
    pool = any_pool(1, maxtasksperchild=2)
    pids = pool.map(poolkit.own_pid, range(6), 1)
    # Ours may take a task back from a worker that still starts, which then goes home after one.
    assert max(map(pids.count, pids)) == 2
    pool = any_pool(2, maxtasksperchild=1)
    assert len(set(pool.imap(poolkit.own_pid, range(6)))) == 6
    assert len({pool.apply(poolkit.own_pid) for _ in range(3)}) == 3
    pool.close()
    pool.join()


def test_bad_arguments_are_refused(any_pool: MakePool) -> None:
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="at least 1"):
            any_pool(wrong)
    with pytest.raises(TypeError, match="callable"):
        any_pool(1, "no function")
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="maxtasksperchild"):
            any_pool(1, maxtasksperchild=wrong)


def test_a_closed_pool_takes_no_more_and_does_what_it_has(any_pool: MakePool, gate: Gate) -> None:
    pool = any_pool()
    with pytest.raises(ValueError, match="still running"):
        pool.join()
    result = pool.apply_async(poolkit.held, (gate.path, 1))
    many = pool.map_async(poolkit.double, range(30))
    lazy = pool.imap(poolkit.double, iter(range(300)))
    pool.close()
    pool.close()
    for begin in begin_each(pool):
        with pytest.raises(ValueError, match="Pool not running"):
            begin()
    gate.open()
    pool.join()
    pool.join()
    assert result.get() == 1
    assert many.get() == [2 * number for number in range(30)]
    assert list(lazy) == [2 * number for number in range(300)]


def test_terminate_ends_what_runs(any_pool: MakePool, gate: Gate) -> None:
    pool = any_pool()
    for _ in range(2):
        pool.apply_async(poolkit.stay, (gate.path,))
    pids = gate.arrivals(2)
    pool.terminate()
    pool.terminate()
    pool.join()
    assert all(map(poolkit.is_gone, pids))
    for begin in begin_each(pool):
        with pytest.raises(ValueError, match="Pool not running"):
            begin()


def test_terminate_after_close_does_not_wait(any_pool: MakePool, gate: Gate) -> None:
    pool = any_pool()
    pool.apply_async(poolkit.stay, (gate.path,))
    gate.arrivals(1)
    pool.close()
    pool.terminate()
    pool.join()


def test_a_with_block_terminates(any_pool: MakePool, gate: Gate) -> None:
    pool = any_pool()
    with pool as same:
        assert same is pool
        pool.apply_async(poolkit.stay, (gate.path,))
        gate.arrivals(1)
    with pytest.raises(ValueError, match="Pool not running"):
        pool.apply(poolkit.double, (1,))
    with pytest.raises(ValueError, match="Pool not running"), pool:
        pass
    pool.join()


def test_the_repr_says_the_state(any_pool: MakePool) -> None:
    pool = any_pool()
    running = repr(pool)
    assert "Pool" in running
    pool.close()
    assert repr(pool) != running


# ── what the standard library leaves to hang ──────────────────────────────────────────────────────


def test_terminate_gives_every_result_an_outcome(our_pool: MakePool, gate: Gate) -> None:
    pool = our_pool()
    running = pool.apply_async(poolkit.stay, (gate.path,))
    mapped = pool.map_async(poolkit.stay, [gate.path] * 5)
    waiting = pool.apply_async(poolkit.double, (1,), priority=-1)
    read = pool.imap(poolkit.stay, iter([gate.path] * 5), priority=-1)
    gate.arrivals(2)
    pool.terminate()
    for result in (running, mapped, waiting):
        with pytest.raises(TaskCancelled, match="terminated"):
            result.get(poolkit.PATIENCE)
    with pytest.raises(TaskCancelled, match="terminated"):
        read.next(poolkit.PATIENCE)
    pool.join()


def test_an_initializer_that_fails_breaks_the_pool(our_pool: MakePool) -> None:
    pool = our_pool(2, poolkit.initializer_fails)
    with pytest.raises(CrewBroken, match=r"initializer failed.*LookupError: nothing to work with"):
        pool.apply_async(poolkit.double, (1,)).get(poolkit.PATIENCE)
    poolkit.wait_until(lambda: not pool._pool)
    for begin in begin_each(pool):
        with pytest.raises(CrewBroken, match="nothing to work with") as caught:
            begin()
        assert isinstance(caught.value.__cause__, LookupError)
        assert "in initializer_fails" in str(caught.value.__cause__.__cause__)
    pool.join()


def test_a_pool_that_is_dropped_warns_and_ends(our_pool: MakePool) -> None:
    pools = [Pool(2, context=context.get_context(our_pool(1)._method()))]
    pids = pools[0].map(poolkit.own_pid, range(2), 1)
    thread = pools[0]._runner.thread
    with pytest.warns(ResourceWarning, match="unclosed running multiprocessing pool"):
        pools.clear()
    assert thread is not None
    thread.join(poolkit.PATIENCE)
    assert all(map(poolkit.is_gone, pids))


def test_results_keep_their_pool_alive(our_pool: MakePool, gate: Gate) -> None:
    ctx = context.get_context(our_pool(1)._method())
    result = Pool(1, context=ctx).apply_async(poolkit.held, (gate.path, 3))
    thread = result._pool._runner.thread
    gate.arrivals(1)
    gc.collect()
    assert result._pool is not None

    def let_go() -> Any:
        gate.open()
        value = result.get(poolkit.PATIENCE)
        thread.join(poolkit.PATIENCE)  # it is the one that drops the pool
        return value

    with pytest.warns(ResourceWarning, match="unclosed"):
        assert let_go() == 3
