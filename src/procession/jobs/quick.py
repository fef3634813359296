"""``pn jobs``: one question and one text, without the modules that other requests need."""

from __future__ import annotations

from procession.errors import DaemonGone
from procession.jobs.start import connected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from socket import socket

_PIECE = 1 << 20  # bytes


def ask_table(
    options: Mapping[str, bool], *, width: int = 0, colour: bool = False, words: Sequence[str] = ()
) -> bytes:
    """The text of the table.  ``options``: the fields of table.Options; ``words``: only these jobs.  Raises
    DaemonGone, JobsError."""
    found = [f'"{name}":{_bool(value)}' for name, value in options.items()]
    if words:
        import json

        found.append(f'"words":{json.dumps(list(words))}')
    body = (
        f'J{{"id":1,"do":"table","options":{{{",".join(found)}}},"width":{int(width)},"colour":{_bool(colour)}}}'
    ).encode("ascii")
    for last in (False, True):
        sock = connected()
        try:
            sock.sendall(len(body).to_bytes(4, "big") + body)
            return _answer(sock)
        except (OSError, DaemonGone):
            if last:
                raise DaemonGone("the daemon of the jobs is gone: try again") from None
        finally:
            sock.close()
    raise AssertionError


def _bool(value: bool) -> str:
    return "true" if value else "false"


def _answer(sock: socket) -> bytes:
    size = int.from_bytes(_exactly(sock, 4), "big")
    found = _exactly(sock, size)
    if found[:1] == b"D":
        return found[1:]
    from procession.jobs.client_plain import answer_of

    answer_of(b"J", found[1:])  # an error, raised
    raise DaemonGone("the daemon of the jobs gave no table")


def _exactly(sock: socket, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        piece = sock.recv(min(_PIECE, size - len(found)))
        if not piece:
            raise DaemonGone("the daemon of the jobs is gone")
        found += piece
    return bytes(found)
