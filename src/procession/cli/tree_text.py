"""``pn tree`` for people: columns, then the command behind its branches."""

from __future__ import annotations

import os
import sys

from procession.cells import cells, cut
from procession.table.board.formats import printable
from procession.table.marks import marks_of
from procession.units import number, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from procession.table.family import Branch
    from procession.table.snapshot import Snapshot

_RED, _PLAIN = "\x1b[31m", "\x1b[0m"


def show(table: Snapshot, found: Iterable[Branch], names: Mapping[int, str]) -> None:
    """To stdout; lines are cut at the edge of a terminal, and nowhere else.  ``names``: of jobs, by pid."""
    width = os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else 0
    colour = bool(width) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    print(f"{'PID':>7} S {'AGE':>6} {'MEMORY':>7} {'BRANCH':>7}  COMMAND")
    for branch in found:
        name = names.get(branch.process.pid, "")
        print(_line(table, branch, width, name if not name.startswith("in ") else "", colour=colour))


def age(seconds: float) -> str:
    """In the largest unit that makes a number above 1: ``42 s``, ``7 min``, ``5 h``, ``12 d``."""
    for length, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _line(table: Snapshot, branch: Branch, width: int, name: str, *, colour: bool) -> str:
    one = branch.process
    memory = [size(count) if count is not None else "?" for count in (branch.own, branch.memory)]
    if branch.count == 1:
        memory[1] = ""  # the same
    left = f"{one.pid:>7} {one.state} {age(table.age(one)):>6} {memory[0]:>7} {memory[1]:>7}  "
    command = printable(f"[{name}] {one.command}" if name else one.command)
    below = f" (+{number(branch.hidden, 'process', 'processes')} below)" if branch.hidden else ""
    mark = "".join(f"  ← {each}" for each in marks_of(table, one)) + below
    text = f"{branch.drawn}{command}"
    if width:
        room = max(8, width - len(left) - cells(mark))
        text = cut(text, room)
        mark = cut(mark, max(0, width - len(left) - cells(text)))
    return f"{left}{text}{_RED if colour and mark else ''}{mark}{_PLAIN if colour and mark else ''}".rstrip(
        " "
    )
