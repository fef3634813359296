"""The duplex channel: whole objects of any size, an end that is told, no descriptor lost on the way."""

from __future__ import annotations

import os
import pickle
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from procession.errors import ChannelClosed, MessageTooLarge
from procession.ipc import channel as channel_module
from procession.ipc.channel import INLINE, Channel, channel_pair
from procession.linux.seqpacket import send_packet

Pair = tuple[Channel, Channel]

# The length of a bytes object whose pickle is just ``INLINE`` bytes long.
LAST_INLINE = INLINE - (len(pickle.dumps(bytes(INLINE), pickle.HIGHEST_PROTOCOL)) - INLINE)


@pytest.fixture
def pair() -> Iterator[Pair]:
    left, right = channel_pair()
    yield left, right
    left.close()
    right.close()


def open_fds() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


def in_child(body: Callable[[], object]) -> int:
    """Run ``body`` in a forked child, wait for its end; the code it ended with."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            body()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("size", [0, 1, LAST_INLINE - 1, LAST_INLINE, LAST_INLINE + 1, 1 << 20, 40 << 20])
def test_an_object_of_any_size_arrives_whole(size: int, pair: Pair) -> None:
    left, right = pair
    before = open_fds()
    message = {"size": size, "data": os.urandom(min(size, 1 << 20)) * max(1, size >> 20)}
    for source, target in ((left, right), (right, left)):
        source.send(message)
        assert target.recv() == message
    assert open_fds() == before


@pytest.mark.parametrize(("size", "descriptors"), [(LAST_INLINE, 0), (LAST_INLINE + 1, 1)])
def test_what_does_not_fit_into_a_packet_lies_in_a_memfd(size: int, descriptors: int, pair: Pair) -> None:
    pair[0].send(bytes(size))
    _, ancillary, _, _ = pair[1]._socket.recvmsg(INLINE, 100)
    assert len(ancillary) == descriptors
    for _, _, rights in ancillary:
        os.close(int.from_bytes(rights[:4], "little"))


def test_large_messages_wait_in_the_socket_side_by_side(pair: Pair) -> None:
    # More than a socket buffer holds: the memfds hold it.
    for number in range(20):
        pair[0].send((number, bytes(1 << 20)))
    assert [pair[1].recv() for _ in range(20)] == [(number, bytes(1 << 20)) for number in range(20)]


def test_an_end_can_be_taken_over_by_its_descriptor(pair: Pair) -> None:
    taken = Channel.from_descriptor(os.dup(pair[0].fileno()))
    taken.send("over")
    assert pair[1].recv() == "over"
    taken.close()
    pair[0].send("and the first is open still")
    assert pair[1].recv() == "and the first is open still"


def test_both_ends_are_close_on_exec(pair: Pair) -> None:
    assert not any(os.get_inheritable(end.fileno()) for end in pair)


@pytest.mark.parametrize("size", [10, 1 << 20])
def test_what_a_dead_sender_has_sent_is_read_before_the_end(size: int, pair: Pair) -> None:
    left, right = pair

    def body() -> None:
        right.close()
        left.send((1, bytes(size)))
        left.send((2, bytes(size)))
        os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(body) == -signal.SIGKILL
    left.close()
    assert [right.recv(), right.recv()] == [(1, bytes(size)), (2, bytes(size))]
    with pytest.raises(ChannelClosed):
        right.recv()
    with pytest.raises(ChannelClosed):
        right.send("nobody hears")


def test_a_sender_that_is_killed_before_its_packet_has_sent_nothing(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, right = pair

    def die(*_: object) -> None:  # the memfd is full, and the packet that would carry it not sent
        os.kill(os.getpid(), signal.SIGKILL)

    def body() -> None:
        right.close()
        left.send("first")
        monkeypatch.setattr(channel_module, "send_packet", die)
        left.send(bytes(1 << 20))

    assert in_child(body) == -signal.SIGKILL
    left.close()
    assert right.recv() == "first"
    with pytest.raises(ChannelClosed):
        right.recv()


def test_a_sender_that_is_killed_while_it_waits_for_room_leaves_whole_messages(pair: Pair) -> None:
    left, right = pair
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            right.close()
            left._socket.setblocking(False)
            number = 0
            with suppress(BlockingIOError):
                while True:
                    left.send((number, bytes(INLINE // 2)))
                    number += 1
            left._socket.setblocking(True)
            os.write(tell, number.to_bytes(4, "little"))
            left.send((number, bytes(INLINE // 2)))
        finally:
            os._exit(1)
    left.close()
    sent = int.from_bytes(os.read(told, 4), "little")
    os.kill(pid, signal.SIGKILL)  # ours, and not reaped yet
    os.waitpid(pid, 0)
    received = []
    with pytest.raises(ChannelClosed):
        while True:
            received.append(right.recv())
    assert received == [(number, bytes(INLINE // 2)) for number in range(sent)]
    assert sent >= 2
    os.close(told)
    os.close(tell)


def test_unread_messages_of_ours_make_the_end_no_less_an_end(pair: Pair) -> None:
    pair[0].send("never read")
    pair[1].close()
    with pytest.raises(ChannelClosed):
        pair[0].recv()


def test_what_the_other_side_sent_is_read_although_it_left_messages_of_ours_unread(pair: Pair) -> None:
    pair[0].send("never read")
    pair[1].send("read")
    pair[1].close()
    assert pair[0].recv() == "read"
    with pytest.raises(ChannelClosed):
        pair[0].recv()


class Unpicklable:
    """Refuses to be sent."""

    def __reduce__(self) -> str:
        raise TypeError("stays here")


def explode() -> None:
    raise ValueError("not here")


class Explodes:
    """Travels, and does not arrive."""

    def __init__(self, ballast: int) -> None:
        self.ballast = ballast

    def __reduce__(self) -> tuple[object, ...]:
        return _explode, (bytes(self.ballast),)


def _explode(_: bytes) -> None:
    explode()


def test_what_does_not_pickle_leaves_the_channel_as_it_was(pair: Pair) -> None:
    before = open_fds()
    with pytest.raises(TypeError, match="stays here"):
        pair[0].send(Unpicklable())
    pair[0].send("next")
    assert pair[1].recv() == "next"
    assert open_fds() == before


@pytest.mark.parametrize("size", [10, 1 << 20])
def test_what_does_not_unpickle_is_an_error_and_the_next_one_comes(size: int, pair: Pair) -> None:
    before = open_fds()
    pair[0].send(Explodes(size))
    pair[0].send("next")
    with pytest.raises(ValueError, match="not here"):
        pair[1].recv()
    assert pair[1].recv() == "next"
    assert open_fds() == before


def test_a_failed_large_send_closes_its_memfd(pair: Pair) -> None:
    pair[1].close()
    before = open_fds()
    with pytest.raises(ChannelClosed):
        pair[0].send(bytes(1 << 20))
    assert open_fds() == before


def test_descriptors_that_nobody_asked_for_are_refused_and_closed(pair: Pair) -> None:
    before = open_fds()
    send_packet(pair[0]._socket, b"m", [0, 0, 0])
    with pytest.raises(MessageTooLarge, match="descriptors"):
        pair[1].recv()
    assert open_fds() == before


def test_a_channel_is_a_seqpacket_socket(pair: Pair) -> None:
    # Streams would deliver parts of messages.
    assert pair[0]._socket.type == socket.SOCK_SEQPACKET
