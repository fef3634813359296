"""The machine as a whole at one instant: load, CPU times, memory, swap, pressure."""

from __future__ import annotations

import time

from procession.linux.cputimes import CpuTimes, KernelStat, read_kernel_stat
from procession.linux.meminfo import read_meminfo
from procession.linux.pressure import Pressure, read_pressure
from procession.records import record
from procession.table.cores import Cores, read_cores

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


@record
class Memory:
    """Bytes.  ``available``: what programs can still get without swapping, by the kernel's estimate.  ``cached``:
    page cache and reclaimable slabs; ``used``: total less available, as free(1) has it since procps 4."""

    total: int
    free: int
    buffers: int
    cached: int
    available: int
    used: int
    shared: int
    swap_total: int
    swap_free: int
    swap_cached: int

    @property
    def swap_used(self) -> int:
        return self.swap_total - self.swap_free


@record
class Machine:
    """``taken``: seconds after boot (CLOCK_BOOTTIME).  ``load``: averages of 1, 5 and 15 minutes.  ``runnable`` of
    ``tasks`` threads run or wait for a CPU."""

    taken: float
    wall: float
    uptime: float
    users: int
    load: tuple[float, float, float]
    runnable: int
    tasks: int
    cores: Cores
    stat: KernelStat
    memory: Memory
    cpu_pressure: Pressure | None
    memory_pressure: Pressure | None
    io_pressure: Pressure | None


@record
class CpuShares:
    """Fractions of all the time between two readings, summing to 1 (guests are in us and ni)."""

    us: float
    ni: float
    sy: float
    id: float
    wa: float
    hi: float
    si: float
    st: float

    @property
    def busy(self) -> float:
        """Neither idle nor waiting for a disk."""
        return max(0.0, 1.0 - self.id - self.wa)


def read_machine() -> Machine:
    """Of now.  Raises OSError without /proc."""
    one, five, fifteen, threads, _ = _words("/proc/loadavg")
    runnable, _, tasks = threads.partition("/")
    return Machine(
        taken=time.clock_gettime(time.CLOCK_BOOTTIME),
        wall=time.time(),
        uptime=float(_words("/proc/uptime")[0]),
        users=count_users(),
        load=(float(one), float(five), float(fifteen)),
        runnable=int(runnable),
        tasks=int(tasks),
        cores=read_cores(),
        stat=read_kernel_stat(),
        memory=memory_of(read_meminfo()),
        cpu_pressure=read_pressure("cpu"),
        memory_pressure=read_pressure("memory"),
        io_pressure=read_pressure("io"),
    )


def memory_of(info: Mapping[str, int]) -> Memory:
    """The usual figures from those of /proc/meminfo."""
    total, free = info["MemTotal"], info["MemFree"]
    cached = info.get("Cached", 0) + info.get("SReclaimable", 0)
    available = min(info.get("MemAvailable", free + info.get("Buffers", 0) + cached), total)
    return Memory(
        total=total,
        free=free,
        buffers=info.get("Buffers", 0),
        cached=cached,
        available=available,
        used=total - available,
        shared=info.get("Shmem", 0),
        swap_total=info.get("SwapTotal", 0),
        swap_free=info.get("SwapFree", 0),
        swap_cached=info.get("SwapCached", 0),
    )


def shares(before: CpuTimes | None, after: CpuTimes) -> CpuShares:
    """What the time between two readings went into; None: the time since boot."""
    figures = [
        max(0, getattr(after, name) - (getattr(before, name) if before is not None else 0)) for name in _NAMES
    ]
    total = sum(figures)
    if not total:  # too short for a tick
        return CpuShares(0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0)
    return CpuShares(*[figure / total for figure in figures])


_NAMES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")


def count_users() -> int:
    """Login sessions, as who(1) and uptime(1) count them; 0 where nobody keeps utmp(5)."""
    import struct

    size, user_process = 384, 7  # struct utmp on 64-bit Linux
    for path in ("/run/utmp", "/var/run/utmp"):
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError:
            continue
        entries = (data[at : at + size] for at in range(0, len(data) - size + 1, size))
        return sum(
            struct.unpack_from("h", entry)[0] == user_process and entry[44:76].rstrip(b"\0") != b""
            for entry in entries
        )
    return 0


def _words(path: str) -> list[str]:
    with open(path, encoding="ascii") as file:
        return file.read().split()
