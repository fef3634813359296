"""Finding deadlocks for certain.

The waits of several threads are read one after the other, so a ring might be put together from moments that never
were one.  What proves it: the kernel counts how often each thread has run (the third number of schedstat).  If that
stood still for all threads of the ring from before their waits were read again until after, they slept all
along, all at once, in just these waits.
"""

from __future__ import annotations

from procession.table import files
from procession.table.graph import Ring, rings
from procession.table.snapshot import snapshot
from procession.table.world import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from procession.table.waits import Wait

_MOST = 2000  # processes that one question may lead to


def rings_among(world: World, pids: Iterable[int]) -> list[Ring]:
    """All deadlocks among these processes, proved."""
    threads = {pid: world.waits(pid) for pid in pids if _may_wait(world, pid)}
    return [ring for ring in rings(threads) if _is_proved(ring)]


def ring_of(world: World, pid: int) -> Ring | None:
    """The deadlock that a process is in or waits for; only those whom it waits for are looked at."""
    threads: dict[int, list[Wait | None]] = {}
    todo = [pid]
    while todo and len(threads) < _MOST:
        each = todo.pop()
        if each in threads or not _may_wait(world, each):
            continue
        threads[each] = world.waits(each)
        todo += [party.pid for wait in threads[each] if wait is not None for party in wait.parties]
    for ring in rings(threads):
        if (pid in ring.pids or pid in ring.victims) and _is_proved(ring):
            return ring
    return None


def _may_wait(world: World, pid: int) -> bool:
    process = world.snapshot.by_pid.get(pid)
    return process is not None and process.state not in "ZXx" and not process.is_kernel_thread


def _is_proved(ring: Ring) -> bool:
    again = World(snapshot())
    before = [_slices(again, wait) for wait in ring.waits]
    same = all(_is_same(again.wait(wait.pid, wait.tid), wait) for wait in ring.waits)
    return same and before == [_slices(again, wait) for wait in ring.waits]


def _is_same(now: Wait | None, then: Wait) -> bool:
    return now is not None and (now.kind, now.call, now.what, now.parties) == (
        then.kind,
        then.call,
        then.what,
        then.parties,
    )


def _slices(world: World, wait: Wait) -> bytes:
    """How often a thread has been given a CPU; b"" where the kernel does not count."""
    try:
        return world.source.read_now(f"{wait.pid}/task/{wait.tid}", files.SCHEDSTAT).split()[2]
    except (OSError, IndexError):
        return b""
