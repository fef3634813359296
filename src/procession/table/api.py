"""The process table and the machine from Python: ``procession.processes()`` and ``procession.machine()``."""

from __future__ import annotations

from procession.table.machine import Machine, read_machine
from procession.table.snapshot import Snapshot, snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


def processes(
    *, pids: Iterable[int] | None = None, threads: bool = False, files: Collection[str] = ()
) -> Snapshot:
    """All processes that we may see, at this moment; iterate over it, or ask it for one by its pid.

    ``pids``: these only; who is gone is not in it.  ``threads``: a record for each thread.  ``files``: what to read
    of each at once ("status", "cmdline", "io", ...; see proc_pid(5)).  The rest is read when it is asked for, and
    then it may be too late::

        for process in processes(files=("cmdline",)):
            print(process.pid, process.command)

    Raises OSError without /proc.
    """
    return snapshot(files, pids=pids, threads=threads)


def machine() -> Machine:
    """Load, CPU times, memory, swap and pressure at this moment.  Raises OSError without /proc."""
    return read_machine()
