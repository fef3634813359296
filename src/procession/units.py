"""Sizes and times for people.  JSON has the exact figures instead."""

from __future__ import annotations


def size(count: float) -> str:
    """Bytes in powers of 1000: ``999 B``, ``1.2 kB``, ``34 MB``."""
    if count < 999.5:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB", "TB"):
        count /= 1000
        if count < 999.5:
            return f"{count:.1f} {unit}" if count < 9.95 else f"{count:.0f} {unit}"
    return f"{count / 1000:.1f} PB"


def seconds(count: float) -> str:
    """A duration: ``0.3 s``, ``42 s``, ``3:07``, ``2:05:30``."""
    if count < 9.95:
        return f"{count:.1f} s"
    whole = round(count)
    if whole < 60:
        return f"{whole} s"
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def duration(count: float) -> str:
    """``seconds`` for what may be short: ``12 µs``, ``3.4 ms``, ``250 ms``, ``1.2 s``, ``3:07``."""
    if count >= 0.9995:
        return seconds(count)
    unit = "ms" if count >= 0.0009995 else "µs"
    count *= 1e3 if unit == "ms" else 1e6
    return f"{count:.1f} {unit}" if count < 9.95 and unit == "ms" else f"{count:.0f} {unit}"


def per_second(rate: float) -> str:
    """How often: ``1,200/s``, ``3.4/s``, ``12/min``, ``0.2/min``."""
    unit, count = ("s", rate) if rate >= 0.95 or not rate else ("min", 60 * rate)
    return f"{count:.1f}/{unit}" if 0 < count < 9.95 else f"{count:,.0f}/{unit}"


def number(count: int, one: str, many: str = "") -> str:
    """``1 file``, ``12,345 files``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
