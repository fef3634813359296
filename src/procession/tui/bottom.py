"""The first and the last line of the screen, and what a click on them does."""

from __future__ import annotations

import os
import time

from procession.table.board.keys import BOTTOM, KEYS
from procession.table.meters import length
from procession.tui.tabs import NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.meters import Line
    from procession.tui.screen import TopScreen

_CHANGES = {key.act for key in KEYS if key.changes}
_TABS = tuple(f" {name} " for name in ("Processes", *NAMES))


def title_line(screen: TopScreen, width: int) -> Line:
    """Tabs, whether the screen holds still or may change nothing, machine, time of the frame."""
    frame = screen.frame
    line: Line = [("button", " ")]
    for number, name in enumerate(_TABS):
        line.append(("tab" if number == screen.tab else "button", name))
    if screen.paused:
        line.append(("chosen", "  held still: Z goes on"))
    if screen.readonly:
        line.append(("chosen", "  read-only"))
    if screen.rows.tags and not screen.tab:
        line.append(("chosen", f"  {len(screen.rows.tags)} tagged"))
    if frame is None:
        return line
    clock = time.strftime("%H:%M:%S", time.localtime(frame.machine.wall))
    right: Line = [("button", f"every {screen.delay:g} s   " if screen.delay else "")]
    right += [("button", f"{screen.host}   "), ("heading", f"{clock} ")]
    gap = width - length(line) - length(right)
    return [*line, ("button", " " * gap), *right] if gap > 0 else line


def bottom_line(width: int, *, readonly: bool) -> Line:
    """Function keys, as htop(1) has them."""
    line: Line = []
    for key, word, act in BOTTOM:
        off = readonly and act in _CHANGES
        line += [("key", key), ("dim" if off else "button", word), ("button", " ")]
    more: Line = [("key", "?"), ("button", "Keys "), ("key", "w"), ("button", "Words")]
    return [*line, *more] if length(line) + length(more) <= width else line


def act_at(where: str, x: int, *, readonly: bool) -> str:
    """The act of what is clicked; "" for nothing."""
    if where == "header":
        return "words"
    if where != "bottom":
        return ""
    start = 0
    for key, word, act in (*BOTTOM, ("?", "Keys", "help"), ("w", "Words", "words")):
        end = start + len(key) + len(word) + 1
        if start <= x < end:
            return "" if readonly and act in _CHANGES else act
        start = end
    return ""


def tab_at(x: int) -> int | None:
    """The tab whose name is clicked."""
    start = 1
    for number, name in enumerate(_TABS):
        if start <= x < start + len(name):
            return number
        start += len(name)
    return None


def host_name() -> str:
    """Of the machine."""
    return os.uname().nodename
