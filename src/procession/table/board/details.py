"""Everything about one process, a page for each kind of thing.

A page is made of a record and the frame that it is of; what it needs beyond them is read while it is made, and
only then.  What is not ours to read is said to be so.
"""

from __future__ import annotations

import time

from procession import units
from procession.table.board.columns import shown_command
from procession.table.board.formats import cpu_time, printable
from procession.table.meters import gib
from procession.table.meters_bars import bar
from procession.table.record import TICKS
from procession.table.segments import ABOUT, by_kind, read_mappings
from procession.table.ttys import tty_name
from procession.table.users import group_name, user_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.table.board.frame import Frame
    from procession.table.meters import Line
    from procession.table.record import ProcessRecord
    from procession.table.segments import Segment

_STATES = {
    "R": ("good", "running, or waiting for a CPU"),
    "S": ("", "asleep until something happens"),
    "D": ("warn", "asleep in the kernel, deaf to signals: mostly storage"),
    "T": ("warn", "suspended by a signal: CONT lets it go on"),
    "t": ("warn", "held by a debugger"),
    "Z": ("bad", "ended; its parent has not collected its exit yet"),
    "I": ("dim", "idle kernel thread"),
    "X": ("bad", "dead"),
}
_POLICIES = {0: "other", 1: "fifo", 2: "rr", 3: "batch", 5: "idle", 6: "deadline", 7: "ext"}


def overview(one: ProcessRecord, frame: Frame, width: int) -> list[Line]:
    """What and whose it is, what it does, what it takes."""
    style, about = _STATES.get(one.state, ("", ""))
    parent = frame.snapshot.by_pid.get(one.ppid)
    uids, gids = one.uids, one.gids
    owner = f"{user_name(uids[0])} ({uids[0]})"
    if uids[1] != uids[0]:
        owner += f", acts as {user_name(uids[1])} ({uids[1]})"
    wait = one.wchan
    rows: list[tuple[str, str, str]] = [
        ("state", style, f"{one.state}  {about}" + (f", in {printable(wait)}" if wait else "")),
        ("parent", "", f"{one.ppid} {shown_command(parent, whole=False) if parent else ''}"),
        ("user", "", f"{owner}   group {group_name(gids[0])}"),
        ("started", "", f"{_when(one.created)}, {units.seconds(frame.snapshot.age(one))} ago"),
        ("CPU", "", (f"{100 * frame.usage.get(one.tid, 0.0):.1f} % of a core now, {cpu_time(one.cpu_ticks)} in all "
         f"({one.utime / TICKS:.1f} s user, {one.stime / TICKS:.1f} s system), last on cpu{one.processor}")),
        ("priority", "", f"nice {one.nice}, {one.priority} in the kernel, {_POLICIES.get(one.policy, one.policy)}"),
        ("memory", "", (f"{gib(one.rss)} in memory, {gib(one.vsize)} of address space, "
         f"{gib(1024 * one.status_kilobytes(b'VmSwap'))} in swap")),
        ("threads", "", f"{one.num_threads}"),
        ("faults", "", f"{one.minflt:,} without, {one.majflt:,} with waiting for storage"),
        ("terminal", "", tty_name(one.tty_nr) or "none"),
        ("group", "", f"{one.pgrp}, session {one.session}"),
        ("storage", "", _io(one)),
        ("program", "", _link(one, "exe")),
        ("folder", "", _link(one, "cwd")),
        ("root", "", _link(one, "root")),
        ("cgroup", "", printable(one.cgroup) or "unknown"),
    ]  # fmt: skip
    lines = [_row(name, value, how) for name, how, value in rows]
    return [*lines, [], [("label", " command")], *_wrapped(printable(one.command), width)]


def memory(one: ProcessRecord, _frame: Frame, width: int) -> list[Line]:
    """By segment, then the largest mappings."""
    found = read_mappings(one)
    if found is None:
        return [_none(one, "maps", "no memory of its own: a kernel thread, or it has ended")]
    mappings, measured = found
    segments = by_kind(mappings)
    most = max([each.pss if measured else each.size for each in segments] + [1])
    lines: list[Line] = [[("label", (f" {'segment':10}{'size':>10}{'in memory':>11}{'its part':>10}{'its alone':>11}"
                           f"{'swap':>9}"))]]  # fmt: skip
    for each in segments:
        figures = (each.rss, each.pss, each.private, each.swap)
        cells = [gib(figure) if measured else "-" for figure in figures]
        line: Line = [
            ("", f" {each.kind:10}"), ("dim", f"{gib(each.size):>10}"), ("", f"{cells[0]:>11}{cells[1]:>10}"),
            ("", f"{cells[2]:>11}"), ("dim", f"{cells[3]:>9}  "),
        ]  # fmt: skip
        room = width - 64
        if room >= 12:
            line += bar([("mem", (each.pss if measured else each.size) / most)], min(20, room))
        lines.append(line)
    lines += [_sum(segments, measured), []]
    lines += [[("dim", f" {each.kind:10}{ABOUT[each.kind]}")] for each in segments]
    lines += [[], [("label", " largest mappings")]]
    for mapping in sorted(mappings, key=lambda each: -(each.rss if measured else each.size))[:20]:
        lines.append([
            ("dim", f" {mapping.start:012x} {mapping.permissions} "),
            ("", f"{gib(mapping.rss) if measured else '-':>10}"), ("dim", f"{gib(mapping.size):>10}  "),
            ("", printable(mapping.path) or "anonymous"),
        ])  # fmt: skip
    return lines


def _sum(segments: list[Segment], measured: bool) -> Line:
    def total(name: str) -> str:
        return gib(sum(getattr(each, name) for each in segments)) if measured or name == "size" else "-"

    return [
        ("head", (f" {'all':10}{total('size'):>10}{total('rss'):>11}{total('pss'):>10}{total('private'):>11}"
         f"{total('swap'):>9}")),
    ]  # fmt: skip


def environment(one: ProcessRecord, _frame: Frame, width: int) -> list[Line]:
    """As it was at the start."""
    pairs = one.environ
    if not pairs:
        return [_none(one, "environ", "none: a kernel thread, or the program has none")]
    lines: list[Line] = [
        [("dim", " as it was when the program began; later changes are not seen from outside")],
        [],
    ]
    for name in sorted(pairs):
        value = _wrapped(printable(pairs[name]), width - len(name) - 3)
        lines.append([("label", f" {printable(name)}"), ("dim", "="), *value[0][1:]])
        lines += [[("", " " * (len(name) + 1)), *more] for more in value[1:]]
    return lines


def limits(one: ProcessRecord, _frame: Frame, width: int) -> list[Line]:
    """getrlimit(2)."""
    data = one.read("limits")
    if not data:
        return [_none(one, "limits", "it has ended")]
    lines: list[Line] = []
    for number, text in enumerate(data.decode("ascii", "replace").splitlines()):
        style = "label" if number == 0 else "dim" if "unlimited" in text.split("  ")[1:2] else ""
        lines.append([(style, f" {text[:width]}")])
    return lines


def threads(one: ProcessRecord, frame: Frame, _width: int) -> list[Line]:
    """Each, and what it has used."""
    from procession.table.snapshot import snapshot

    rows = snapshot(pids=[one.pid], threads=True, source=frame.snapshot.source).records
    if not rows:
        return [[("bad", " it has ended")]]
    lines: list[Line] = [
        [("label", f" {'TID':>8}  S {'CPU time':>10}  {'on':>4}  {'NI':>3}  {'name':16}  waits in")]
    ]
    for each in rows:
        style, _ = _STATES.get(each.state, ("", ""))
        lines.append([
            ("", f" {each.tid:>8}  "), (style, each.state), ("", f" {cpu_time(each.cpu_ticks):>10}  "),
            ("dim", f"{each.processor:>4}  {each.nice:>3}  "), ("", f"{printable(each.comm):16}  "),
            ("dim", printable(each.wchan)),
        ])  # fmt: skip
    return lines


def tree(one: ProcessRecord, frame: Frame, width: int) -> list[Line]:
    """Its ancestors, itself, all that is below it."""
    from procession.table.board.tree import in_tree_order

    table = frame.snapshot
    rows = [*reversed(table.ancestors(one.pid)), one, *table.descendants(one.pid)]
    ordered, branches, _ = in_tree_order(rows)
    lines: list[Line] = []
    for each in ordered:
        itself = each.pid == one.pid
        style, _ = _STATES.get(each.state, ("", ""))
        lines.append([
            ("head" if itself else "dim", f" {each.pid:>8} "), (style or "dim", f"{each.state} "),
            ("dim", f"{user_name(each.uid):8.8} {branches[each.tid]}"),
            ("head" if itself else "", shown_command(each, whole=True)[:width]),
        ])  # fmt: skip
    return lines


# ── pieces ────────────────────────────────────────────────────────────────────────────────────────


def _row(name: str, value: str, style: str = "") -> Line:
    return [("label", f" {name:10}"), (style, value)]


def _none(one: ProcessRecord, name: str, otherwise: str) -> Line:
    if one.refused(name):
        return [("warn", f" {name} of pid {one.pid} is not ours to read: its owner and root may")]
    return [("dim", f" {otherwise}")]


def _when(created: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(created))


def _io(one: ProcessRecord) -> str:
    io = one.io
    if not io:
        return "not ours to know"
    return f"{gib(io.get('read_bytes', 0))} read, {gib(io.get('write_bytes', 0))} written in all"


def _link(one: ProcessRecord, name: str) -> str:
    target = one.link(name)
    return printable(target) if target is not None else "unknown: not ours to read, or a kernel thread"


def _wrapped(text: str, width: int) -> list[Line]:
    """Cut anywhere: a command line has no good places."""
    width = max(20, width - 2)
    return [[("", " "), ("", text[at : at + width])] for at in range(0, max(1, len(text)), width)]


PAGES: dict[str, Callable[[ProcessRecord, Frame, int], list[Line]]] = {
    "overview": overview,
    "memory": memory,
    "environment": environment,
    "limits": limits,
    "threads": threads,
    "tree": tree,
}
