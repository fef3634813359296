"""A frame as text, in the layout of top(1) in batch mode.

The header lines and columns are those of procps-ng 4: scripts that read its output can read ours.
"""

from __future__ import annotations

import time

from procession.table.board.board import Listing, View
from procession.table.board.columns import COLUMNS, width_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.board.frame import Frame
    from procession.table.machine import CpuShares, Memory
    from procession.table.record import ProcessRecord

_UNITS = {"k": "KiB", "m": "MiB", "g": "GiB", "t": "TiB", "p": "PiB", "e": "EiB"}


def batch_text(
    frame: Frame, listing: Listing, view: View, *, unit: str = "m", each_core: bool = False, width: int = 0
) -> str:
    """One refresh.  ``unit``: of the memory in the header, k m g t p e.  ``width``: characters of a line, 0: all."""
    lines = [*header(frame, unit, each_core=each_core), "", heading_line(view)]
    lines += [row_line(one, frame, listing, view) for one in listing.records]
    if width:
        lines = [line[:width] for line in lines]
    return "".join(f"{line}\n" for line in lines)


def header(frame: Frame, unit: str = "m", *, each_core: bool = False) -> list[str]:
    """The lines above the list."""
    machine, tasks = frame.machine, frame.tasks
    one, five, fifteen = machine.load
    users = f"{machine.users:2d} {'user' if machine.users < 2 else 'users'}"
    clock = time.strftime("%H:%M:%S", time.localtime(machine.wall))
    if each_core:
        cpus = [cpu_line(f"%Cpu{number:<3d}:", shares) for number, shares in sorted(frame.cores.items())]
    else:
        cpus = [cpu_line("%Cpu(s):", frame.cpu)]
    return [
        f"top - {clock} {up(machine.uptime)}, {users},  load average: {one:.2f}, {five:.2f}, {fifteen:.2f}",
        (
            f"{'Threads' if frame.threads else 'Tasks'}: {tasks.total:3d} total, {tasks.running:3d} running, "
            f"{tasks.sleeping:3d} sleeping, {tasks.stopped:3d} stopped, {tasks.zombie:3d} zombie"
        ),
        *cpus,
        *memory_lines(machine.memory, unit),
    ]


def up(seconds: float) -> str:
    """As uptime(1) says it: ``up 3 days,  2:05``."""
    minutes = int(seconds) // 60
    days, minutes = divmod(minutes, 24 * 60)
    hours, minute = divmod(minutes, 60)
    text = f"up {days} {'day' if days == 1 else 'days'}, " if days else "up "
    return text + (f"{hours:2d}:{minute:02d}" if hours else f"{minute} min")


def cpu_line(label: str, shares: CpuShares) -> str:
    """Per cent, the eight of them."""
    figures = (shares.us, shares.sy, shares.ni, shares.id, shares.wa, shares.hi, shares.si, shares.st)
    names = ("us", "sy", "ni", "id", "wa", "hi", "si", "st")
    return f"{label}{','.join(f'{100 * figure:5.1f} {name}' for figure, name in zip(figures, names, strict=True))} "


def memory_lines(memory: Memory, unit: str) -> list[str]:
    """Memory and swap."""
    scale = 1024 ** ("kmgtpe".index(unit) + 1)

    def figure(count: int) -> str:
        return f" {count / scale:8.{0 if unit == 'k' else 1}f}"

    cache = memory.buffers + memory.cached
    return [
        (
            f"{_UNITS[unit]} Mem :{figure(memory.total)} total,{figure(memory.free)} free,{figure(memory.used)} used,"
            f"{figure(cache)} buff/cache     "
        ),
        (
            f"{_UNITS[unit]} Swap:{figure(memory.swap_total)} total,{figure(memory.swap_free)} free,"
            f"{figure(memory.swap_used)} used.{figure(memory.available)} avail Mem "
        ),
    ]


def heading_line(view: View) -> str:
    """The names of the columns."""
    cells = []
    for name in view.columns:
        column = COLUMNS[name]
        width = width_of(column, view.style)
        cells.append(column.heading.rjust(width) if column.right else column.heading.ljust(width))
    return " ".join(cells)


def row_line(one: ProcessRecord, frame: Frame, listing: Listing, view: View) -> str:
    """A process."""
    return " ".join(
        listing.branches.get(one.tid, "") + COLUMNS[name].cell(one, frame, view.style)
        if name == "command"
        else COLUMNS[name].cell(one, frame, view.style)
        for name in view.columns
    )
