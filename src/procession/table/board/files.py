"""Two more pages about one process: what it has open and who is at the other end, and its signals."""

from __future__ import annotations

import signal

from procession.table.board.columns import shown_command
from procession.table.board.formats import printable
from procession.table.descriptors import descriptors_of
from procession.table.holders import Holders
from procession.table.syscalls import current_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.board.frame import Frame
    from procession.table.descriptors import Descriptor
    from procession.table.holders import Holder
    from procession.table.meters import Line
    from procession.table.record import ProcessRecord

_TALKS = ("pipe", "socket", "terminal", "pty")


def open_files(one: ProcessRecord, frame: Frame, _width: int) -> list[Line]:
    """Each descriptor; of a pipe, a socket or a terminal those who hold the other end."""
    source = frame.snapshot.source
    found = descriptors_of(source, one.pid)
    if found is None:
        return [[("warn", f" the open files of pid {one.pid} are not ours to see: its owner and root may")]]
    holders = Holders(source)
    lines: list[Line] = [[("label", f" {'FD':>4}  {'mode':4}  what, and who is at the other end")]]
    for each in found:
        words = printable(each.words(holders.socket(each)))
        gone = each.kind == "file" and each.link.endswith(" (deleted)")
        lines.append([
            ("", f" {each.fd:>4}  "), ("dim", f"{each.mode:4}  "), ("warn" if gone else "", words),
            ("dim", _where(each)),
        ])  # fmt: skip
        if each.kind in _TALKS:
            ends = _ends(holders, each)
            if not ends and each.kind == "pipe":
                lines.append([("dim", "               ⇄ nobody whom we can see")])
            lines += [_other(holder.pid, holder.fd, one, frame) for holder in ends]
    if not found:
        lines = [[("dim", " nothing is open")]]
    if holders.refused:
        lines += [
            [],
            [
                (
                    "dim",
                    f" {len(holders.refused)} processes are not ours to look into: they may hold an end too",
                )
            ],
        ]
    return lines


def _where(each: Descriptor) -> str:
    return f"   at {each.position:,}" if each.kind == "file" and each.position else ""


def _ends(holders: Holders, each: Descriptor) -> list[Holder]:
    seen: dict[int, Holder] = {}
    for holder in holders.other_end(each):
        seen.setdefault(holder.pid, holder)
    return list(seen.values())[:8]


def _other(pid: int, fd: int, one: ProcessRecord, frame: Frame) -> Line:
    who = frame.snapshot.by_pid.get(pid)
    name = (
        "itself" if pid == one.pid else shown_command(who, whole=True) if who is not None else "a new process"
    )
    return [("dim", "               ⇄ "), ("mem", f"{pid} "), ("", name[:80]), ("dim", f" (fd {fd})")]


_MASKS = (
    (b"SigPnd", "pending", "sent to the thread and not yet taken"),
    (b"ShdPnd", "pending", "sent to the process and not yet taken"),
    (b"SigBlk", "blocked", "held back until it unblocks them"),
    (b"SigIgn", "ignored", "thrown away when they come"),
    (b"SigCgt", "caught", "a function of the program is called"),
)


def signals(one: ProcessRecord, frame: Frame, width: int) -> list[Line]:
    """Its masks in names, what it waits in, and the system call where that may be read."""
    import textwrap

    if not one.status:
        return [[("bad", " it has ended")]]
    lines: list[Line] = []
    for field, name, about in _MASKS:
        names = signal_names(one.status_mask(field))
        lines.append([("label", f" {name:9}"), ("dim", about)])
        wrapped = textwrap.wrap(" ".join(names), max(20, width - 12)) or ["none"]
        lines += [[("" if names else "dim", f"          {part}")] for part in wrapped]
    lines += [
        [],
        [("label", f" {'waits in':9}"), ("", printable(one.wchan) or "nothing, or not ours to know")],
    ]
    call = current_call(frame.snapshot.source, one.pid, one.tid)
    if call is not None:
        meaning = f": {call.meaning}" if call.meaning else ""
        lines.append([("label", f" {'call':9}"), ("", f"{call.name or 'none'}{meaning}"[:width])])
    return lines


def signal_names(mask: int) -> list[str]:
    """Of the bits of a mask, without SIG."""
    names = []
    for number in range(1, 65):
        if mask >> (number - 1) & 1:
            try:
                names.append(signal.Signals(number).name.removeprefix("SIG"))
            except ValueError:
                names.append(f"RTMIN+{number - 34}" if number >= 34 else str(number))
    return names
