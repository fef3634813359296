"""The lists of options: pids, users, groups, terminals, names; separated by commas or blanks."""

from __future__ import annotations

import os

from procession.cli.ps_request import Improper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_PID_MAX = 0x7FFFFFFF
_NOBODY = 0xFFFFFFFF  # of an unknown user or group when everything but a list is wanted


def items(text: str) -> list[str]:
    """Raises Improper for an empty one between two separators."""
    found = text.replace("\t", ",").replace(" ", ",").split(",")
    if not all(found):
        raise Improper(f"improper list {text!r}")
    return found


def pids(text: str) -> list[int]:
    """Also of sessions and groups.  Raises Improper."""
    return [pid(item) for item in items(text)]


def pid(item: str) -> int:
    """Raises Improper."""
    number = _number(item)
    if number is None:
        raise Improper(f"{item!r} is not a process ID")
    if not 0 < number <= _PID_MAX:
        raise Improper(f"process ID {item} is out of range")
    return number


def users(text: str, lenient: bool = False) -> list[int]:
    """Names and numbers.  ``lenient``: one who does not exist has no processes.  Raises Improper."""
    from procession.table.users import user_id

    return [_id(item, user_id, "user", lenient) for item in items(text)]


def groups(text: str, lenient: bool = False) -> list[int]:
    """Names and numbers.  Raises Improper."""
    from procession.table.users import group_id

    return [_id(item, group_id, "group", lenient) for item in items(text)]


def terminals(text: str) -> list[int]:
    """Their device numbers; 0 for "-" and "?", which stand for none.  Raises Improper."""
    return [_terminal(item) for item in items(text)]


def names(text: str) -> list[bytes]:
    """Short names of commands, cut where the kernel cuts them."""
    return [os.fsencode(item)[:15] for item in items(text)]


def _id(item: str, find: Callable[[str], int | None], kind: str, lenient: bool) -> int:
    number = _number(item)
    if number is None:
        number = find(item)
    if number is None and lenient:
        return _NOBODY
    if number is None:
        raise Improper(f"there is no {kind} {item!r}")
    if number >= _NOBODY and not lenient:
        raise Improper(f"{kind} ID {item} is out of range")
    return number


def _number(item: str) -> int | None:
    """Decimal, or as C has it: 0x1f, 017."""
    try:
        octal = len(item) > 1 and item[0] == "0" and item.isdecimal()
        return int(item, 8) if octal else int(item, 0) if item[:1].isdecimal() and item.isascii() else None
    except ValueError:
        return None


def _terminal(item: str) -> int:
    from procession.table.ttys import tty_number

    if item.startswith("/"):
        places: tuple[str, ...] = (item,)
    else:
        places = (f"/dev/pts/{item}", f"/dev/{item}", f"/dev/tty{item}", f"/dev/{item}nsole")
    for place in places:
        number = tty_number(place)
        if number is not None:
            return number
    if item in ("-", "?"):
        return 0
    raise Improper(f"there is no terminal {item!r}")
