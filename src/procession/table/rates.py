"""What happened between two snapshots: shares of a CPU, bytes a second.

Of a process that was not there before, the whole life counts, over its own age; so does that of every process
when there is no earlier snapshot, and ``since_birth`` says so.
"""

from __future__ import annotations

from procession.table.record import TICKS, ProcessRecord, is_same

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.snapshot import Snapshot


class Rates:
    """From ``before`` (None: from each process's start) to ``after``."""

    def __init__(self, before: Snapshot | None, after: Snapshot) -> None:
        self.before = before
        self.after = after
        self.seconds = after.taken - before.taken if before is not None else 0.0
        self._then = {record.tid: record for record in before.records} if before is not None else {}

    @property
    def since_birth(self) -> bool:
        """True: the figures are averages over lives."""
        return self.before is None

    def earlier(self, record: ProcessRecord) -> ProcessRecord | None:
        """The same process in the snapshot before."""
        then = self._then.get(record.tid)
        return then if then is not None and is_same(then, record) else None

    def changed(self) -> list[ProcessRecord]:
        """Those that are not the very records of before: a Follower gives these back for who has not run."""
        then = self._then.get
        return [record for record in self.after.records if then(record.tid) is not record]

    def cpu(self, record: ProcessRecord) -> float:
        """Cores in use: 1.0 is one whole CPU.  Never below 0: the kernel's split of time may step back."""
        then = self.earlier(record)
        if then is None:
            age = self.after.age(record)
            span = min(self.seconds, age) if self.seconds else age
            return record.cpu_ticks / TICKS / span if span > 0 else 0.0
        if self.seconds <= 0:
            return 0.0
        return max(0, record.cpu_ticks - then.cpu_ticks) / TICKS / self.seconds

    def io(self, record: ProcessRecord) -> tuple[float, float] | None:
        """Bytes a second (read from, written to) storage; None when /proc/PID/io is not ours to read."""
        now = record.io
        if not now:
            return None
        then = self.earlier(record)
        earlier = then.io if then is not None else {}
        span = self.seconds if then is not None else self.after.age(record)
        if span <= 0:
            return 0.0, 0.0
        read, write = (
            max(0, now[name] - earlier.get(name, 0)) / span for name in ("read_bytes", "write_bytes")
        )
        return read, write
