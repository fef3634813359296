"""The sockets of a network namespace, by inode: /proc/net/tcp and its like (proc_pid_net(5)).

A descriptor that is a socket is called ``socket:[INODE]`` in /proc/PID/fd; here stands what that inode is.
Who is at the other end: of a unix socket as sock_diag(7) tells, of a TCP connection on this machine the socket
with the same addresses the other way round.
"""

from __future__ import annotations

import os
import sys

from procession.records import record

_KINDS = ("tcp", "tcp6", "udp", "udp6", "udplite", "raw", "raw6", "icmp", "icmp6")

# include/net/tcp_states.h
_TCP = {
    1: "connected",
    2: "connecting",
    3: "being connected to",
    4: "closed by us, not yet confirmed",
    5: "closed by us, the other side still sends",
    6: "closed, remembered for stray packets",
    7: "unconnected",
    8: "closed by the other side, not by us",
    9: "closed by both, the last word not confirmed",
    10: "listening",
    11: "closing on both sides",
    12: "being connected to",
}

# include/uapi/linux/net.h: socket_state
_UNIX = {1: "unconnected", 2: "connecting", 3: "connected", 4: "disconnecting"}
_UNIX_TYPES = {1: "stream", 2: "datagram", 5: "packets"}
_ACCEPTS = 0x10000  # __SO_ACCEPTCON: somebody has called listen(2)


@record
class Socket:
    """``kind``: tcp, tcp6, udp, udp6, udplite, raw, raw6, icmp, icmp6, unix, netlink or packet.  ``local`` and
    ``remote``: ``1.2.3.4:80``, ``[::1]:80`` (``*`` for any address); of a unix socket ``local`` is its path, or
    ``@name`` for an abstract one, or "".  ``peer``: the inode of the other end on this machine; 0: none, or not known.
    ``received``, ``to_send``: bytes that wait in its queues (of a listening one: connections that wait for accept,
    and how many may); 0 for unix sockets, whose queues /proc/net does not tell.
    """

    inode: int
    kind: str
    state: str
    local: str = ""
    remote: str = ""
    local_port: int = 0
    remote_port: int = 0
    peer: int = 0
    received: int = 0
    to_send: int = 0
    style: str = ""  # of unix sockets: stream, datagram, packets

    @property
    def is_listening(self) -> bool:
        return self.state == "listening"

    @property
    def words(self) -> str:
        """Kind, addresses and state in one phrase."""
        if self.kind == "unix":
            return f"unix {self.style} socket {self.local}".rstrip() + f", {self.state}"
        if not self.local:
            return f"{self.kind} socket"
        far = f" with {self.remote}" if self.remote_port else ""
        return f"{self.kind} socket {self.local}{far}, {self.state}"


def read_sockets(net: str = "/proc/net", *, peers: bool = True) -> dict[int, Socket]:
    """All of one network namespace: ours, or that of a process by ``/proc/PID/net``.

    ``peers``: find the other ends too; those of unix sockets only in our own namespace, where netlink reaches.
    What cannot be read is left out.
    """
    found: dict[int, Socket] = {}
    for kind in _KINDS:
        for line in _lines(f"{net}/{kind}"):
            _add(found, parse_inet(kind, line))
    for line in _lines(f"{net}/unix"):
        _add(found, parse_unix(line))
    for kind, inode_at in (("netlink", 9), ("packet", 8)):
        for line in _lines(f"{net}/{kind}"):
            words = line.split()
            _add(found, Socket(int(words[inode_at]), kind, "open"))
    if peers:
        _join(found, _unix_peers() if _is_ours(net) else {})
    return found


def parse_inet(kind: str, line: bytes) -> Socket:
    """A line of /proc/net/tcp, udp, raw and so on."""
    words = line.split()
    state = int(words[3], 16)
    local, local_port = _address(words[1])
    remote, remote_port = _address(words[2])
    to_send, received = (int(word, 16) for word in words[4].split(b":"))
    text = _TCP.get(state, f"state {state}") if kind.startswith("tcp") else _datagram_state(state)
    return Socket(
        int(words[9]), kind, text, local, remote, local_port, remote_port, received=received, to_send=to_send
    )


def parse_unix(line: bytes) -> Socket:
    """A line of /proc/net/unix; the path may hold spaces."""
    words = line.split(None, 7)
    flags, style, state = int(words[3], 16), int(words[4], 16), int(words[5], 16)
    text = "listening" if flags & _ACCEPTS else _UNIX.get(state, f"state {state}")
    path = os.fsdecode(words[7].rstrip(b"\n")) if len(words) > 7 else ""
    return Socket(int(words[6]), "unix", text, path, style=_UNIX_TYPES.get(style, f"type {style}"))


def _datagram_state(state: int) -> str:
    return "connected" if state == 1 else "unconnected"


def _address(word: bytes) -> tuple[str, int]:
    """``0100007F:0050`` is 127.0.0.1:80: 32-bit words as the machine stores them."""
    digits, _, port = word.partition(b":")
    number = int(port, 16)
    raw = bytes.fromhex(digits.decode("ascii"))
    if sys.byteorder == "little":
        raw = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    if len(raw) == 16 and raw[:12] == b"\0" * 10 + b"\xff\xff":  # IPv4 on an IPv6 socket
        raw = raw[12:]
    if not any(raw):
        text = "*"
    elif len(raw) == 4:
        text = ".".join(map(str, raw))
    else:
        from socket import AF_INET6, inet_ntop

        text = f"[{inet_ntop(AF_INET6, raw)}]"
    return f"{text}:{number or '*'}", number


def _lines(path: str) -> list[bytes]:
    try:
        with open(path, "rb") as file:
            # Only newlines end lines: the path of a unix socket may hold any other control character.
            return [line for line in file.read().split(b"\n")[1:] if line]
    except OSError:
        return []


def _add(found: dict[int, Socket], one: Socket) -> None:
    if one.inode:  # 0: closed by everybody, the connection is still being wound up
        found[one.inode] = one


def _join(found: dict[int, Socket], unix: dict[int, int]) -> None:
    from procession.records import replace

    by_ends = {
        (one.local, one.remote): one.inode
        for one in found.values()
        if one.remote_port and one.kind.startswith("tcp")
    }
    for inode, one in list(found.items()):
        peer = unix.get(inode, 0) if one.kind == "unix" else by_ends.get((one.remote, one.local), 0)
        if peer and peer != inode:
            found[inode] = replace(one, peer=peer)


def _is_ours(net: str) -> bool:
    if net == "/proc/net":
        return True
    try:
        return os.path.samefile(f"{net}/../ns/net", "/proc/self/ns/net")
    except OSError:
        return False


def _unix_peers() -> dict[int, int]:
    from procession.linux.sockdiag import unix_peers

    try:
        return unix_peers()
    except OSError:  # a kernel without CONFIG_UNIX_DIAG, or a sandbox without netlink
        return {}
