"""Names and arguments made safe to print, as procps does it: what is not printable becomes a question mark.

Anybody may name a process so that it moves the cursor or ends the line (proc_pid_comm(5)).
"""

from __future__ import annotations


def printable(data: bytes, utf8: bool = True) -> str:
    """In a UTF-8 locale each control character and each byte that is no UTF-8 becomes "?"; in others control
    characters become "." and bytes above 127 "?"."""
    if data.isascii():
        text = data.decode("ascii")
        if text.isprintable():
            return text
    if not utf8:
        return "".join(chr(b) if 32 <= b < 127 else "." if b < 128 else "?" for b in data)
    text = data.decode("utf-8", "surrogateescape")
    return text if text.isprintable() else "".join(c if _prints(c) else "?" for c in text)


def _prints(character: str) -> bool:
    if character.isprintable():
        return True
    import unicodedata

    # Python counts spaces other than the first, soft hyphens and the like among the unprintable; the C library,
    # which decides for procps, does not.
    return unicodedata.category(character) in ("Zs", "Cf", "Co")


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
        taken += _width(character)
        if taken > room:
            return text[:at]
    return text


def _width(character: str) -> int:
    if character < "\u0300":
        return 1
    import unicodedata

    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
