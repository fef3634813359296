"""What a program has switched on in its terminal: told from its output.  Bytes in, sequences out; no terminal here.

A viewer that comes later must be put into the same modes (``restore``), and one that goes must be put out of them
(``reset``).  Sequences of ECMA-48 and xterm (ctlseqs): ``CSI ? N h`` sets, ``CSI ? N l`` resets; ``ESC =`` and
``ESC >`` the keypad; ``ESC c`` all; ``CSI > 4 ; N m`` how keys with Ctrl and Alt are told (vim asks for it), ``CSI > N u``
and ``CSI < N u`` the same by another protocol (kitty's).  A sequence may be split anywhere between two pieces.
"""

from __future__ import annotations

_ALTERNATE = (1049, 1047, 47)
# Cursor keys, cursor, mouse (9, 1000 to 1003), focus, mouse coordinates, bracketed paste.
_KNOWN = frozenset((*_ALTERNATE, 1, 9, 25, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 2004))
_USUALLY_ON = frozenset((25,))
_LONGEST = 64  # bytes of a sequence that could interest us
_DEEPEST = 8  # of what is pushed
_ESC = 0x1B


class Modes:
    """Feed it all output; it remembers what is not as in a fresh terminal."""

    def __init__(self) -> None:
        self._changed: set[int] = set()
        self._keypad = False
        self._keys = b""  # of CSI > 4 ; N m
        self._pushed: list[bytes] = []  # of CSI > N u
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
        switched = b"".join(_switch(n, on=n not in _USUALLY_ON) for n in numbers) + b"\x1b=" * self._keypad
        keys = b"\x1b[>4;%bm" % self._keys if self._keys else b""
        return switched + keys + b"".join(b"\x1b[>%bu" % flags for flags in self._pushed)

    def reset(self) -> bytes:
        """What brings that terminal back; the screen comes last, so that nothing is switched on the wrong one."""
        numbers = sorted(self._changed, key=lambda number: (number in _ALTERNATE, number))
        keys = b"\x1b[<%du" % len(self._pushed) if self._pushed else b""
        keys += b"\x1b[>4m" if self._keys else b""
        return keys + b"\x1b>" * self._keypad + b"".join(_switch(n, on=n in _USUALLY_ON) for n in numbers)

    def _sequence(self, data: bytes, at: int) -> int | None:
        """Take the sequence whose second byte is at ``at``; where it ends, None: it is not whole."""
        if at >= len(data):
            return None
        kind = data[at : at + 1]
        if kind in b"=>":
            self._keypad = kind == b"="
        elif kind == b"c":
            self._changed.clear()
            self._keypad, self._keys, self._pushed = False, b"", []
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
        if word[:1] in (b">", b"<") and final in b"mu":
            self._set_keys(word, final)
        return end + 1 if 0x40 <= data[end] <= 0x7E else end

    def _set_keys(self, word: bytes, final: bytes) -> None:
        rest = word[1:]
        if final == b"m" and word[:1] == b">" and (rest == b"" or rest.split(b";")[0] == b"4"):
            value = rest.partition(b";")[2]
            self._keys = value if value.isdigit() and int(value) else b""
        elif final == b"u" and word[:1] == b">" and (rest.isdigit() or not rest):
            self._pushed = [*self._pushed, rest or b"0"][-_DEEPEST:]
        elif final == b"u" and word[:1] == b"<" and (rest.isdigit() or not rest):
            count = int(rest or b"1")
            self._pushed = self._pushed[: max(0, len(self._pushed) - count)] if count else self._pushed

    def _set(self, number: int, on: bool) -> None:
        if on == (number in _USUALLY_ON):
            self._changed.discard(number)
            if number in _ALTERNATE:
                self._changed.difference_update(_ALTERNATE)  # left by another name than entered
        else:
            self._changed.add(number)


def _switch(number: int, *, on: bool) -> bytes:
    return b"\x1b[?%d%c" % (number, b"h" if on else b"l")
