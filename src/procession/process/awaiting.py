"""Waiting for a process inside an asyncio event loop, which goes on meanwhile."""

# ruff: noqa: SLF001 - the parts of one Process, and what multiprocessing keeps private

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.process.process import Process


async def outcome_of(process: Process) -> Any:
    """What ``process.result()`` gives, or raises."""
    await ended(process)
    return process.result(0)


async def ended(process: Process, grace: float | None = None) -> None:
    """Wait for its end; SIGKILL after ``grace`` seconds if that is given.

    A cancellation of the waiting task leaves the process alone.
    """
    import asyncio

    handle = process._running()
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()

    def settle() -> None:
        if not over.done():
            over.set_result(None)

    def tell(_handle: object) -> None:
        try:
            loop.call_soon_threadsafe(settle)
        except RuntimeError:
            pass  # the loop is closed: nobody waits any more

    handle.on_end(tell)
    if grace is not None:
        done, _ = await asyncio.wait({over}, timeout=grace)
        if not done:
            process.kill()
    await over
    process.join()
