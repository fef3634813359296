"""Columns that were asked for by name: -o, -O, $PS_FORMAT; and sort keys."""

from __future__ import annotations

from procession.cli.ps_request import Improper
from procession.table.columns import column
from procession.table.layout import Slot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.cli.ps_request import Request
    from procession.table.columns.base import Column

_MACROS = {
    "DefBSD": "pid,tname,stat,bsdtime,args",
    "DefSysV": "pid,tname,time,cmd",
    "END_BSD": "state,tname,cputime,comm",
    "END_SYS5": "state,tname,time,command",
}
_AIX = {
    "C": "pcpu", "G": "group", "P": "ppid", "U": "user", "a": "args", "c": "comm", "g": "rgroup", "n": "nice",
    "p": "pid", "r": "pgid", "t": "etime", "u": "ruser", "x": "time", "y": "tty", "z": "vsz",
}  # fmt: skip
_AIX_HEADINGS = {"y": "TTY"}  # where they differ from the column's own
_SHORT_KEYS = {
    "C": "pcpu", "G": "tpgid", "J": "cstime", "M": "maj_flt", "N": "cmaj_flt", "P": "ppid", "R": "resident",
    "S": "share", "T": "start_time", "U": "uid", "c": "cmd", "f": "flags", "g": "pgrp", "j": "cutime", "k": "utime",
    "m": "min_flt", "n": "cmin_flt", "o": "session", "p": "pid", "r": "rss", "s": "size", "t": "tty", "u": "user",
    "v": "vsize", "y": "priority",
}  # fmt: skip

_NAMES = "pn ps L prints all names"

Key = tuple["Column", bool]


class Own:
    """The user's own columns and sort keys (True: descending), in the order of the options."""

    def __init__(self, request: Request) -> None:
        self.slots: list[Slot] = []
        self.keys: list[Key] = []
        self._sorted = False
        self._sorts_elsewhere = any(kind == "sort" for kind, _ in request.own)
        for kind, text in request.own:
            if kind == "sort":
                self._sort(sort_keys(text))
            elif kind in ("-o", "o"):
                self.slots += slots(text)
            elif kind == "-O":
                if self.slots:
                    raise Improper("-O cannot follow other options of columns")
                self.slots = wrapped(text, "END_SYS5")
            else:
                self._either(text, request)

    def _sort(self, keys: list[Key]) -> None:
        if self._sorted:
            raise Improper("only one option to sort may be given")
        self._sorted = True
        self.keys = keys

    def _either(self, text: str, request: Request) -> None:
        """O: short sort keys if it can be that, else columns."""
        keys = None if self._sorted or self._sorts_elsewhere else short_keys(text, bool(request.tree))
        if keys is not None:
            self._sort(keys)
        elif self.slots:
            raise Improper("O is neither the first list of columns nor an order")
        else:
            self.slots = wrapped(text, "END_BSD")


def wrapped(text: str, end: str) -> list[Slot]:
    """Columns between the pid and the usual ones."""
    return [slot("pid"), *slots(text), *slots(_MACROS[end])]


def slot(name: str, heading: str | None = None, width: int | None = None) -> Slot:
    """One column.  Raises Improper."""
    found = column(name)
    if found is None:
        raise Improper(f"there is no column {name!r}", _NAMES)
    return slot_of(found, heading, width)


def slot_of(found: Column, heading: str | None = None, width: int | None = None) -> Slot:
    """As wide as its own heading needs for pids, and as a heading that was given needs for any."""
    wide = max(_pid_width(), len(found.heading)) if found.pid else found.width
    if heading is not None:
        wide = max(wide, len(heading))
    return Slot(found, found.heading if heading is None else heading, width or wide)


def slots(text: str) -> list[Slot]:
    """``pid,user:20,comm=NAME``, or the codes of AIX: ``%p %U``.  Raises Improper."""
    try:
        return _named(text)
    except Improper:
        words = text.replace(",", " ").split(" ")
        if "%" not in text or words[0] in ("%cpu", "%mem") or text.startswith("%m"):
            raise
    return _aix(text)


def _named(text: str) -> list[Slot]:
    found: list[Slot] = []
    for item in _items(text, "columns"):
        left, equals, heading = item.partition("=")
        name, colon, digits = left.partition(":")
        if colon and not (digits.isascii() and digits.isdecimal() and digits[0] != "0"):
            raise Improper(f"the width of a column must be a number above 0, not {digits!r}")
        given = heading if equals else None
        if column(name) is None and name in _MACROS:
            if colon:
                raise Improper(f"{name} stands for several columns: it has no width")
            found += [slot(each, given) for each in _MACROS[name].split(",")]
        else:
            found.append(slot(name, given, int(digits) if colon else None))
    return found


def _items(text: str, of_what: str) -> list[str]:
    for separator in "\t\n ":
        text = text.replace(separator, ",")
    found = text.split(",")
    if found[-1] == "":
        found.pop()
    if not found or not all(found):
        raise Improper(f"improper list of {of_what} {text!r}")
    return found


def _aix(text: str) -> list[Slot]:
    if text[0] not in "% ":
        raise Improper(f"{text!r} is no list of columns")
    found: list[Slot] = []
    at = 0
    while at < len(text):
        if text[at] == "%":
            code = text[at + 1 : at + 2]
            if code not in _AIX:
                raise Improper(f"there is no column %{code}")
            one = slot(_AIX[code])
            found.append(slot(_AIX[code], _AIX_HEADINGS.get(code, one.heading)))
            at += 2
        else:
            end = text.find("%", at) % (len(text) + 1)
            found.append(Slot(None, text[at:end], end - at))
            at = end
    if found[-1].column is not None:
        found.append(Slot(None, "", 0))  # so it ends with all of its width, as in ps
    return found


def sort_keys(text: str) -> list[Key]:
    """``-rss,+pid``.  Raises Improper."""
    found: list[Key] = []
    for item in _items(text, "sort keys"):
        name = item[1:] if item[0] in "+-" else item
        by = column(name)
        if by is None:
            raise Improper(f"there is no column {name!r} to sort by", _NAMES)
        found.append((by, item[0] == "-"))
    return found


def short_keys(text: str, is_tree: bool) -> list[Key] | None:
    """One letter each, "-" before a letter turns it round; None for what is no such list."""
    found: list[Key] = []
    descending = signed = False
    for letter in text:
        if letter in "+-":
            if signed:
                return None
            descending, signed = letter == "-", True
            continue
        by = column(_SHORT_KEYS.get(letter, ""))
        if by is None or any(by is each for each, _ in found) or (letter == "P" and is_tree):
            return None
        found.append((by, descending))
        descending = signed = False
    return None if signed else found


def _pid_width() -> int:
    """Digits of the largest pid (proc_sys_kernel(5), pid_max)."""
    global _known_pid_width
    if not _known_pid_width:
        _known_pid_width = 5
        try:
            with open("/proc/sys/kernel/pid_max", encoding="ascii") as file:
                _known_pid_width = max(5, len(str(int(file.read()) - 1)))
        except (OSError, ValueError):
            pass
    return _known_pid_width


_known_pid_width = 0
