"""Sockets by inode: as the kernel tells them, and who is at the other end."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from procession.linux.sockdiag import unix_peers
from procession.linux.sockets import Socket, parse_inet, parse_unix, read_sockets


def of(one: socket.socket, found: dict[int, Socket]) -> Socket:
    return found[os.fstat(one.fileno()).st_ino]


def test_a_tcp_connection_and_its_two_ends() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as near,
    ):
        far, _ = server.accept()
        with far:
            near.sendall(b"12345")
            far.recv(1, socket.MSG_PEEK)  # they have arrived
            found = read_sockets()
            port = server.getsockname()[1]
            assert of(server, found).state == "listening"
            assert of(server, found).is_listening
            assert of(server, found).local == f"127.0.0.1:{port}"
            assert of(near, found).peer == os.fstat(far.fileno()).st_ino
            assert of(far, found).peer == os.fstat(near.fileno()).st_ino
            assert of(near, found).remote_port == of(far, found).local_port == port
            assert of(far, found).received == 5
            assert of(near, found).words == (
                f"tcp socket 127.0.0.1:{of(near, found).local_port} with 127.0.0.1:{port}, connected"
            )


def test_ipv6_and_ipv4_on_a_socket_of_ipv6() -> None:
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with (
        server,
        socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True) as both,
        socket.create_connection(("127.0.0.1", both.getsockname()[1])) as near,
        both.accept()[0] as far,
    ):
        found = read_sockets()
        assert of(server, found).local == f"[::1]:{server.getsockname()[1]}"
        assert of(both, found).local == f"*:{both.getsockname()[1]}"
        assert of(far, found).kind == "tcp6"
        assert of(near, found).peer == os.fstat(far.fileno()).st_ino


def test_unix_sockets_a_pair_a_path_and_an_abstract_name(tmp_path: Path) -> None:
    path = str(tmp_path / "a name\twith\rspaces\x0b")
    name = f"\0pn test {os.getpid()}"
    one, other = socket.socketpair()
    with (
        one,
        other,
        socket.socket(socket.AF_UNIX) as server,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as plain,
    ):
        server.bind(path)
        server.listen()
        plain.bind(name)
        found = read_sockets()
        assert of(one, found).peer == os.fstat(other.fileno()).st_ino
        assert of(other, found).peer == os.fstat(one.fileno()).st_ino
        assert (of(server, found).local, of(server, found).state) == (path, "listening")
        assert of(plain, found).local == "@" + name[1:]
        assert of(plain, found).words == f"unix datagram socket @{name[1:]}, unconnected"


def test_a_datagram_socket() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        mine = of(one, read_sockets())
        assert (mine.kind, mine.state, mine.peer) == ("udp", "unconnected", 0)
        one.connect(("127.0.0.1", 9))
        mine = of(one, read_sockets())
        assert (mine.state, mine.remote) == ("connected", "127.0.0.1:9")


def test_the_namespace_of_a_process_is_ours() -> None:
    one, other = socket.socketpair()
    with one, other:
        found = read_sockets(f"/proc/{os.getpid()}/net")
        assert of(one, found).peer == os.fstat(other.fileno()).st_ino


def test_what_is_not_there_is_left_out(tmp_path: Path) -> None:
    assert read_sockets(str(tmp_path)) == {}


@pytest.mark.skipif(sys.byteorder != "little", reason="the line is that of a little-endian machine")
def test_a_line_that_the_kernel_wrote() -> None:
    line = (
        b"   1: 0100007F:1F90 0200000A:C350 08 00000010:00000003 00:00000000 00000000  1000        0 4711 1 x"
    )
    assert parse_inet("tcp", line) == Socket(
        inode=4711,
        kind="tcp",
        state="closed by the other side, not by us",
        local="127.0.0.1:8080",
        remote="10.0.0.2:50000",
        local_port=8080,
        remote_port=50000,
        received=3,
        to_send=16,
    )


def test_a_unix_line_without_a_path() -> None:
    found = parse_unix(b"0000000000000000: 00000003 00000000 00000000 0005 03 77")
    assert found == Socket(77, "unix", "connected", style="packets")


def test_many_peers_take_several_datagrams() -> None:
    pairs = [socket.socketpair() for _ in range(300)]
    try:
        peers = unix_peers()
        for one, other in pairs:
            assert peers[os.fstat(one.fileno()).st_ino] == os.fstat(other.fileno()).st_ino
    finally:
        for pair in pairs:
            for each in pair:
                each.close()
