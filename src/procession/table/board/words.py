"""Pages to read: every key, and what each figure of the header means and says now."""

from __future__ import annotations

from procession.table.board.keys import KEYS
from procession.table.meters import gib, judged_load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.linux.pressure import Pressure
    from procession.table.board.frame import Frame
    from procession.table.machine import CpuShares, Memory
    from procession.table.meters import Line


def help_lines(width: int) -> list[Line]:
    """In two columns where there is room."""
    groups: dict[str, list[Line]] = {}
    for key in KEYS:
        if key.shown and key.about:
            rows = groups.setdefault(key.group, [[("label", f" {key.group}")]])
            rows.append([("head", f"  {key.shown:8}"), ("", f" {key.about}")])
    blocks = [[*rows, []] for rows in groups.values()]
    lines = [line for block in blocks for line in block]
    if width < 118:
        return lines
    half = width // 2
    left: list[Line] = []
    right: list[Line] = []
    for block in blocks:
        (left if len(left) <= len(lines) // 2 - len(block) // 2 else right).extend(block)
    length = max(len(left), len(right))
    left += [[]] * (length - len(left))
    right += [[]] * (length - len(right))
    return [_beside(one, other, half) for one, other in zip(left, right, strict=True)]


def _beside(one: Line, other: Line, width: int) -> Line:
    return [*one, ("", " " * max(1, width - sum(len(text) for _, text in one))), *other]


def words_lines(frame: Frame, width: int) -> list[Line]:
    """Each figure: its name, what it is now, what that means here."""
    machine = frame.machine
    lines: list[Line] = [*_load(frame, width), *_cpu(frame.cpu, width)]
    lines += _memory(machine.memory, width)
    lines += _pressure(
        (("cpu", machine.cpu_pressure), ("memory", machine.memory_pressure), ("I/O", machine.io_pressure)),
        width,
    )
    return lines


def _load(frame: Frame, width: int) -> list[Line]:
    machine = frame.machine
    cores = machine.cores
    style, verdict = judged_load(machine.load[0], cores.effective)
    lines = [
        _head("Load average"),
        *_fact("now", f"{machine.load[0]:.2f}", style, verdict, width),
        *_fact("", "", "", "How many threads ran, waited for a CPU or waited for storage (state D), on average over 1, 5 "
               "and 15 minutes.  As many as there are cores: all in use; more: some wait in line.", width),
        *_fact("cores", f"{cores.online}", "", _cores(cores.usable, cores.limit, cores.online), width),
        *_fact("trend", f"{machine.load[2]:.2f}", "", _trend(machine.load), width),
    ]  # fmt: skip
    return [*lines, []]


def _cores(usable: int, limit: float | None, online: int) -> str:
    words = "of this machine"
    if usable < online:
        words += f"; pn may run on {usable} of them (affinity)"
    if limit is not None:
        words += f"; the control group allows the time of {limit:g}"
    return words


def _trend(load: tuple[float, float, float]) -> str:
    one, _, fifteen = load
    if one > fifteen * 1.3 + 0.2:
        return "fifteen minutes ago it was less: the load rises"
    if one < fifteen * 0.7 - 0.2:
        return "fifteen minutes ago it was more: the load falls"
    return "much the same as fifteen minutes ago"


_SHARES: tuple[tuple[str, str, str, float, str], ...] = (
    ("us", "us", "user: programs at work, at usual priority", 2.0, ""),
    ("sy", "sy", "system: the kernel at work for them", 0.3,
     "much: many system calls, page faults or new processes"),
    ("ni", "ni", "nice: programs at a lowered priority (nice above 0)", 2.0, ""),
    ("id", "id", "idle: nothing to do", 2.0, ""),
    ("wa", "wa", "waiting: idle while a disk was busy for somebody", 0.1,
     "storage is what holds the work up: look for state D"),
    ("hi", "hi", "hardware interrupts", 0.05, "a device interrupts often"),
    ("si", "si", "soft interrupts: network packets, timers", 0.1, "much network traffic"),
    ("st", "st", "stolen: the hypervisor gave this time to others", 0.02,
     "this virtual machine gets less than it asks for"),
)  # fmt: skip


def _cpu(shares: CpuShares, width: int) -> list[Line]:
    lines = [_head("CPU: what its time went into since the refresh before")]
    for name, field, about, much, verdict in _SHARES:
        value: float = getattr(shares, field)
        words = f"{about}; {verdict}" if verdict and value > much else about
        lines += _fact(name, f"{100 * value:.1f} %", "warn" if verdict and value > much else "", words, width)
    return [*lines, []]


def _memory(memory: Memory, width: int) -> list[Line]:
    total = memory.total or 1
    share = memory.available / total
    enough = "warn" if share < 0.15 else "good"
    lines = [
        _head("Memory"),
        *_fact("total", gib(memory.total), "", "what the kernel has to give, less than is built in", width),
        *_fact("used", gib(memory.used), "", "total less available", width),
        *_fact("available", gib(memory.available), enough, "what programs can still get without swapping: free and most "
               f"of the cache, {100 * share:.0f} % of all", width),
        *_fact("free", gib(memory.free), "", "of no use to anybody; little of it is no bad sign", width),
        *_fact("buff/cache", gib(memory.buffers + memory.cached), "", "files kept in memory, given up when programs need "
               "it; shared memory is in it and is not given up", width),
        *_fact("shared", gib(memory.shared), "", "tmpfs, /dev/shm, memfd", width),
        [],
        _head("Swap"),
    ]  # fmt: skip
    if memory.swap_total:
        used = memory.swap_used / memory.swap_total
        words = (
            "moved out of memory; harmless unless it moves in and out all the time (memory pressure below)"
        )
        lines += _fact("used", gib(memory.swap_used), "warn" if used > 0.5 else "", words, width)
        lines += _fact("total", gib(memory.swap_total), "", "room for it", width)
    else:
        words = "when memory runs out the kernel can only drop files and then end processes (OOM killer)"
        lines += _fact("none", "", "", words, width)
    return [*lines, []]


def _pressure(stalls: tuple[tuple[str, Pressure | None], ...], width: int) -> list[Line]:
    lines = [_head("Pressure: in how much of the last 10 seconds work had to wait")]
    for name, pressure in stalls:
        if pressure is None:
            continue
        some = pressure.some.avg10
        full = f", all of it {pressure.full.avg10:.0f} %" if pressure.full is not None else ""
        words = f"{_WAITS[name]}{full}; {pressure.some.avg300:.0f} % of the last 5 minutes"
        lines += _fact(
            name, f"{some:.0f} %", "bad" if some > 40 else "warn" if some > 10 else "good", words, width
        )
    if len(lines) == 1:
        lines += _fact("", "", "", "this kernel does not tell (CONFIG_PSI, Linux 4.20)", width)
    return lines


_WAITS = {
    "cpu": "somebody was ready and had no CPU",
    "memory": "somebody waited for memory to be freed or read back",
    "I/O": "somebody waited for storage",
}


def _head(words: str) -> Line:
    return [("label", f" {words}")]


def _fact(name: str, value: str, style: str, words: str, width: int) -> list[Line]:
    """A name, a figure and a sentence, which goes on below itself."""
    import textwrap

    indent = 24
    parts = textwrap.wrap(words, max(20, width - indent - 1)) or [""]
    first: Line = [("dim", f"  {name:<11}"), (style, f"{value:>9}"), ("", f"  {parts[0]}")]
    return [first, *([("", f"{'':{indent}}{part}")] for part in parts[1:])]


def user_choices(frame: Frame, name_of: Callable[[int], str]) -> tuple[list[int | None], list[Line]]:
    """User ids with processes, who has most first, None (all) before them; and a line for each."""
    counts: dict[int, int] = {}
    for one in frame.snapshot.records:
        counts[one.uid] = counts.get(one.uid, 0) + 1
    uids = sorted(counts, key=lambda uid: (-counts[uid], uid))
    lines: list[Line] = [[("", f"{'all':16}"), ("dim", f"{len(frame.snapshot.records):7,}")]]
    lines += [[("", f"{name_of(uid):16.16}"), ("dim", f"{counts[uid]:7,}")] for uid in uids]
    return [None, *uids], lines
