"""Waiting for queues in an event loop."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any

import pytest

from procession.errors import ChannelClosed
from procession.ipc.locks import Lock
from procession.ipc.queues import Empty, Full, JoinableQueue, Queue
from tests.unit.ipc.queuekit import ended, fork, put_numbers


@pytest.mark.parametrize("kind", [Queue, JoinableQueue])
def test_aget_waits_without_a_thread(kind: Any) -> None:
    queue = kind()

    async def main() -> list[int]:
        waiting = [asyncio.ensure_future(queue.aget()) for _ in range(5)]
        await asyncio.sleep(0)
        assert threading.active_count() == 1
        child = fork(put_numbers, queue, 0, 5)
        got = await asyncio.gather(*waiting)
        assert ended(child) == 0
        return got

    assert sorted(asyncio.run(main())) == [0, 1, 2, 3, 4]


def test_a_cancelled_aget_takes_nothing_and_leaves_nothing() -> None:
    queue: Queue[int] = Queue()

    async def main() -> int:
        with pytest.raises(Empty):
            queue.get_nowait()  # opens a descriptor that stays
        before = set(os.listdir("/proc/self/fd"))
        waiting = asyncio.ensure_future(queue.aget())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert set(os.listdir("/proc/self/fd")) == before
        queue.put(1)
        return await queue.aget()

    assert asyncio.run(main()) == 1


def test_aput_waits_for_room_that_another_process_makes() -> None:
    queue: Queue[int] = Queue(2)
    answers: Queue[list[int]] = Queue()

    def take() -> None:
        answers.put([queue.get() for _ in range(50)])

    async def main() -> None:
        child = fork(take)
        await asyncio.gather(*(queue.aput(number) for number in range(50)))
        assert ended(child) == 0

    asyncio.run(main())
    assert sorted(answers.get()) == list(range(50))


def test_aput_of_descriptors_waits_for_the_lane() -> None:
    queue: Queue[Any] = Queue()
    lock = Lock()
    count = 0
    with pytest.raises(Full):
        while True:
            queue.put_nowait(lock)
            count += 1

    async def main() -> None:
        more = asyncio.ensure_future(queue.aput(lock))
        await asyncio.sleep(0)
        assert not more.done()
        for _ in range(count):
            queue.get()
        await more

    asyncio.run(main())
    assert queue.qsize() == 1


def test_aget_says_when_nobody_can_put_any_more() -> None:
    queue: Queue[int] = Queue()
    assert list(_first_steps(queue)) == []

    async def main() -> None:
        with pytest.raises(ChannelClosed):
            await queue.aget()

    asyncio.run(main())


def _first_steps(queue: Queue[int]) -> Any:
    return iter(queue)


def test_closed() -> None:
    queue: Queue[int] = Queue()
    queue.close()
    with pytest.raises(ValueError, match="closed"):
        asyncio.run(queue.aget())
    with pytest.raises(ValueError, match="closed"):
        asyncio.run(queue.aput(1))
