"""Durations and moments as people write them."""

from __future__ import annotations

import time

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def seconds_of(word: str) -> float:
    """``90``, ``1.5h``, ``2d12h``, in seconds.  Raises ValueError."""
    total, digits = 0.0, ""
    for character in word:
        if character in _UNITS:
            total += float(digits) * _UNITS[character]
            digits = ""
        else:
            digits += character
    if digits:
        total += float(digits)
    if not word or "-" in word or not 0 <= total < float("inf"):
        raise ValueError(word)
    return total


def coming(word: str, now: float | None = None) -> float:
    """``22:30`` (the next one), ``2026-12-01 08:00``, ``2026-12-01``, as Unix time.  Raises ValueError."""
    return _moment(word, time.time() if now is None else now, 1)


def past(word: str, now: float | None = None) -> float:
    """``22:30`` (the last one), ``2026-12-01 08:00``, or ``10m``: so long ago; as Unix time.  Raises ValueError."""
    now = time.time() if now is None else now
    return _moment(word, now, -1) if ":" in word or word.count("-") == 2 else now - seconds_of(word)


# argparse puts a function's name into its message
seconds_of.__name__ = "time such as 90, 10m or 2h30m"
coming.__name__ = "time such as 22:30 or '2026-12-01 08:00'"
past.__name__ = "time such as 10m, 22:30 or '2026-12-01 08:00'"


def _moment(word: str, now: float, step: int) -> float:
    """``step``: which way to go for a time of day, 1 or -1."""
    day, _, clock = word.strip().replace("T", " ").rpartition(" ")
    if not day and clock and ":" not in clock:
        day, clock = clock, "0:0"
    if day:
        year, month, date = (_number(part) for part in day.split("-"))
        found = _unix((year, month, date), _clock(clock))
        if time.localtime(found)[:3] != (
            year,
            month,
            date,
        ):  # mktime(3) has made another day of a 30th of February
            raise ValueError(word)
        return found
    year, month, date = time.localtime(now)[:3]
    found = _unix((year, month, date), _clock(clock))
    if (found - now) * step > 0:
        return found
    # By the calendar: a day with a change of the clocks is not 24 hours long.
    return _unix((year, month, date + step), _clock(clock))


def _clock(word: str) -> tuple[int, int, int]:
    parts = [_number(part) for part in word.split(":")]
    if not 2 <= len(parts) <= 3:
        raise ValueError(word)
    hour, minute, second = (*parts, 0)[:3]
    if not (hour < 24 and minute < 60 and second < 60):
        raise ValueError(word)
    return hour, minute, second


def _unix(day: tuple[int, int, int], clock: tuple[int, int, int]) -> float:
    try:
        return time.mktime((*day, *clock, 0, 0, -1))
    except OverflowError:
        raise ValueError(day) from None


def _number(word: str) -> int:
    if not (word.isascii() and word.isdecimal()):
        raise ValueError(word)
    return int(word)


def clock(at: float, now: float | None = None) -> str:
    """A Unix time for people: ``22:30:05`` of today, else with its date."""
    found, today = time.localtime(at), time.localtime(time.time() if now is None else now)
    return time.strftime("%H:%M:%S" if found[:3] == today[:3] else "%Y-%m-%d %H:%M:%S", found)


def iso(at: float | None) -> str | None:
    """A Unix time as ISO 8601 with offset, for JSON; None stays None."""
    if at is None:
        return None
    text = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(at))
    return f"{text[:-2]}:{text[-2:]}"
