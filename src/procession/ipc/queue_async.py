"""Waiting for a queue in an event loop: the loop watches a descriptor, no thread waits."""
# ruff: noqa: SLF001 - the methods of Classic, moved here so that asyncio is loaded only for who uses it

from __future__ import annotations

import asyncio
import os
import select
from queue import Full

from procession.ipc.queue_book import AWAITED
from procession.ipc.queue_lane import NOTHING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.ipc.queue_classic import Classic

_SLICE = 1.0  # seconds; whoever took the news of room may have been killed with it


async def aget(queue: Classic[Any]) -> Any:
    """See Classic.aget."""
    while True:
        obj = queue._take_now()
        if obj is NOTHING and queue._wait_readable(0) & select.POLLHUP:
            obj = queue._take_last()
        if obj is not NOTHING:
            return obj
        await _ready(queue._line.reader)


async def aput(queue: Classic[Any], obj: Any) -> None:
    """See Classic.aput."""
    while True:
        try:
            queue.put(obj, False)
        except Full:
            pass
        else:
            return
        with queue._book.section:
            full = 0 < queue._bound <= queue._line.waiting()
            if full:
                queue._words[AWAITED] = 1
        if full:
            await _ready(queue._lane.inlet, at_most=_SLICE)
            queue._lane.hear_room()
        else:  # there is room in the queue, but none for descriptors
            await _ready(queue._lane.inlet, writable=True, at_most=_SLICE)


async def _ready(fd: int, *, writable: bool = False, at_most: float | None = None) -> None:
    """Until the descriptor is readable or ``writable``, or ``at_most`` seconds have passed."""
    loop = asyncio.get_running_loop()
    # A descriptor of one's own for each wait: a loop has one callback for each number.
    own = os.dup(fd)
    came: asyncio.Future[None] = loop.create_future()
    watch, unwatch = (
        (loop.add_writer, loop.remove_writer) if writable else (loop.add_reader, loop.remove_reader)
    )
    try:
        watch(own, _tell, came)
        await asyncio.wait((came,), timeout=at_most)
    finally:
        unwatch(own)
        os.close(own)


def _tell(came: asyncio.Future[None]) -> None:
    if not came.done():
        came.set_result(None)
