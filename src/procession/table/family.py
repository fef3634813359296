"""Families: where a process came from, and what a branch of the tree amounts to."""

from __future__ import annotations

from procession.records import record
from procession.table.board.tree import in_tree_order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from procession.table.record import ProcessRecord
    from procession.table.snapshot import Snapshot

INIT = 1

# How a process came to its parent.  The kernel does not keep who the first one was; what tells is the session and
# the process group, which a child inherits and nobody is given by adoption.
STRAY = "stray"  # adopted, and the leader of its session has ended
LEFT = "left"  # adopted by init, and its session or group tells that it came from elsewhere
DAEMON = "daemon"  # leads a session of its own without a terminal, and init is its parent: meant to be so
NONE = ""  # no sign of an adoption


@record
class Branch:
    """A process and all below it.  ``drawn``: the lines in front of it.  Sums over the branch, itself included:
    ``count`` of processes, ``memory`` in bytes (None: nobody's could be read), ``cpu_seconds`` of those that live.
    ``own``: its own bytes."""

    process: ProcessRecord
    drawn: str
    depth: int
    count: int
    own: int | None
    memory: int | None
    cpu_seconds: float
    hidden: int = 0  # processes below it that are not shown


def origin(table: Snapshot, process: ProcessRecord) -> str:
    """STRAY, LEFT, DAEMON or NONE, as far as the table tells."""
    by_pid = table.by_pid
    parent, leader = by_pid.get(process.ppid), by_pid.get(process.session)
    if parent is None or process.is_kernel_thread or process.state in "ZXx":
        return NONE
    if process.pid == INIT or process.session == 0:
        return NONE
    if process.session == process.pid:
        return DAEMON if parent.pid == INIT and not process.tty_nr else NONE
    is_leaderless = leader is None or leader.state in "ZXx"
    if is_leaderless and parent.session != process.session:
        return STRAY
    if parent.pid == INIT and (parent.session != process.session or process.pgrp not in by_pid):
        return LEFT
    return NONE


def branches(
    rows: Sequence[ProcessRecord],
    memory: Callable[[ProcessRecord], int | None],
    depth: int | None = None,
) -> list[Branch]:
    """``rows`` below their parents, with sums over all their descendants among ``rows``.  ``depth``: levels that are
    shown; the sums count the others too."""
    levels = _levels(rows)
    sums = _sums(rows, {one.pid: memory(one) for one in rows})
    shown = [one for one in rows if depth is None or levels[one.pid] <= depth]
    ordered, drawn, _ = in_tree_order(shown)
    visible = _counts(shown)
    return [
        Branch(
            one,
            drawn.get(one.tid, ""),
            levels[one.pid],
            *sums[one.pid],
            hidden=sums[one.pid][0] - visible[one.pid],
        )
        for one in ordered
    ]


def rows_of(table: Snapshot, roots: Collection[int], *, parents: bool = False) -> list[ProcessRecord]:
    """These processes and their descendants, and ``parents``: the ancestors too; each once, by pid."""
    pids: set[int] = set()
    for pid in roots:
        pids.add(pid)
        pids.update(one.pid for one in table.descendants(pid))
        if parents:
            pids.update(one.pid for one in table.ancestors(pid))
    return [table.by_pid[pid] for pid in sorted(pids) if pid in table.by_pid]


def _parents_first(rows: Sequence[ProcessRecord]) -> list[ProcessRecord]:
    levels = _levels(rows)
    return sorted(rows, key=lambda one: levels[one.pid])


def _levels(rows: Sequence[ProcessRecord]) -> dict[int, int]:
    """How deep each stands below the topmost of its ancestors among the rows."""
    parents = {one.pid: one.ppid for one in rows}
    levels: dict[int, int] = {}
    for pid in parents:
        path: dict[
            int, None
        ] = {}  # in order, and quick to look into: records of different moments could form a ring
        each = pid
        while each in parents and each not in levels and each not in path:
            path[each] = None
            each = parents[each]
        level = levels.get(each, -1)
        for each in reversed(path):
            level += 1
            levels[each] = level
    return levels


def _counts(rows: Sequence[ProcessRecord]) -> dict[int, int]:
    return {pid: found[0] for pid, found in _sums(rows, {}).items()}


def _sums(
    rows: Sequence[ProcessRecord], memory: dict[int, int | None]
) -> dict[int, tuple[int, int | None, int | None, float]]:
    """(count, own memory, memory of the branch, CPU seconds) by pid."""
    count = {one.pid: 1 for one in rows}
    total = {one.pid: memory.get(one.pid) for one in rows}
    cpu = {one.pid: one.cpu_seconds for one in rows}
    for one in reversed(_parents_first(rows)):
        if one.ppid in count and one.ppid != one.pid:
            count[one.ppid] += count[one.pid]
            cpu[one.ppid] += cpu[one.pid]
            own, above = total[one.pid], total[one.ppid]
            total[one.ppid] = own if above is None else above + (own or 0)
    return {pid: (count[pid], memory.get(pid), total[pid], cpu[pid]) for pid in count}
