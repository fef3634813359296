"""Signals by name and number, in every spelling that kill(1), pkill(1) and the shells take.

Numbers differ between architectures (signal(7)), so they come from the C library's own through ``_signal``,
the C half of the module ``signal`` (which itself would load enum, 3 ms).  Real-time signals are RTMIN, RTMIN+n,
RTMAX-n and RTMAX; RTMIN is the C library's (34), which keeps the two below it for its threads.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]

_RT_FIRST: int = _signal.SIGRTMIN
_RT_LAST: int = _signal.SIGRTMAX

#: other names of the same signal; procps shows none of them
_ALIASES = {"CLD": "CHLD", "IO": "POLL", "IOT": "ABRT", "UNUSED": "SYS", "LOST": "PWR"}


def _named() -> dict[str, int]:
    found = {
        name[3:]: int(getattr(_signal, name))
        for name in dir(_signal)
        if name.startswith("SIG") and name[3:].isalnum() and not name.startswith("SIGRT")
    }
    return {name: number for name, number in found.items() if name not in _ALIASES and 0 < number < _RT_FIRST}


NUMBERS = dict(sorted(_named().items(), key=lambda pair: pair[1]))
_NAMES = {number: name for name, number in NUMBERS.items()}


def signal_number(word: str) -> int | None:
    """Of ``9``, ``KILL``, ``SIGKILL``, ``kill``, ``RTMIN+3``, ``RTMAX-1``, ``CLD``; of ``0``, ``EXIT``: 0, which only checks; else
    None.
    """
    if word.isascii() and word.isdecimal():
        number = int(word)
        return number if number <= _RT_LAST else None
    name = word.upper().removeprefix("SIG")
    if name == "EXIT":
        return 0
    name = _ALIASES.get(name, name)
    return NUMBERS.get(name) or _real_time(name)


def _real_time(name: str) -> int | None:
    for base, sign, step in (("RTMIN", "+", 1), ("RTMAX", "-", -1)):
        if name.startswith(base):
            start, rest = (_RT_FIRST if step > 0 else _RT_LAST), name[len(base) :]
            if not rest:
                return start
            digits = rest.removeprefix(sign)
            if rest[0] == sign and digits.isascii() and digits.isdecimal():
                number = start + step * int(digits)
                return number if _RT_FIRST <= number <= _RT_LAST else None
    return None


def signal_name(number: int) -> str:
    """``KILL``; ``RTMIN+3``, ``RTMAX-2`` from the nearer end; digits for one without a name."""
    if number in _NAMES:
        return _NAMES[number]
    if not _RT_FIRST <= number <= _RT_LAST:
        return str(number)
    up, down = number - _RT_FIRST, _RT_LAST - number
    if up <= down:
        return f"RTMIN+{up}" if up else "RTMIN"
    return f"RTMAX-{down}" if down else "RTMAX"


def full_name(number: int) -> str:
    """``SIGKILL``; ``signal 32`` for one without a name."""
    name = signal_name(number)
    return f"signal {name}" if name.isdecimal() else f"SIG{name}"


def translate(word: str) -> str | None:
    """What ``kill -l WORD`` prints: the name of a number, the number of a name; None when it is no signal.

    A number may be an exit status: 128 plus the signal, as shells tell it (bash(1)), or a wait status with the
    signal in its lower seven bits.
    """
    number = signal_number(word)
    if not (word.isascii() and word.isdecimal()):
        return None if number is None else str(number)
    if number is None:
        number = signal_number(str(int(word) & 0x7F))
    return None if not number else signal_name(number)


def list_lines() -> list[str]:
    """Of ``kill -l``: names only, in lines of at most 80 columns, as procps has them."""
    lines: list[str] = []
    line = ""
    for name in NUMBERS:
        if line and len(line) + 1 + len(name) > 78:
            lines.append(line)
            line = name
        else:
            line = f"{line} {name}" if line else name
    return [*lines, line]


def table_lines() -> list[str]:
    """Of ``kill -L``: numbers and names, seven to a line as procps has them, and the real-time ones below."""
    cells = [f"{number:2} {name:<7} " for name, number in NUMBERS.items()]
    lines = ["".join(cells[at : at + 7]) for at in range(0, len(cells), 7)]
    lines[:-1] = [line.rstrip() for line in lines[:-1]]
    return [*lines, f"{_RT_FIRST} RTMIN to {_RT_LAST} RTMAX: RTMIN+1, ..., RTMAX-1"]
