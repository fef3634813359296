"""The process table at one instant.

::

    snapshot(needs) ─▶ Source: /proc ─▶ for each pid: stat, and each file of ``needs`` ─▶ Snapshot
                                        one that vanishes meanwhile is not in it

One instant is a manner of speaking: the kernel has no call for it.  Each record is of its own moment, between
``began`` and ``taken``.
"""

from __future__ import annotations

import time

from procession.table import files
from procession.table.record import TICKS, ProcessRecord
from procession.table.source import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator


class Snapshot:
    """Records in the order of their pids, each followed by its threads where these were asked for."""

    def __init__(self, records: list[ProcessRecord], source: Source, began: float, taken: float) -> None:
        self.records = records
        self.source = source
        #: seconds after boot (CLOCK_BOOTTIME) before the first and after the last was read
        self.began = began
        self.taken = taken
        self._by_pid: dict[int, ProcessRecord] | None = None
        self._children: dict[int, list[ProcessRecord]] | None = None

    def __iter__(self) -> Iterator[ProcessRecord]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, pid: int) -> ProcessRecord:
        """The process with this pid.  Raises KeyError."""
        return self.by_pid[pid]

    @property
    def by_pid(self) -> dict[int, ProcessRecord]:
        """Processes (of threads: the main one) by their pids."""
        if self._by_pid is None:
            self._by_pid = {record.pid: record for record in reversed(self.records)}
        return self._by_pid

    @property
    def children(self) -> dict[int, list[ProcessRecord]]:
        """The processes of each parent, in the order of their pids; parents may be unknown (0)."""
        if self._children is None:
            found: dict[int, list[ProcessRecord]] = {}
            for record in self.by_pid.values():
                found.setdefault(record.ppid, []).append(record)
            for each in found.values():
                each.sort(key=lambda record: record.pid)
            self._children = found
        return self._children

    def age(self, record: ProcessRecord) -> float:
        """Seconds since its start, of which it may have been asleep with the machine; never negative."""
        return max(0.0, self.taken - record.starttime / TICKS)

    def descendants(self, pid: int) -> list[ProcessRecord]:
        """Children, their children and so on, parents first; not the process itself."""
        found: list[ProcessRecord] = []
        todo = [pid]
        seen = {pid}
        while todo:
            for child in self.children.get(todo.pop(), ()):
                if child.pid not in seen:  # records of different moments could form a ring
                    seen.add(child.pid)
                    found.append(child)
                    todo.append(child.pid)
        return found

    def ancestors(self, pid: int) -> list[ProcessRecord]:
        """Parent, its parent and so on."""
        found: list[ProcessRecord] = []
        seen = {pid}
        record = self.by_pid.get(pid)
        while record is not None and record.ppid not in seen:
            seen.add(record.ppid)
            record = self.by_pid.get(record.ppid)
            if record is not None:
                found.append(record)
        return found


def snapshot(
    needs: Collection[str] = (),
    *,
    pids: Iterable[int] | None = None,
    threads: bool = False,
    source: Source | None = None,
) -> Snapshot:
    """Read the table.  ``needs``: files of each process to read with it (``files.py``); what is not named here
    is read when a record is asked for it.  ``pids``: these processes only, in this order.  ``threads``: a
    record for each thread.  Raises OSError when /proc is not there.
    """
    source = source or Source()
    wanted = [name for name in needs if name != files.STAT]
    began = time.clock_gettime(time.CLOCK_BOOTTIME)
    records: list[ProcessRecord] = []
    for pid in source.pids() if pids is None else pids:
        if threads:
            for tid in source.tids(pid):
                _add(records, source, pid, tid, wanted)
        else:
            _add(records, source, pid, pid, wanted)
    return Snapshot(records, source, began, time.clock_gettime(time.CLOCK_BOOTTIME))


def _add(records: list[ProcessRecord], source: Source, pid: int, tid: int, wanted: list[str]) -> None:
    path = f"{pid}/task/{tid}" if tid != pid else str(pid)
    try:
        stat, owner = source.read_stat(path)
    except OSError:  # it has ended meanwhile
        return
    if not stat:
        return
    record = ProcessRecord(source, pid, tid, stat, owner)
    records.append(record)
    keep, read = record.keep, source.read_fast
    for name in wanted:
        try:
            keep(name, read(path, name))
        except OSError:
            keep(name, None)
