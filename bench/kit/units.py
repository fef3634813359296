"""Figures as people read them."""

from __future__ import annotations


def size(count: float) -> str:
    """Bytes in decimal units: 1,234 B, 1.2 MB."""
    if count < 1000:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 999.95:
            return f"{count:.1f} {unit}"
    return f"{count / 1000:.1f} TB"


def seconds(value: float) -> str:
    """Seconds with three figures, so that short and long runs line up: 0.0123, 1.23, 12.3, 123."""
    for limit, digits in ((0.0995, 4), (0.9995, 3), (9.995, 2), (99.95, 1)):
        if value < limit:
            return f"{value:.{digits}f}"
    return f"{value:.0f}"


def counted(count: int, noun: str) -> str:
    """A number with its noun: 1 file, 2,000 files."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
