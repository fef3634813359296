"""Who waits for whom: pure functions of waits.

A thread is *free* when something may still move it: it runs, it waits for the outside (a clock, a person, another
machine), or for somebody who is free.  A process is free when one of its threads is.  Who is not free will
never go on: that is a deadlock, and a ring among those who are not free is its core.  A wait for any of several
is free when one of them is; a wait for all of several (shared locks) when all of them are.
"""

from __future__ import annotations

from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from procession.table.waits import Party, Wait

    Threads = Mapping[int, Sequence["Wait | None"]]


@record
class Ring:
    """Waits, each of which waits for the owner of the next, the last for that of the first.  ``victims``: pids
    outside of the ring that cannot go on because of it."""

    waits: tuple[Wait, ...]
    victims: tuple[int, ...] = ()

    @property
    def pids(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(wait.pid for wait in self.waits))


def stuck(threads: Threads) -> set[int]:
    """The tids that will never go on, given the waits of all threads (None: it runs) by pid.

    A process of which nothing is given counts as free: nothing is claimed of what was not seen.
    """
    waiting = {
        wait.tid: wait for each in threads.values() for wait in each if wait is not None and not wait.outside
    }
    # Until nobody more is found to be free; each round costs as much as there are waits.
    while True:
        freed = [tid for tid, wait in waiting.items() if not _is_held(wait, threads, waiting)]
        if not freed:
            return set(waiting)
        for tid in freed:
            del waiting[tid]


def _is_held(wait: Wait, threads: Threads, waiting: Mapping[int, Wait]) -> bool:
    held = [_is_stuck(party, threads, waiting) for party in wait.parties]
    if not held:
        # Nobody could end it: a pipe of which nobody seen has the other end; no claim is made without a ring.
        return False
    return any(held) if wait.every else all(held) and not wait.unseen


def _is_stuck(party: Party, threads: Threads, waiting: Mapping[int, Wait]) -> bool:
    if party.tid:
        return party.tid in waiting
    mine = threads.get(party.pid)
    return mine is not None and bool(mine) and all(wait is not None and wait.tid in waiting for wait in mine)


def rings(threads: Threads) -> list[Ring]:
    """The cores of all deadlocks, each once, with those who wait for it from outside."""
    held = stuck(threads)
    by_tid = {
        wait.tid: wait for each in threads.values() for wait in each if wait is not None and wait.tid in held
    }
    found: list[Ring] = []
    taken: set[int] = set()
    for tid in sorted(by_tid):
        path = _walk(tid, by_tid, threads, taken)
        if path:
            taken.update(path)
            found.append(Ring(tuple(by_tid[each] for each in path)))
    if not found:
        return []
    inside = {pid for ring in found for pid in ring.pids}
    outer = tuple(sorted({wait.pid for wait in by_tid.values()} - inside))
    return [Ring(ring.waits, _behind(ring, outer, by_tid, threads)) for ring in found]


def _walk(start: int, by_tid: Mapping[int, Wait], threads: Threads, taken: set[int]) -> list[int]:
    """Follow the first stuck party of each until a thread comes again: [] when that ring is known already."""
    path: list[int] = []
    seen: dict[int, int] = {}
    tid = start
    while tid not in seen:
        if tid in taken:
            return []
        seen[tid] = len(path)
        path.append(tid)
        following = _next(by_tid[tid], by_tid, threads)
        if following is None:
            return []
        tid = following
    return path[seen[tid] :]


def _next(wait: Wait, by_tid: Mapping[int, Wait], threads: Threads) -> int | None:
    for party in wait.parties:
        for tid in (
            [party.tid]
            if party.tid
            else [each.tid for each in threads.get(party.pid, ()) if each is not None]
        ):
            if tid in by_tid:
                return tid
    return None


def _behind(
    ring: Ring, outer: Iterable[int], by_tid: Mapping[int, Wait], threads: Threads
) -> tuple[int, ...]:
    """Those of ``outer`` whose way leads into this ring."""
    core = {wait.tid for wait in ring.waits}
    found = []
    for pid in outer:
        tid: int | None = next(each.tid for each in threads[pid] if each is not None and each.tid in by_tid)
        seen: set[int] = set()
        while tid is not None and tid not in seen and tid not in core:
            seen.add(tid)
            tid = _next(by_tid[tid], by_tid, threads)
        if tid in core:
            found.append(pid)
    return tuple(found)


def chain(first: Wait, main_wait: Mapping[int, Wait | None], steps: int = 4) -> list[Wait]:
    """What the one whom it waits for waits for in turn, and so on, as long as there is one to name.

    ``main_wait``: asked by pid; ends at who runs, who was seen before, and at a choice of several.
    """
    found: list[Wait] = []
    seen = {first.pid}
    wait = first
    while len(found) < steps:
        pids = {party.pid for party in wait.others}
        if len(pids) != 1 or (pid := pids.pop()) in seen:
            break
        seen.add(pid)
        following = main_wait.get(pid)
        if following is None:
            break
        found.append(following)
        wait = following
    return found
