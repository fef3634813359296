"""The columns of the live list: those of top(1), with its widths and formats, and some more.

Only what is shown is made, and only the files of what is shown are read.  A key may be asked of every row
when the list is sorted, so that of a usual column comes out of the stat line.
"""

from __future__ import annotations

from procession.records import record
from procession.table.board.formats import cpu_time, cut, memory, percent, printable
from procession.table.files import STATM
from procession.table.record import PAGE, TICKS
from procession.table.ttys import tty_name
from procession.table.users import user_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.table.board.frame import Frame
    from procession.table.record import ProcessRecord


@record
class Style:
    """How values are written.  ``unit``: of memory, k m g t p.  ``per_core``: 100 % is one core, else all of
    them.  ``whole``: the command line, else the short name.  ``pid``: digits of the largest pid."""

    unit: str = "k"
    per_core: bool = True
    whole: bool = False
    pid: int = 5


@record
class Column:
    """``width`` 0: as wide as it likes (the last one).  ``show`` and ``key``: of a record in a frame; ``down``:
    the largest stands first when sorted by it."""

    name: str
    heading: str
    width: int
    right: bool
    about: str
    show: Callable[[ProcessRecord, Frame, Style], str]
    key: Callable[[ProcessRecord, Frame], object]
    down: bool = True

    def cell(self, one: ProcessRecord, frame: Frame, style: Style) -> str:
        """Its value, filled up to the width."""
        width = width_of(self, style)
        text = self.show(one, frame, style)
        if not width:
            return text
        return text.rjust(width) if self.right else cut(text, width).ljust(width)


def width_of(column: Column, style: Style) -> int:
    """Characters."""
    return style.pid if column.name in _PIDS else column.width


def shown_command(one: ProcessRecord, whole: bool) -> str:
    """Safe to print."""
    if whole:
        return printable(one.command)
    return printable(one.comm)


def cpu_percent(one: ProcessRecord, frame: Frame, per_core: bool) -> float:
    """Of one core, or of all that are there."""
    value = 100 * frame.usage.get(one.tid, 0.0)
    return value if per_core else value / (frame.machine.cores.online or 1)


def _priority(one: ProcessRecord) -> str:
    return "rt" if one.priority <= -100 else str(one.priority)


def _shared(one: ProcessRecord) -> int:
    """Pages in memory that may be shared; statm has them (proc_pid_statm(5))."""
    words = (one.read(STATM) or b"").split()
    return int(words[2]) if len(words) > 2 else 0


def _resident(one: ProcessRecord) -> int:
    """Bytes in memory, as exact as the kernel has them: statm is summed over all CPUs since Linux 6.16, stat is not.
    Lists are ordered by the figure of stat, for which nothing more need be read."""
    words = (one.read(STATM) or b"").split()
    return int(words[1]) * PAGE if len(words) > 1 else one.rss


def _memory_share(one: ProcessRecord, frame: Frame) -> float:
    total = frame.machine.memory.total
    return 100 * _resident(one) / total if total else 0.0


def _kib(width: int, pick: Callable[[ProcessRecord], int]) -> Callable[[ProcessRecord, Frame, Style], str]:
    return lambda one, _, style: memory(pick(one) / 1024, width, style.unit)


def _unknown(kib: int | None, width: int, style: Style) -> str:
    return "-" if kib is None else memory(kib, width, style.unit)


_PIDS = ("pid", "ppid", "tgid", "pgrp", "session")

COLUMNS: dict[str, Column] = {
    column.name: column
    for column in (
        Column("pid", "PID", 5, True, "process id, or that of the thread",
               lambda one, _f, _s: str(one.tid), lambda one, _: one.tid, down=False),
        Column("ppid", "PPID", 5, True, "its parent",
               lambda one, _f, _s: str(one.ppid), lambda one, _: one.ppid, down=False),
        Column("tgid", "TGID", 5, True, "the process that a thread belongs to",
               lambda one, _f, _s: str(one.pid), lambda one, _: one.pid, down=False),
        Column("pgrp", "PGRP", 5, True, "process group",
               lambda one, _f, _s: str(one.pgrp), lambda one, _: one.pgrp, down=False),
        Column("session", "SID", 5, True, "session",
               lambda one, _f, _s: str(one.session), lambda one, _: one.session, down=False),
        Column("user", "USER", 8, False, "effective user",
               lambda one, _f, _s: printable(user_name(one.uid)), lambda one, _: user_name(one.uid), down=False),
        Column("tty", "TTY", 8, False, "controlling terminal",
               lambda one, _f, _s: tty_name(one.tty_nr) or "?", lambda one, _: one.tty_nr, down=False),
        Column("pr", "PR", 3, True, "priority in the kernel; rt: real time",
               lambda one, _f, _s: _priority(one), lambda one, _: one.priority, down=False),
        Column("ni", "NI", 3, True, "nice value: -20 gets most, 19 gets least",
               lambda one, _f, _s: str(one.nice), lambda one, _: one.nice, down=False),
        Column("virt", "VIRT", 7, True, "address space, most of it never used",
               _kib(7, lambda one: one.vsize), lambda one, _: one.vsize),
        Column("res", "RES", 6, True, "in memory now, shared pages counted in full",
               _kib(6, _resident), lambda one, _: int(one.fields[21])),
        Column("shr", "SHR", 6, True, "of RES, what others may share",
               _kib(6, lambda one: _shared(one) * PAGE), lambda one, _: _shared(one)),
        Column("swap", "SWAP", 6, True, "moved out to swap",
               lambda one, _, style: memory(one.status_kilobytes(b"VmSwap"), 6, style.unit),
               lambda one, _: one.status_kilobytes(b"VmSwap")),
        Column("pss", "PSS", 6, True, "in memory, a shared page counted in parts; dear to read",
               lambda one, _, style: _unknown(one.pss, 6, style), lambda one, _: one.pss or 0),
        Column("uss", "USS", 6, True, "in memory and its alone: what its end would free; dear to read",
               lambda one, _, style: _unknown(one.uss, 6, style), lambda one, _: one.uss or 0),
        Column("state", "S", 1, False, "R running, S asleep, D deaf to signals, T stopped, Z zombie, I idle",
               lambda one, _f, _s: one.state, lambda one, _: one.fields[0], down=False),
        Column("cpu", "%CPU", 5, True, "CPU time since the refresh before",
               lambda one, frame, style: percent(cpu_percent(one, frame, style.per_core)),
               lambda one, frame: frame.usage.get(one.tid, 0.0)),
        Column("mem", "%MEM", 5, True, "RES, as a part of the machine's memory",
               lambda one, frame, _: percent(_memory_share(one, frame)), lambda one, _: int(one.fields[21])),
        Column("time", "TIME+", 9, True, "CPU time of its whole life: minutes:seconds.hundredths",
               lambda one, _f, _s: cpu_time(one.cpu_ticks, 9, TICKS), lambda one, _: one.cpu_ticks),
        Column("threads", "nTH", 3, True, "threads",
               lambda one, _f, _s: str(one.num_threads), lambda one, _: one.num_threads),
        Column("core", "P", 3, True, "the CPU that it last ran on",
               lambda one, _f, _s: str(one.processor), lambda one, _: one.processor, down=False),
        Column("faults", "nMaj", 6, True, "times that it had to wait for a page from storage",
               lambda one, _f, _s: memory(one.majflt, 6), lambda one, _: one.majflt),
        Column("wchan", "WCHAN", 14, False, "the kernel function that it sleeps in",
               lambda one, _f, _s: printable(one.wchan) or "-", lambda one, _: one.wchan, down=False),
        Column("cgroup", "CGROUP", 24, False, "its control group",
               lambda one, _f, _s: printable(one.cgroup), lambda one, _: one.cgroup, down=False),
        Column("command", "COMMAND", 0, False, "name, or with c the command line",
               lambda one, _, style: shown_command(one, style.whole), lambda one, _: one.comm_bytes, down=False),
    )
}  # fmt: skip

CLASSIC = (
    "pid", "user", "pr", "ni", "virt", "res", "shr", "state", "cpu", "mem", "time", "command",
)  # fmt: skip


def find(word: str) -> Column | None:
    """By name or by heading, in any case; a ``%`` may be left out."""
    wanted = word.lower().lstrip("%")
    for column in COLUMNS.values():
        if wanted in (column.name, column.heading.lower().lstrip("%"), column.heading.lower().rstrip("+")):
            return column
    return None
