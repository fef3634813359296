"""/proc/stat: what the CPUs did since boot (proc_stat(5))."""

from __future__ import annotations

from procession.records import record

_COLUMNS = 10


@record
class CpuTimes:
    """Clock ticks (100 a second) since boot.  ``user`` and ``nice`` include guest and guest_nice."""

    user: int
    nice: int
    system: int
    idle: int
    iowait: int
    irq: int
    softirq: int
    steal: int
    guest: int = 0
    guest_nice: int = 0

    @property
    def total(self) -> int:
        """All of it; guests are in user and nice already."""
        return (
            self.user + self.nice + self.system + self.idle
            + self.iowait + self.irq + self.softirq + self.steal
        )  # fmt: skip


@record
class KernelStat:
    """``cpus``: by number, those that are online.  ``boot_time``: Unix time, whole seconds.  The rest counts since
    boot, but for ``procs_running`` (threads that run or wait for a CPU) and ``procs_blocked`` (for a disk)."""

    total: CpuTimes
    cpus: dict[int, CpuTimes]
    context_switches: int
    boot_time: int
    forks: int
    procs_running: int
    procs_blocked: int


def read_kernel_stat() -> KernelStat:
    """Of now."""
    with open("/proc/stat", "rb") as file:
        return parse_kernel_stat(file.read())


def parse_kernel_stat(data: bytes) -> KernelStat:
    """Raises ValueError without a line for all CPUs."""
    total: CpuTimes | None = None
    cpus: dict[int, CpuTimes] = {}
    single: dict[bytes, int] = {}
    for line in data.splitlines():
        name, _, rest = line.partition(b" ")
        if name == b"cpu":
            total = _times(rest)
        elif name.startswith(b"cpu"):
            cpus[int(name[3:])] = _times(rest)
        elif name in (b"ctxt", b"btime", b"processes", b"procs_running", b"procs_blocked"):
            single[name] = int(rest)
    if total is None:
        raise ValueError(f"not /proc/stat: {data[:80]!r}")
    return KernelStat(
        total,
        cpus,
        single.get(b"ctxt", 0),
        single.get(b"btime", 0),
        single.get(b"processes", 0),
        single.get(b"procs_running", 0),
        single.get(b"procs_blocked", 0),
    )


def _times(text: bytes) -> CpuTimes:
    numbers = [int(number) for number in text.split()[:_COLUMNS]]
    return CpuTimes(*numbers, *[0] * (_COLUMNS - len(numbers)))
