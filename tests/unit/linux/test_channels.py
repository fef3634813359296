"""Packet pipes and SEQPACKET sockets: messages are whole, ends are told, descriptors never leak."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from procession.errors import ChannelClosed, MessageTooLarge, NotPermitted, Unsupported
from procession.linux.packets import PACKET_MAX, packet_pipe, read_packet, set_pipe_size, write_packet
from procession.linux.seqpacket import FDS_MAX, MESSAGE_MAX, recv_packet, send_packet, seqpacket_pair

Fork = Callable[[Callable[[], object]], Any]
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = packet_pipe()
    yield ends
    for fd in ends:
        with contextlib.suppress(OSError):
            os.close(fd)


@pytest.fixture
def pair() -> Iterator[Pair]:
    left, right = seqpacket_pair()
    with left, right:
        yield left, right


def open_fds() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_packets_keep_their_borders(pipe: tuple[int, int]) -> None:
    messages = [b"a", b"bc", bytes(PACKET_MAX), b"d"]
    for message in messages:
        write_packet(pipe[1], message)
    assert [read_packet(pipe[0]) for _ in messages] == messages
    assert not any(os.get_inheritable(fd) for fd in pipe)


@pytest.mark.parametrize(
    "data", [b"xy", bytearray(b"xy"), memoryview(b"xy"), memoryview(b"xy\0\0").cast("I")]
)
def test_any_bytes_are_a_packet(data: Any, pipe: tuple[int, int]) -> None:
    write_packet(pipe[1], data)
    assert read_packet(pipe[0]) == bytes(data)


def test_packets_of_many_writers_do_not_mix(pipe: tuple[int, int], fork: Fork) -> None:
    count = 500

    def writer(mark: bytes) -> Callable[[], None]:
        def body() -> None:
            for length in range(1, count + 1):
                write_packet(pipe[1], mark * length)

        return body

    children = [fork(writer(mark)) for mark in (b"a", b"b", b"c")]
    os.close(pipe[1])
    seen: dict[bytes, list[int]] = {}
    with pytest.raises(ChannelClosed):
        while True:
            packet = read_packet(pipe[0])
            assert packet == packet[:1] * len(packet)
            seen.setdefault(packet[:1], []).append(len(packet))
    assert seen == {mark: list(range(1, count + 1)) for mark in (b"a", b"b", b"c")}
    assert [child.reap().code for child in children] == [0, 0, 0]


@pytest.mark.parametrize("data", [bytes(PACKET_MAX + 1), memoryview(bytes(PACKET_MAX + 4)).cast("I")])
def test_a_packet_above_the_limit_is_refused(data: Any, pipe: tuple[int, int]) -> None:
    with pytest.raises(MessageTooLarge, match="4096") as caught:
        write_packet(pipe[1], data)
    assert vars(caught.value)["errno"] == errno.EMSGSIZE


def test_an_empty_packet_is_refused(pipe: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="empty"):
        write_packet(pipe[1], b"")


def test_a_pipe_without_readers_is_closed(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    with pytest.raises(ChannelClosed) as caught:
        write_packet(pipe[1], b"x")
    assert vars(caught.value)["errno"] == errno.EPIPE
    assert isinstance(caught.value.__cause__, BrokenPipeError)


def test_what_was_written_is_read_before_the_end(pipe: tuple[int, int]) -> None:
    write_packet(pipe[1], b"last")
    os.close(pipe[1])
    assert read_packet(pipe[0]) == b"last"
    with pytest.raises(ChannelClosed):
        read_packet(pipe[0])


def test_a_slot_for_every_page_of_room(pipe: tuple[int, int]) -> None:
    given = set_pipe_size(pipe[1], 100_000)
    assert given == 131_072
    os.set_blocking(pipe[0], False)
    os.set_blocking(pipe[1], False)
    sent = 0
    with pytest.raises(BlockingIOError):
        while True:
            write_packet(pipe[1], b"x")
            sent += 1
    assert sent == given // os.sysconf("SC_PAGE_SIZE")
    with pytest.raises(OSError, match="busy") as caught:
        set_pipe_size(pipe[1], 4096)
    assert caught.value.errno == errno.EBUSY
    for _ in range(sent):
        read_packet(pipe[0])
    with pytest.raises(BlockingIOError):
        read_packet(pipe[0])


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give root up")
def test_more_room_than_allowed_is_not_permitted(pipe: tuple[int, int], fork: Fork) -> None:
    def body() -> int:
        os.setuid(65534)
        with pytest.raises(NotPermitted):
            set_pipe_size(pipe[1], 64 << 20)
        return 0

    assert fork(body).reap().code == 0


def test_a_kernel_without_packet_pipes_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> tuple[int, int]:
        raise OSError(errno.EOPNOTSUPP, "words")

    monkeypatch.setattr(os, "pipe2", refuse)
    with pytest.raises(Unsupported):
        packet_pipe()


# ── SEQPACKET ─────────────────────────────────────────────────────────────────────────────────────


def test_messages_keep_their_borders_both_ways(pair: Pair) -> None:
    left, right = pair
    messages = [b"a", b"bc", bytes(MESSAGE_MAX)]
    for message in messages:
        send_packet(left, message)
    assert [recv_packet(right) for _ in messages] == [(message, ()) for message in messages]
    send_packet(right, memoryview(b"back"))
    assert recv_packet(left, max_fds=0) == (b"back", ())
    assert not left.get_inheritable()
    assert not right.get_inheritable()


def test_descriptors_travel_and_are_close_on_exec(pair: Pair) -> None:
    before = open_fds()
    reader, writer = os.pipe()
    send_packet(pair[0], b"take these", [reader, writer])
    os.close(reader)
    os.close(writer)
    data, fds = recv_packet(pair[1])
    assert data == b"take these"
    assert len(fds) == 2
    assert not any(os.get_inheritable(fd) for fd in fds)
    os.write(fds[1], b"through")
    assert os.read(fds[0], 7) == b"through"
    for fd in fds:
        os.close(fd)
    assert open_fds() == before


def test_the_largest_number_of_descriptors(pair: Pair) -> None:
    send_packet(pair[0], b"x", [0] * FDS_MAX)
    _, fds = recv_packet(pair[1], max_fds=FDS_MAX)
    assert len(fds) == FDS_MAX
    for fd in fds:
        os.close(fd)
    with pytest.raises(ValueError, match="253"):
        send_packet(pair[0], b"x", [0] * (FDS_MAX + 1))


@pytest.mark.parametrize("room", [0, 1, 2, 3])
def test_descriptors_that_do_not_fit_are_closed(room: int, pair: Pair) -> None:
    before = open_fds()
    send_packet(pair[0], b"x", [0] * 4)
    with pytest.raises(MessageTooLarge, match="descriptors"):
        recv_packet(pair[1], max_fds=room)
    assert open_fds() == before


def test_descriptors_beyond_our_own_limit_are_closed(pair: Pair) -> None:
    before = open_fds()
    held: list[int] = []
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 3, hard))
    try:
        with pytest.raises(MessageTooLarge, match="no free one"):
            while True:  # lower numbers may be free: each message takes some of them
                send_packet(pair[0], b"x", [0] * 4)
                held += recv_packet(pair[1])[1]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for fd in held:
            os.close(fd)
    assert open_fds() == before


def test_a_message_that_does_not_fit_is_an_error_and_the_next_one_comes(pair: Pair) -> None:
    before = open_fds()
    send_packet(pair[0], b"0123456789", [0])
    send_packet(pair[0], b"next")
    with pytest.raises(MessageTooLarge, match="9 bytes"):
        recv_packet(pair[1], 9)
    assert open_fds() == before
    assert recv_packet(pair[1], 9) == (b"next", ())


def test_a_message_above_the_limit_is_refused(pair: Pair) -> None:
    with pytest.raises(MessageTooLarge) as caught:
        send_packet(pair[0], bytes(MESSAGE_MAX + 1))
    assert vars(caught.value)["errno"] == errno.EMSGSIZE


def test_a_message_above_the_kernels_limit_is_refused(pair: Pair) -> None:
    with pytest.raises(MessageTooLarge) as caught:
        send_packet(pair[0], bytes(64 << 20), max_bytes=64 << 20)
    assert vars(caught.value)["errno"] == errno.EMSGSIZE
    assert isinstance(caught.value.__cause__, OSError)


def test_an_empty_message_is_refused(pair: Pair) -> None:
    with pytest.raises(ValueError, match="empty"):
        send_packet(pair[0], b"")


def test_the_end_comes_after_the_last_message(pair: Pair) -> None:
    send_packet(pair[0], b"last")
    pair[0].close()
    assert recv_packet(pair[1]) == (b"last", ())
    with pytest.raises(ChannelClosed):
        recv_packet(pair[1])
    with pytest.raises(ChannelClosed) as caught:
        send_packet(pair[1], b"x")
    assert vars(caught.value)["errno"] == errno.EPIPE


def test_messages_of_ours_that_were_never_read_do_not_hide_what_was_sent_to_us(pair: Pair) -> None:
    send_packet(pair[0], b"never read")  # the kernel reports ECONNRESET first for that
    send_packet(pair[1], b"read")
    pair[1].close()
    assert recv_packet(pair[0]) == (b"read", ())
    with pytest.raises(ChannelClosed):
        recv_packet(pair[0])


def test_non_blocking_ends_say_so(pair: Pair) -> None:
    for end in pair:
        end.setblocking(False)
    with pytest.raises(BlockingIOError):
        recv_packet(pair[1])
    with pytest.raises(BlockingIOError):
        while True:
            send_packet(pair[0], bytes(MESSAGE_MAX))
