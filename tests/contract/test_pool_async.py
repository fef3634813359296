"""The pool in an event loop: async with, run, stream, await of a result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from itertools import chain
from typing import Any

import pytest

from procession.errors import TaskCancelled, WorkerDied
from tests.contract import poolkit
from tests.contract.poolkit import Counting, Gate

MakePool = Callable[..., Any]


def run(main: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(main, poolkit.PATIENCE))


async def arrivals(gate: Gate, count: int) -> list[int]:
    """The loop goes on meanwhile."""
    return await asyncio.get_running_loop().run_in_executor(None, gate.arrivals, count)


def test_run_awaits_one_call(our_pool: MakePool) -> None:
    async def main() -> None:
        async with our_pool() as pool:
            assert await pool.run(poolkit.add, 1, second=2) == 3
            assert await asyncio.gather(*(pool.run(poolkit.double, n) for n in range(20))) == [
                2 * n for n in range(20)
            ]
            with pytest.raises(ValueError, match="negative"):
                await pool.run(poolkit.refuse_negative, -1)
            with pytest.raises(WorkerDied, match="SIGKILL"):
                await pool.run(poolkit.die)
            assert await pool.apply_async(poolkit.double, (4,)) == 8
            assert await pool.map_async(poolkit.double, range(3)) == [0, 2, 4]

    run(main())


def test_the_loop_goes_on_while_a_call_runs(our_pool: MakePool, gate: Gate) -> None:
    async def main() -> None:
        async with our_pool() as pool:
            held = asyncio.create_task(pool.run(poolkit.held, gate.path, 5))
            await arrivals(gate, 1)
            assert await pool.run(poolkit.double, 1) == 2
            assert not held.done()
            gate.open()
            assert await held == 5

    run(main())


def test_a_cancelled_await_ends_the_task(our_pool: MakePool, gate: Gate) -> None:
    async def main() -> None:
        async with our_pool() as pool:
            stays = asyncio.create_task(pool.run(poolkit.stay, gate.path))
            pid = (await arrivals(gate, 1))[0]
            stays.cancel()
            with pytest.raises(asyncio.CancelledError):
                await stays
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await pool.run(poolkit.stay, gate.path)
            assert await pool.run(poolkit.double, 1) == 2
            await asyncio.get_running_loop().run_in_executor(
                None, poolkit.wait_until, lambda: poolkit.is_gone(pid)
            )

    run(main())


def test_async_with_closes_and_waits(our_pool: MakePool) -> None:
    async def main() -> None:
        pool = our_pool()
        async with pool as same:
            assert same is pool
            late = pool.map_async(poolkit.double, range(200))
        assert late.ready()
        assert late.get() == list(range(0, 400, 2))
        assert not pool._pool
        with pytest.raises(ValueError, match="not running"):
            await pool.run(poolkit.double, 1)

    run(main())


def test_an_exception_in_async_with_terminates(our_pool: MakePool, gate: Gate) -> None:
    async def main() -> None:
        pool = our_pool()
        with pytest.raises(LookupError, match="in the block"):
            async with pool:
                late = pool.apply_async(poolkit.stay, (gate.path,))
                await arrivals(gate, 1)
                raise LookupError("in the block")
        with pytest.raises(TaskCancelled):
            late.get(0)

    run(main())


@pytest.mark.parametrize("ordered", [True, False])
def test_a_stream_yields_all(our_pool: MakePool, ordered: bool) -> None:
    async def main() -> None:
        async with our_pool() as pool:
            source = iter(range(500))
            results = [value async for value in pool.stream(poolkit.double, source, ordered=ordered)]
            assert (results if ordered else sorted(results)) == list(range(0, 1000, 2))
            assert [value async for value in pool.stream(poolkit.double, [])] == []

    run(main())


def test_a_stream_raises_at_its_place(our_pool: MakePool) -> None:
    async def main() -> None:
        async with our_pool() as pool:
            results = pool.stream(poolkit.refuse_three, range(6))
            assert [await anext(results) for _ in range(3)] == [0, 1, 2]
            with pytest.raises(KeyError, match="three"):
                await anext(results)
            kinds = [type(v) async for v in pool.stream(poolkit.refuse_three, range(5), errors="return")]
            assert kinds == [int, int, int, KeyError, int]

    run(main())


def test_a_stream_is_lazy_and_may_be_left(our_pool: MakePool) -> None:
    async def main() -> None:
        async with our_pool() as pool:
            source = Counting()
            async with aclosing(pool.stream(poolkit.double, source, buffersize=4)) as results:
                async for value in results:
                    if value == 40:
                        break
            assert source.read < 2000
            assert await pool.run(poolkit.double, 1) == 2

    run(main())


def test_a_stream_that_is_left_ends_its_tasks(our_pool: MakePool, gate: Gate) -> None:
    async def main() -> None:
        async with our_pool() as pool:
            tasks = [(gate.path, number) for number in (1, 0, 0, 0)]
            async with aclosing(pool.stream(poolkit.held_if, tasks)) as results:
                assert await anext(results) == 1
                await arrivals(gate, 1)
            assert await pool.run(poolkit.double, 1) == 2

    run(main())


def test_many_streams_at_once(our_pool: MakePool) -> None:
    async def main() -> None:
        async with our_pool() as pool:

            async def one(start: int) -> list[int]:
                return [value async for value in pool.stream(poolkit.double, range(start, start + 100))]

            found = await asyncio.gather(*(one(start) for start in range(0, 500, 100)))
            assert list(chain.from_iterable(found)) == list(range(0, 1000, 2))

    run(main())
