"""How much of a screen a text takes: wide characters take two cells, combining ones none."""

from __future__ import annotations


def cells(text: str) -> int:
    """Screen cells that the text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_width, text))


def cut(text: str, room: int) -> str:
    """As much of it as fits in so many cells."""
    if len(text) <= room and text.isascii():
        return text
    if text.isascii():
        return text[: max(0, room)]
    taken = 0
    for at, character in enumerate(text):
        width = _width(character)
        if taken >= room or taken + width > room:  # where there is no room left, not even for what takes none
            return text[:at]
        taken += width
    return text


def _width(character: str) -> int:
    if character < "\u0300":
        return 1
    import unicodedata

    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
