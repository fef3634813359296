"""Frames: how a client, the daemon and a keeper talk over a stream.  Bytes in, frames out; no socket here.

::

    4 bytes, big-endian: length of what follows, 1 to 8 MiB    1 byte: kind    the rest: body

kind J: a JSON object; kind D: bytes as they are (a terminal's, or a ready-made text).
"""

from __future__ import annotations

from procession.jobs.plain import Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

FRAME_MAX = 8 << 20  # bytes, kind included
_HEAD = 4
JSON, DATA = b"J", b"D"


def json_frame(message: dict[str, Any]) -> bytes:
    """A frame with this object.  Raises Malformed above FRAME_MAX."""
    import json

    return _frame(JSON, json.dumps(message, allow_nan=False, separators=(",", ":")).encode("ascii"))


def data_frame(body: bytes) -> bytes:
    """A frame with these bytes.  Raises Malformed above FRAME_MAX."""
    return _frame(DATA, body)


def _frame(kind: bytes, body: bytes) -> bytes:
    size = 1 + len(body)
    if size > FRAME_MAX:
        raise Malformed(f"a message of {size} bytes; at most {FRAME_MAX} can be sent")
    return size.to_bytes(_HEAD, "big") + kind + body


def json_of(body: bytes) -> dict[str, Any]:
    """The object of a J frame.  Raises Malformed."""
    import json

    try:
        found = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError, too
        raise Malformed("a message that is not JSON") from None
    if not isinstance(found, dict):
        raise Malformed("a message that is not a JSON object")
    return found


class Frames:
    """Puts frames together from pieces of any size."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, piece: bytes) -> Iterator[tuple[bytes, bytes]]:
        """(kind, body) of each frame that is whole now.  Raises Malformed: then the stream is of no use any more."""
        buffer = self._buffer
        buffer += piece
        while len(buffer) >= _HEAD:
            size = int.from_bytes(buffer[:_HEAD], "big")
            if not 0 < size <= FRAME_MAX:
                raise Malformed(f"a message of {size} bytes; 1 to {FRAME_MAX} are allowed")
            if len(buffer) < _HEAD + size:
                return
            kind, body = bytes(buffer[_HEAD : _HEAD + 1]), bytes(buffer[_HEAD + 1 : _HEAD + size])
            del buffer[: _HEAD + size]
            if kind not in (JSON, DATA):
                raise Malformed(f"a message of the unknown kind {kind!r}")
            yield kind, body

    @property
    def is_empty(self) -> bool:
        """Is there no half of a frame?"""
        return not self._buffer
