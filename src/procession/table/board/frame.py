"""What one refresh of ``pn top`` knows: the table, the machine, and what happened since the refresh before.

::

    Watcher.refresh() ─▶ read the table, read the machine ─▶ Frame ─▶ board: which rows, in which order
                                                                   └▶ meters: the lines of the header
"""

from __future__ import annotations

import time

from procession.records import record
from procession.table.machine import CpuShares, Machine, read_machine, shares
from procession.table.rates import Rates
from procession.table.snapshot import Snapshot, snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from procession.table.follow import Follower

    Read = Callable[[bool, Collection[int]], Snapshot]

HISTORY = 600  # refreshes that the graphs remember


@record
class Tasks:
    """How many rows are in which state; ``sleeping`` has those that are deaf to signals and idle kernel threads."""

    total: int
    running: int
    sleeping: int
    stopped: int
    zombie: int
    deaf: int


@record
class Cost:
    """Of ourselves: CPU ``seconds`` from one refresh to the next, drawing included, in ``wall`` seconds."""

    seconds: float
    wall: float

    @property
    def cores(self) -> float:
        return self.seconds / self.wall if self.wall > 0 else 0.0


@record
class Frame:
    """``usage``: cores in use by thread id, those that used any.  ``cpu`` and ``cores``: what the machine's time
    and that of each CPU went into.  ``history``: of each refresh so far (fraction busy, fraction of memory used),
    the newest last.  ``first``: there was none before, so all figures are averages over lives."""

    snapshot: Snapshot
    rates: Rates
    machine: Machine
    cpu: CpuShares
    cores: Mapping[int, CpuShares]
    usage: Mapping[int, float]
    tasks: Tasks
    history: tuple[tuple[float, float], ...]
    first: bool
    threads: bool
    cost: Cost | None = None


class Watcher:
    """Makes a frame of what it reads and of what it read the time before.

    ``read``: the table, given whether threads are wanted and which pids the user sees.  ``watch``: the machine.  ``spent``: our own CPU
    seconds so far.
    """

    def __init__(
        self,
        read: Read | None = None,
        watch: Callable[[], Machine] = read_machine,
        spent: Callable[[], float] = time.process_time,
    ) -> None:
        self._read = read or reader()
        self._watch = watch
        self._spent = spent
        self._last: tuple[Snapshot, Machine, float, bool] | None = None
        self._history: list[tuple[float, float]] = []

    def refresh(self, threads: bool = False, looked_at: Collection[int] = ()) -> Frame:
        """Of now.  Raises OSError without /proc."""
        table, machine, spent = self._read(threads, looked_at), self._watch(), self._spent()
        last, self._last = self._last, (table, machine, spent, threads)
        before = last[0] if last is not None and last[3] == threads else None
        rates = Rates(before, table)
        cpu = shares(last[1].stat.total if last else None, machine.stat.total)
        memory = machine.memory
        self._history.append((cpu.busy, memory.used / memory.total if memory.total else 0.0))
        del self._history[:-HISTORY]
        return Frame(
            snapshot=table,
            rates=rates,
            machine=machine,
            cpu=cpu,
            cores=_each_core(last[1] if last else None, machine),
            usage=usage_of(rates),
            tasks=count_tasks(table),
            history=tuple(self._history),
            first=before is None,
            threads=threads,
            cost=Cost(spent - last[2], machine.taken - last[1].taken) if last else None,
        )


def reader(pids: tuple[int, ...] = (), follower: Follower | None = None) -> Read:
    """Reads the whole table (through the follower, if there is one), or only these processes."""

    def read(threads: bool, looked_at: Collection[int]) -> Snapshot:
        if follower is not None and not threads and not pids:
            return follower.refresh(looked_at)
        return snapshot(pids=pids or None, threads=threads)

    return read


def _each_core(before: Machine | None, after: Machine) -> dict[int, CpuShares]:
    then = before.stat.cpus if before is not None else {}
    return {number: shares(then.get(number), times) for number, times in after.stat.cpus.items()}


def pid_width() -> int:
    """Digits of the largest pid that this kernel gives, at least 5 (pid_max of proc_sys_kernel(5))."""
    try:
        with open("/proc/sys/kernel/pid_max", encoding="ascii") as file:
            return max(5, len(str(int(file.read()) - 1)))
    except (OSError, ValueError):
        return 7


def usage_of(rates: Rates) -> dict[int, float]:
    """Cores in use, by thread id; who used none is left out."""
    return {each.tid: used for each in rates.changed() if (used := rates.cpu(each))}


def count_tasks(table: Snapshot) -> Tasks:
    """Of a table."""
    counts: dict[bytes, int] = {}
    for each in table.records:
        state = each.fields[0]
        counts[state] = counts.get(state, 0) + 1
    running, zombie = counts.get(b"R", 0), counts.get(b"Z", 0)
    stopped = counts.get(b"T", 0) + counts.get(b"t", 0)
    total = len(table.records)
    return Tasks(
        total, running, total - running - stopped - zombie, stopped, zombie, deaf=counts.get(b"D", 0)
    )
