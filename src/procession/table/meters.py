"""The header of ``pn top`` as data: five lines of top(1), each with what it says now.

A line is a list of (style, text); the screen knows what a style looks like: "" plain, "dim", "faint", "label", "good",
"warn", "bad", "user", "system", "nice", "wait", "steal", "mem", "cache", "head".  Nothing is drawn here and
nothing is read.
"""

from __future__ import annotations

from procession.records import record
from procession.table.batch import up
from procession.table.meters_bars import bar, graph_lines, sparkline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.board.frame import Frame
    from procession.table.machine import CpuShares

    Span = tuple[str, str]
    Line = list[Span]


@record
class Meter:
    """``parts``: what the bar shows, from the left: (style, fraction)."""

    label: str
    parts: list[tuple[str, float]]
    value: str
    figures: Line


def header_lines(frame: Frame, width: int, *, cores: bool = False, graph: int = 0) -> list[Line]:
    """Uptime and load, tasks, CPU, memory and swap; with ``cores`` a bar for each CPU in the place of the one;
    below them history graphs of ``graph`` lines."""
    lines = [load_line(frame, width), tasks_line(frame)]
    lines += core_lines(frame, width) if cores else [cpu_line(frame, width)]
    lines += [memory_line(frame, width), swap_line(frame, width)]
    if graph:
        lines += graph_lines(frame, width, graph)
    return lines


def load_line(frame: Frame, width: int) -> Line:
    """Uptime, users, the three averages and what they mean here."""
    machine = frame.machine
    one, five, fifteen = machine.load
    style, verdict = judged_load(one, machine.cores.effective)
    users = f"{machine.users} {'user' if machine.users == 1 else 'users'}"
    line: Line = [
        ("label", " up    "),
        ("", f"{up(machine.uptime)[3:].strip()}"),
        ("dim", f"   {users}   load " if width >= _ROOMY else "   load "),
        (style, f"{one:.2f}"),
        ("dim", f" {five:.2f} {fifteen:.2f}"),
    ]
    room = width - length(line) - 3
    return [*line, (style if style == "bad" else "dim", f"   {verdict}"[: room + 3])] if room > 12 else line


def judged_load(load: float, cores: float) -> tuple[str, str]:
    """A style, and in words what this load is for so many cores."""
    has = f"{cores:g} {'core' if cores == 1 else 'cores'}"
    share = load / cores if cores else 0.0
    if share <= 0.7:
        return "good", f"{100 * share:.0f} % of {has}: room for more"
    if share <= 1.1:
        return "warn", f"{100 * share:.0f} % of {has}: in full use"
    return "bad", f"{share:.1f} for each of {has}: work waits"


def tasks_line(frame: Frame) -> Line:
    """How many are in which state; a state that means trouble is marked when somebody is in it."""
    tasks = frame.tasks
    line: Line = [
        ("label", " tasks "),
        ("", f"{tasks.total:,}"),
        ("dim", " threads" if frame.threads else ""),
        ("dim", "  running "),
        ("good" if tasks.running else "", f"{tasks.running}"),
        ("dim", "  sleeping "),
        ("", f"{tasks.sleeping:,}"),
    ]
    if tasks.deaf:
        line += [("dim", "  waiting for I/O "), ("warn", f"{tasks.deaf}")]
    line += [("dim", "  stopped "), ("warn" if tasks.stopped else "", f"{tasks.stopped}")]
    line += [("dim", "  zombie "), ("bad" if tasks.zombie else "", f"{tasks.zombie}")]
    return line


def cpu_line(frame: Frame, width: int) -> Line:
    """A bar of what the CPUs did, the eight figures of top, and their past where there is room."""
    shares = frame.cpu
    figures: Line = []
    for style, name in _CPU_NAMES:
        value = 100 * getattr(shares, name)
        figures += [
            (style if value >= 0.05 and name != "id" else "dim", f" {value:4.1f}"),
            ("dim", f" {name}"),
        ]
    meter = Meter("cpu", cpu_parts(shares), f"{100 * shares.busy:6.1f} %", figures)
    return _metered(meter, [busy for busy, _ in frame.history], width)


_CPU_NAMES = (
    ("user", "us"), ("system", "sy"), ("nice", "ni"), ("dim", "id"),
    ("wait", "wa"), ("system", "hi"), ("system", "si"), ("steal", "st"),
)  # fmt: skip


def cpu_parts(shares: CpuShares) -> list[tuple[str, float]]:
    """What a bar shows, from the left."""
    return [
        ("user", shares.us),
        ("nice", shares.ni),
        ("system", shares.sy + shares.hi + shares.si),
        ("steal", shares.st),
        ("wait", shares.wa),
    ]


def core_lines(frame: Frame, width: int) -> list[Line]:
    """Bars side by side, as many to a line as there is room for."""
    cells = sorted(frame.cores.items())
    per_line = max(1, min((width - 1) // 26, len(cells)))
    room = (width - 1) // per_line
    lines: list[Line] = []
    for start in range(0, len(cells), per_line):
        line: Line = []
        for number, shares in cells[start : start + per_line]:
            line += [("label", f" {f'cpu{number}':<6}")]
            line += bar(cpu_parts(shares), room - 17)
            line += [("", f"{100 * shares.busy:6.1f} %"), ("", "  ")]
        lines.append(line)
    return lines


def memory_line(frame: Frame, width: int) -> Line:
    """In use, by programs and by the cache that gives way."""
    memory = frame.machine.memory
    total = memory.total or 1
    cache = max(0, memory.buffers + memory.cached - memory.shared)
    parts = [("mem", memory.used / total), ("cache", min(cache, memory.available) / total)]
    share = memory.used / total
    style = "bad" if share > 0.95 else "warn" if share > 0.85 else ""
    figures: Line = [
        (style, f" {gib(memory.used)}"), ("dim", f" of {gib(memory.total)}  avail "),
        ("", gib(memory.available)), ("dim", "  free "), ("", gib(memory.free)),
        ("dim", "  cache "), ("", gib(memory.buffers + memory.cached)),
    ]  # fmt: skip
    meter = Meter("mem", parts, f"{100 * share:6.1f} %", figures)
    return _metered(meter, [used for _, used in frame.history], width)


def swap_line(frame: Frame, width: int) -> Line:
    """In use, or that there is none; and pressure, where the kernel tells."""
    memory, machine = frame.machine.memory, frame.machine
    figures: Line = []
    if memory.swap_total:
        share = memory.swap_used / memory.swap_total
        figures += [("", f" {gib(memory.swap_used)}"), ("dim", f" of {gib(memory.swap_total)}")]
        value = f"{100 * share:6.1f} %"
    else:
        share, value = 0.0, "    none"
        figures.append(("dim", " none" if width < _ROOMY else ""))
    stalls = [
        ("cpu", machine.cpu_pressure),
        ("memory", machine.memory_pressure),
        ("I/O", machine.io_pressure),
    ]
    told = [(name, each.some.avg10) for name, each in stalls if each is not None]
    if told:
        figures.append(("dim", "   waiting for"))
        for name, figure in told:
            style = "bad" if figure > 40 else "warn" if figure > 10 else ""
            figures += [("dim", f" {name} "), (style, f"{figure:.0f} %")]
    return _metered(Meter("swap", [("warn", share)], value, figures), [], width)


def _metered(meter: Meter, past: list[float], width: int) -> Line:
    """Label, bar, value, figures, and the past where there is room.  A narrow line does without the value."""
    label = f" {meter.label:6}"
    value = meter.value if width >= _ROOMY else ""
    room = width - len(label) - len(value) - _WIDEST - 2
    size = max(6, min(_BAR, room))
    line: Line = [("label", label), *bar(meter.parts, size), ("", value), *meter.figures]
    room -= size + 4
    if past and room >= 8:
        line.append(("", " " * max(0, width - length(line) - room - 1)))
        line.append((meter.parts[0][0], sparkline(past, room)))
    return line


_WIDEST = 64  # the figures of the cpu line
_ROOMY = 94
_BAR = 24


def gib(count: float) -> str:
    """Bytes in the unit that suits them, powers of 1024: ``1.7 GiB``, ``812 MiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1000:
            return f"{count:.1f} {unit}" if count < 10 and unit != "B" else f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def length(line: Line) -> int:
    """Characters; each takes one cell here."""
    return sum(len(text) for _, text in line)


def status_line(frame: Frame | None, words: str, width: int, *, per_core: bool) -> Line:
    """Between header and list: what CPU% is, what the list leaves out (``words``), and what we cost."""
    if frame is None:
        return []
    left: Line = [("dim", " %CPU: "), ("", "100 = one core" if per_core else "100 = the machine")]
    if frame.first:
        left.append(("warn", ", averages over whole lives so far"))
    if words:
        left.append(("head", f"   {words}"))
    cost = frame.cost
    right: Line = []
    if cost is not None:
        right = [
            ("dim", f"pn top: {1000 * cost.seconds:.0f} ms a refresh, {100 * cost.cores:.1f} % of a core ")
        ]
    gap = width - length(left) - length(right)
    return [*left, ("", " " * gap), *right] if gap >= 1 else left
