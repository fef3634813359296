"""Frames made by hand: no clock, no /proc."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

from procession.records import replace
from procession.table.board.frame import Frame, Watcher
from procession.table.record import ProcessRecord
from procession.table.snapshot import Snapshot
from tests.tui.recorded import machine

KERNEL = 0x00200000


class NoFiles:
    """A source of records that have nothing but a stat line, and a command where one is given."""

    boot_id = "b"
    boot_time = 0.0
    commands: dict[int, bytes]

    def __init__(self) -> None:
        self.commands = {}

    def read_late(self, one: ProcessRecord, name: str) -> bytes | None:
        return self.commands.get(one.pid) if name == "cmdline" else None

    def is_current(self, one: ProcessRecord) -> bool:
        return True

    def owner(self, one: ProcessRecord) -> tuple[int, int]:
        return one.uid_of_file, one.uid_of_file


def proc(
    pid: int,
    ppid: int = 1,
    *,
    comm: str = "prog",
    state: str = "S",
    ticks: int = 0,
    rss: int = 0,
    uid: int = 1000,
    tid: int = 0,
    flags: int = 0,
    started: int = 0,
    command: str = "",
    source: NoFiles | None = None,
) -> ProcessRecord:
    """``started``: clock ticks after boot (default: 100 times the pid)."""
    source = source or NoFiles()
    if command:
        source.commands[pid] = command.replace(" ", "\0").encode() + b"\0"
    words: list[object] = [state, ppid, pid, pid, 0, -1, flags, 0, 0, 0, 0, ticks, 0, 0, 0, 20, 0, 1, 0]
    words += [started or 100 * pid, 4096, rss] + [0] * 28
    line = f"{tid or pid} ({comm}) {' '.join(map(str, words))}".encode()
    return ProcessRecord(cast("Any", source), pid, tid or pid, line, uid)


def table(*records: ProcessRecord, taken: float = 1000.0) -> Snapshot:
    return Snapshot(list(records), cast("Any", NoFiles()), taken, taken)


def frame(*tables: Snapshot, **changes: Any) -> Frame:
    """Of the last table, two seconds after the one before."""
    tables = tuple(tables)
    turn = iter(range(1000))

    def read(_threads: bool, _seen: Collection[int]) -> Snapshot:
        return tables[next(turn)]

    readings = iter(range(1, 1000))
    watcher = Watcher(read, lambda: machine(next(readings)), lambda: 0.0)
    made = [watcher.refresh() for _ in tables][-1]
    return replace(made, **changes) if changes else made
