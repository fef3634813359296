"""What ``pn top`` does to processes: signals and nice values, and what became of it in a line."""

from __future__ import annotations

import os

from procession.table.priority import Nice, renice
from procession.table.sending import Delivery
from procession.table.signals import NUMBERS, full_name
from procession.table.snapshot import snapshot
from procession.table.spared import spared
from procession.units import number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procession.table.board.frame import Frame
    from procession.table.record import ProcessRecord
    from procession.table.source import Source

#: those that a person sends, the usual one first; then all others by their numbers
_USUAL = {
    "TERM": "ask it to end",
    "KILL": "end it at once; it cannot clean up",
    "INT": "as Ctrl-C does",
    "QUIT": "as Ctrl-\\ does: end, with a core dump",
    "HUP": "terminal gone; many servers read their settings again",
    "STOP": "suspend it; it cannot refuse",
    "CONT": "let it go on",
    "USR1": "of the program's own meaning",
    "USR2": "of the program's own meaning",
}


def signals() -> list[tuple[int, str, str]]:
    """Number, name and what it is for."""
    first = [(NUMBERS[name], name, about) for name, about in _USUAL.items() if name in NUMBERS]
    return first + [(figure, name, "") for name, figure in NUMBERS.items() if name not in _USUAL]


def warning(targets: Sequence[ProcessRecord], frame: Frame) -> str:
    """What is to be said before a signal goes to these; "" mostly."""
    # Of all processes: the frame may be of a few only.
    dear = spared(snapshot(source=frame.snapshot.source), os.getpid())
    return "; ".join(f"pid {one.pid} {dear[one.pid]}" for one in targets if one.pid in dear)


def deliver(delivery: Delivery, figure: int) -> tuple[bool, str]:
    """Send it to all that are held; whether it went well, and in a line what became of it."""
    delivery.send(figure)
    failed = [f"pid {each.record.pid} {each.failed}" for each in delivery.sent if each.failed]
    if failed:
        return False, _first(failed)
    remarks = [f"pid {each.record.pid} {each.remark}" for each in delivery.sent if each.remark]
    who = _who([each.record for each in delivery.sent])
    return True, f"{full_name(figure)} sent to {who}" + (f"; {_first(remarks)}" if remarks else "")


def set_nice(targets: Sequence[ProcessRecord], nice: Nice, source: Source) -> tuple[bool, str]:
    """The same of another nice value."""
    failed = [f"pid {one.pid} {words}" for one in targets if (words := renice(one, nice, source))]
    if failed:
        return False, _first(failed)
    return True, f"nice {nice.of(targets[0].nice)} for {_who(targets)}"


def _who(records: Sequence[ProcessRecord]) -> str:
    return f"pid {records[0].pid}" if len(records) == 1 else number(len(records), "process", "processes")


def _first(words: list[str]) -> str:
    return words[0] + (f"; and {len(words) - 1} more" if len(words) > 1 else "")
