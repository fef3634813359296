"""Figures as top(1) writes them: in so many characters and no more."""

from __future__ import annotations

_SUFFIXES = "kmgtpe"


def memory(kib: float, width: int, unit: str = "k") -> str:
    """KiB in ``unit`` (k m g t p e), or in the first larger one that fits into ``width`` characters; "?" if none."""
    for power, suffix in enumerate(_SUFFIXES):
        if power < _SUFFIXES.index(unit):
            continue
        text = f"{kib:.0f}" if power == 0 else f"{kib / 1024**power:.1f}{suffix}"
        if len(text) <= width:
            return text
    return "?"


def percent(value: float, width: int = 5) -> str:
    """With one digit after the point where there is room for it."""
    text = f"{value:.1f}"
    return text if len(text) <= width else f"{value:.0f}"


def cpu_time(ticks: int, width: int = 9, ticks_a_second: int = 100) -> str:
    """Minutes, seconds and hundredths (``12:03.45``), coarser where that does not fit."""
    hundredths = ticks * 100 // ticks_a_second
    seconds, rest = divmod(hundredths, 100)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    for text in (
        f"{minutes}:{second:02}.{rest:02}",
        f"{minutes}:{second:02}",
        f"{hours},{minute:02}",
        f"{hours}h",
        f"{hours // 24}d",
        f"{hours // 168}w",
    ):
        if len(text) <= width:
            return text
    return "?"


def cut(text: str, width: int) -> str:
    """At most ``width`` characters, a ``+`` in the place of what was cut."""
    return text if len(text) <= width else text[: width - 1] + "+"


def printable(text: str) -> str:
    """Each character that a terminal might take for a command, or cannot show, as ``?``."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else "?" for each in text)
