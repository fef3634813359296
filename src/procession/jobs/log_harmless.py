"""Output of any program, made harmless for a terminal: colours stay, whatever moves, asks or changes it goes.  Pure.

ECMA-48: a control sequence is ESC [, parameters, intermediates, a final byte; strings (OSC, DCS, APC, PM, SOS) last
until ST, OSC also until BEL.  Either may be split anywhere between two pieces.
"""

from __future__ import annotations

_KEPT = b"\t\n\r\b"
_CONTROLS = bytes(c for c in (*range(32), 127) if c not in _KEPT and c != 0x1B)
_REPLACEMENT = "\ufffd".encode()
_STRINGS = b"]PX^_"
_LONGEST = 256  # bytes of a control sequence; a longer one is no sequence
_SGR = frozenset(b"0123456789;:")


class Harmless:
    """Feed it all output."""

    def __init__(self) -> None:
        self._half = b""
        self._lead = b""
        self._in_string = False
        self.coloured = False

    def feed(self, data: bytes) -> bytes:
        """What may be shown of it."""
        data, self._half = self._half + data, b""
        out = []
        while data:
            if self._in_string:
                data = self._after_string(data)
                continue
            at = data.find(b"\x1b")
            text, data = (data, b"") if at < 0 else (data[:at], data[at:])
            out.append(text.translate(None, _CONTROLS))
            if data:
                shown, data = self._escape(data)
                out.append(shown)
        return self._without_c1(b"".join(out))

    def end(self) -> bytes:
        """What was held back, at the end of all."""
        lead, self._lead = self._lead, b""
        return lead

    def _without_c1(self, text: bytes) -> bytes:
        """U+0080 to U+009F are controls, too; as single bytes they are nothing to a terminal that reads UTF-8.  Looked
        for in what is left of all, since its halves may have met only now."""
        text, self._lead = self._lead + text, b""
        if b"\xc2" in text:
            for c in range(0x80, 0xA0):
                text = text.replace(bytes((0xC2, c)), _REPLACEMENT)
            if text.endswith(b"\xc2"):
                text, self._lead = text[:-1], b"\xc2"
        return text

    def _after_string(self, data: bytes) -> bytes:
        bell, escape = data.find(b"\x07"), data.find(b"\x1b")
        if bell >= 0 and (escape < 0 or bell < escape):
            self._in_string = False
            return data[bell + 1 :]
        if escape < 0:
            return b""
        self._in_string = False  # ESC ends it; with a backslash it is ST, which _escape drops
        return data[escape:]

    def _escape(self, data: bytes) -> tuple[bytes, bytes]:
        """(what of the sequence at the start may be shown, the rest)."""
        if len(data) == 1:
            self._half = data
            return b"", b""
        if data[1] in _STRINGS:
            self._in_string = True
            return b"", data[2:]
        at = 2 if data[1] == ord("[") else 1
        while at < len(data) and (
            0x20 <= data[at] <= 0x2F or (data[1] == ord("[") and 0x30 <= data[at] <= 0x3F)
        ):
            at += 1
        if at == len(data):
            if at > _LONGEST:
                return b"", data[1:]
            self._half = data
            return b"", b""
        if data[at] < 0x20:  # a control in the middle: the sequence is broken
            return b"", data[at:]
        whole = data[: at + 1]
        if data[1] == ord("[") and data[at] == ord("m") and set(whole[2:-1]) <= _SGR:
            self.coloured = True
            return whole, data[at + 1 :]
        return b"", data[at + 1 :]


def plain_text(line: bytes) -> str:
    """A line without any sequence and control, for a pattern to look at."""
    harmless = Harmless()
    filtered = harmless.feed(line) + harmless.end()
    out, rest = [], filtered
    while (at := rest.find(b"\x1b")) >= 0:  # colours are all that is left
        out.append(rest[:at])
        rest = rest[rest.find(b"m", at) + 1 :]
    return b"".join((*out, rest)).translate(None, _KEPT[1:]).decode("utf-8", "replace")
