"""Who is connected with whom among unix sockets: sock_diag(7) over netlink, since Linux 3.3 (CONFIG_UNIX_DIAG)."""

from __future__ import annotations

import struct

_SOCK_DIAG = 4  # NETLINK_SOCK_DIAG
_BY_FAMILY = 20  # SOCK_DIAG_BY_FAMILY
_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_ERROR, _DONE = 2, 3
_SHOW_PEER = 4
_PEER = 2  # attribute UNIX_DIAG_PEER
_UNIX = 1  # AF_UNIX
_HEADER, _MESSAGE, _ATTRIBUTE = 16, 16, 4  # bytes
_ROOM = 1 << 16


def unix_peers() -> dict[int, int]:
    """Inode to the inode of its peer, of the connected unix sockets of our network namespace.  Raises OSError."""
    import socket

    request = struct.pack(
        "=IHHII BBHIIIII", 40, _BY_FAMILY, _REQUEST_DUMP, 1, 0, _UNIX, 0, 0, 0xFFFFFFFF, 0, _SHOW_PEER, 0, 0
    )
    peers: dict[int, int] = {}
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _SOCK_DIAG) as link:
        link.sendto(request, (0, 0))
        while _take(link.recv(_ROOM), peers):
            pass
    return peers


def _take(data: bytes, peers: dict[int, int]) -> bool:
    """Read one datagram of answers; False at the last."""
    at = 0
    while at + _HEADER <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        if kind == _DONE:
            return False
        if kind == _ERROR:
            number = -struct.unpack_from("=i", data, at + _HEADER)[0]
            raise OSError(number, "sock_diag")
        inode = struct.unpack_from("=I", data, at + _HEADER + 4)[0]
        peer = _peer(data, at + _HEADER + _MESSAGE, at + length)
        if peer:
            peers[inode] = peer
        at += length + 3 & ~3
    return True


def _peer(data: bytes, at: int, end: int) -> int:
    while at + _ATTRIBUTE <= end:
        length, kind = struct.unpack_from("=HH", data, at)
        if kind == _PEER:
            return int(struct.unpack_from("=I", data, at + _ATTRIBUTE)[0])
        at += max(length + 3 & ~3, _ATTRIBUTE)
    return 0
