"""Names and arguments made safe to print, as procps does it: what is not printable becomes a question mark.

Anybody may name a process so that it moves the cursor or ends the line (proc_pid_comm(5)).
"""

from __future__ import annotations


def printable(data: bytes, utf8: bool = True) -> str:
    """In a UTF-8 locale each control character and each byte that is no UTF-8 becomes "?"; in others, and from a
    byte on that cannot begin a character, control characters become "." and bytes above 127 "?"."""
    if data.isascii():
        text = data.decode("ascii")
        if text.isprintable():
            return text
    sound = _sound(data) if utf8 else 0
    if sound < len(data):
        rest = bytes(b if 32 <= b < 127 else 46 if b < 128 else 63 for b in data[sound:])
        data = data[:sound] + rest
    text = data.decode("utf-8", "surrogateescape")
    return text if text.isprintable() else "".join(c if _prints(c) else "?" for c in text)


def _sound(data: bytes) -> int:
    """Where the first byte stands that cannot begin a character, or begins one that the end cuts off."""
    at = 0
    while at < len(data):
        first = data[at]
        size = 1 if first < 0x80 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
        if 0x80 <= first < 0xC2 or first > 0xF4 or at + size > len(data):
            break
        at += size
    return at


def _prints(character: str) -> bool:
    if character.isprintable():
        return True
    import unicodedata

    # Python counts spaces other than the first, soft hyphens and the like among the unprintable; the C library,
    # which decides for procps, does not.
    return unicodedata.category(character) in ("Zs", "Cf", "Co")
