"""Process tables out of thin air: records of processes that there are not."""

from __future__ import annotations

from procession.table import files
from procession.table.record import ProcessRecord
from procession.table.snapshot import Snapshot
from procession.table.source import Source


def made(
    pid: int,
    ppid: int = 1,
    *,
    name: str = "it",
    state: str = "S",
    pgrp: int = 0,
    session: int = 0,
    tty: int = 0,
    start: int = 1000,
    layout: int = 0,
    flags: int = 0,
    command: str | None = None,
    uid: int = 0,
    cgroup: str = "/",
    status: str = "",
    personality: bytes | None = b"00000000\n",
    source: Source | None = None,
) -> ProcessRecord:
    """A record; ``layout``: where its program lies in memory, 0: not to be seen."""
    fields = ["0"] * 50
    fields[0], fields[1], fields[2], fields[3], fields[4] = (
        state,
        str(ppid),
        str(pgrp or pid),
        str(session or pid),
        str(tty),
    )
    fields[6], fields[19] = str(flags), str(start)
    for at in (23, 25, 42, 44):
        fields[at] = str(layout * 1_000_000 + at) if layout else "0"
    line = f"{pid} ({name}) {' '.join(fields)}\n"
    one = ProcessRecord(source or Source(), pid, pid, line.encode("utf-8", "surrogateescape"), uid)
    one.keep(files.CMDLINE, (name if command is None else command).replace(" ", "\0").encode())
    one.keep(
        files.STATUS,
        f"Name:\t{name}\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\nGid:\t{uid}\t{uid}\t{uid}\t{uid}\n{status}".encode(),
    )
    one.keep(files.CGROUP, f"0::{cgroup}\n".encode())
    one.keep("personality", personality)
    one.keep(files.WCHAN, b"folio_wait")
    return one


def table_of(*records: ProcessRecord, taken: float = 100.0) -> Snapshot:
    return Snapshot(list(records), Source(), taken, taken)
