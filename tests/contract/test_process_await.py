"""Processes in an event loop, which goes on while they run."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import pytest

from procession.errors import DependencyFailed, ProcessDied
from tests.contract import processkit
from tests.contract.test_process import started


def test_await_is_result(ours: Any) -> None:
    async def main() -> None:
        assert await started(ours, processkit.double, 2) == 4
        with pytest.raises(ZeroDivisionError, match="here"):
            await started(ours, processkit.raises, ZeroDivisionError, "here")
        with pytest.raises(ProcessDied, match="SIGKILL"):
            await started(ours, processkit.kill_ourselves, 9)

    asyncio.run(main())


def test_many_wait_for_one_and_one_for_many(ours: Any) -> None:
    async def main() -> None:
        process = started(ours, processkit.double, 2)
        assert await asyncio.gather(*(outcome(process) for _ in range(5))) == [4] * 5
        many = [started(ours, processkit.double, number) for number in range(3)]
        assert await asyncio.gather(*map(outcome, many)) == [0, 2, 4]
        assert await process == 4  # it has ended

    asyncio.run(main())


async def outcome(process: Any) -> Any:
    return await process


def test_the_loop_goes_on(ours: Any) -> None:
    async def main() -> int:
        mine, theirs = ours.Pipe()
        process = started(ours, processkit.wait_for_word, theirs)
        theirs.close()
        waiting = asyncio.ensure_future(outcome(process))
        await asyncio.sleep(0)  # it waits now
        turns = 0
        while turns < 10:
            await asyncio.sleep(0)
            turns += 1
        assert not waiting.done()
        mine.recv()
        mine.send("end")
        await waiting
        mine.close()
        return turns

    assert asyncio.run(main()) == 10


def test_a_cancelled_wait_leaves_the_process_alone(ours: Any) -> None:
    async def main() -> None:
        process = started(ours, processkit.wait_for_ever)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(outcome(process), 0.05)
        assert process.is_alive()
        process.kill()
        with pytest.raises(ProcessDied):
            await process

    asyncio.run(main())


def test_async_with(ours: Any) -> None:
    async def main() -> None:
        async with ours.Process(target=processkit.double, args=(3,)) as process:
            assert process.pid
        assert process.result(0) == 6
        with pytest.raises(KeyError):
            async with ours.Process(target=processkit.wait_for_ever, grace=30) as process:
                raise KeyError
        assert process.exitcode == -signal.SIGTERM

    asyncio.run(main())


def test_async_with_and_one_that_does_not_listen(ours: Any) -> None:
    async def main() -> None:
        mine, theirs = ours.Pipe(duplex=False)
        process = ours.Process(target=processkit.deaf, args=(theirs,), grace=0.1)
        with pytest.raises(KeyError):
            async with process:
                theirs.close()
                assert await asyncio.to_thread(mine.recv) == process.pid
                raise KeyError
        assert process.exitcode == -signal.SIGKILL
        mine.close()

    asyncio.run(main())


def test_one_that_waits_for_others(ours: Any) -> None:
    async def main() -> None:
        first = ours.Process(target=processkit.leave, args=(3,))
        second = ours.Process(target=processkit.double, args=(1,), after=first)
        third = ours.Process(target=processkit.double, args=(2,), after_any=first)
        for process in (first, second, third):
            process.start()
        assert await third == 4
        with pytest.raises(DependencyFailed):
            await second

    asyncio.run(main())
