"""What a program has switched on in its terminal: told from its output.  Bytes in, sequences out; no terminal here.

A viewer that comes later must be put into the same modes (``restore``), and one that goes must be put out of them
(``reset``).  Sequences of ECMA-48 and xterm (ctlseqs): ``CSI ? N h`` sets, ``CSI ? N l`` resets; ``ESC =`` and
``ESC >`` the keypad; ``ESC c`` all.  A sequence may be split anywhere between two pieces.
"""

from __future__ import annotations

_ALTERNATE = (1049, 1047, 47)
# Cursor keys, cursor, mouse (9, 1000 to 1003), focus, mouse coordinates, bracketed paste.
_KNOWN = frozenset((*_ALTERNATE, 1, 9, 25, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 2004))
_USUALLY_ON = frozenset((25,))
_LONGEST = 64  # bytes of a sequence that could interest us
_ESC = 0x1B


class Modes:
    """Feed it all output; it remembers what is not as in a fresh terminal."""

    def __init__(self) -> None:
        self._changed: set[int] = set()
        self._keypad = False
        self._half = b""  # a sequence that has begun

    def feed(self, data: bytes) -> None:
        """Some output."""
        if not self._half and _ESC not in data:
            return  # most output, and quickly
        data = self._half + data
        self._half = b""
        at = data.find(b"\x1b")
        while at >= 0:
            used = self._sequence(data, at + 1)
            if used is None:
                self._half = data[at:] if len(data) - at <= _LONGEST else b""
                return
            at = data.find(b"\x1b", used)

    @property
    def alternate(self) -> bool:
        """Is it on the alternate screen, as full-screen programs are?"""
        return any(number in self._changed for number in _ALTERNATE)

    def restore(self) -> bytes:
        """What brings a fresh terminal to where the program believes it to be; the screen comes first."""
        numbers = sorted(self._changed, key=lambda number: (number not in _ALTERNATE, number))
        return b"".join(_switch(n, on=n not in _USUALLY_ON) for n in numbers) + b"\x1b=" * self._keypad

    def reset(self) -> bytes:
        """What brings that terminal back; the screen comes last, so that nothing is switched on the wrong one."""
        numbers = sorted(self._changed, key=lambda number: (number in _ALTERNATE, number))
        return b"\x1b>" * self._keypad + b"".join(_switch(n, on=n in _USUALLY_ON) for n in numbers)

    def _sequence(self, data: bytes, at: int) -> int | None:
        """Take the sequence whose second byte is at ``at``; where it ends, None: it is not whole."""
        if at >= len(data):
            return None
        kind = data[at : at + 1]
        if kind in b"=>":
            self._keypad = kind == b"="
        elif kind == b"c":
            self._changed.clear()
            self._keypad = False
        elif kind == b"[":
            return self._control(data, at + 1)
        return at if kind == b"\x1b" else at + 1

    def _control(self, data: bytes, at: int) -> int | None:
        end = at
        while end < len(data) and 0x20 <= data[end] <= 0x3F:  # parameters and intermediates
            end += 1
        if end == len(data):
            return None
        word, final = data[at:end], data[end : end + 1]
        if word == b"!" and final == b"p":  # DECSTR, the soft reset: it leaves the screen
            self._changed &= set(_ALTERNATE)
            self._keypad = False
        if word[:1] == b"?" and final in b"hl":
            for number in word[1:].split(b";"):
                if len(number) <= 4 and number.isdigit() and int(number) in _KNOWN:
                    self._set(int(number), final == b"h")
        return end + 1 if 0x40 <= data[end] <= 0x7E else end

    def _set(self, number: int, on: bool) -> None:
        if on == (number in _USUALLY_ON):
            self._changed.discard(number)
            if number in _ALTERNATE:
                self._changed.difference_update(_ALTERNATE)  # left by another name than entered
        else:
            self._changed.add(number)


def _switch(number: int, *, on: bool) -> bytes:
    return b"\x1b[?%d%c" % (number, b"h" if on else b"l")
