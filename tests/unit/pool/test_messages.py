"""What parent and worker say to each other arrives whole, whatever its size, or not at all."""

from __future__ import annotations

import os
import resource
import select
import socket
from collections.abc import Iterator

import pytest

from procession.errors import ChannelClosed
from procession.ipc.letters import BOAT_MAX, ROOM
from procession.linux.seqpacket import FDS_MAX, seqpacket_pair
from procession.pool import messages
from procession.pool.messages import FLIGHT, LANDED, Head, Packet, receive, send

HEAD = messages._HEAD.size
FULL = Head(FLIGHT, 1, 2**32 - 1, 2**62, 2**32 - 1, 7, 1.5, -0.25)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    left, right = seqpacket_pair()
    with left, right:
        yield left, right


def exchange(pair: tuple[socket.socket, socket.socket], size: int, **more: object) -> Packet:
    data = os.urandom(size)
    send(pair[0], FULL, data, **more)  # type: ignore[arg-type]
    packet = receive(pair[1], socket.MSG_DONTWAIT)
    assert packet.head == FULL
    assert bytes(packet.data) == data
    return packet


# Everything around the sizes at which the way changes: the packet itself, a boat, a memfd.
EDGES = [0, 1, 4096, messages.INLINE, ROOM, BOAT_MAX, 1 << 20]
SIZES = sorted(
    {max(0, edge - HEAD + more) for edge in EDGES for more in (-65, -64, -17, -16, -15, -1, 0, 1, 16, HEAD)}
    | {*range(ROOM - 100 - HEAD, ROOM + 20 - HEAD)}
)


def test_a_message_of_any_size_arrives(pair: tuple[socket.socket, socket.socket]) -> None:
    for size in SIZES:
        packet = exchange(pair, size)
        assert (packet.descriptors, packet.buffers) == ([], None), size


def test_a_head_is_its_own_default() -> None:
    assert Head(LANDED) == Head(LANDED, 0, 0, 0, 0, 0, 0.0, 0.0)


@pytest.mark.parametrize("size", [0, 100, messages.INLINE, ROOM, BOAT_MAX + 1])
@pytest.mark.parametrize("count", [1, 2, FDS_MAX - 1, FDS_MAX, FDS_MAX + 1])
def test_descriptors_arrive_and_are_not_ours_any_more(
    count: int, size: int, pair: tuple[socket.socket, socket.socket]
) -> None:
    reader, writer = os.pipe()
    sent = [os.dup(writer) for _ in range(count)]
    os.close(writer)
    packet = exchange(pair, size, descriptors=tuple(sent))
    assert len(packet.descriptors) == count
    assert packet.buffers is None
    assert not any(os.get_inheritable(fd) for fd in packet.descriptors)
    for number, fd in enumerate(packet.descriptors):
        os.write(fd, bytes([number & 255]))
        os.close(fd)
    assert os.read(reader, count + 1) == bytes(number & 255 for number in range(count))
    assert os.read(reader, 1) == b""  # every copy is closed
    os.close(reader)


@pytest.mark.parametrize("size", [0, 100, ROOM, BOAT_MAX])
@pytest.mark.parametrize("fds", [0, 1])
def test_buffers_arrive_and_can_be_written(
    fds: int, size: int, pair: tuple[socket.socket, socket.socket]
) -> None:
    blocks = [b"a" * (100 << 10), b"b", b"c" * (1 << 20)]
    packet = exchange(
        pair,
        size,
        buffers=[memoryview(block) for block in blocks],
        descriptors=tuple(os.dup(0) for _ in range(fds)),
    )
    assert packet.buffers is not None
    assert [bytes(buffer) for buffer in packet.buffers] == blocks
    packet.buffers[0][0] = 7
    assert len(packet.descriptors) == fds
    for fd in packet.descriptors:
        os.close(fd)


def test_messages_keep_their_order_and_their_borders(pair: tuple[socket.socket, socket.socket]) -> None:
    for number in range(3):
        send(pair[0], Head(FLIGHT, number=number), b"x" * number)
    for number in range(3):
        packet = receive(pair[1])
        assert (packet.head.number, bytes(packet.data)) == (number, b"x" * number)
    with pytest.raises(BlockingIOError):
        receive(pair[1], socket.MSG_DONTWAIT)


@pytest.mark.parametrize("size", [1000, 100_000, 150_000, 300_000])
def test_a_full_socket_takes_nothing_and_loses_nothing(
    size: int, pair: tuple[socket.socket, socket.socket]
) -> None:
    sent = 0
    with pytest.raises(BlockingIOError):
        while True:
            send(pair[0], Head(FLIGHT, number=sent), bytes(size), flags=socket.MSG_DONTWAIT)
            sent += 1
    assert sent
    numbers = []
    while select.select([pair[1]], [], [], 0)[0]:
        packet = receive(pair[1])
        assert len(packet.data) == size
        numbers.append(packet.head.number)
    assert numbers == list(range(sent))


@pytest.mark.parametrize("size", [0, ROOM])
def test_who_has_gone_is_told_of(size: int, pair: tuple[socket.socket, socket.socket]) -> None:
    before = len(os.listdir("/proc/self/fd"))
    pair[1].close()
    with pytest.raises(ChannelClosed):
        send(pair[0], FULL, bytes(size), (os.dup(0),))
    with pytest.raises(ChannelClosed):
        receive(pair[0])
    assert len(os.listdir("/proc/self/fd")) == before - 1


def test_what_was_sent_before_a_reset_is_read_after_it(pair: tuple[socket.socket, socket.socket]) -> None:
    send(pair[0], FULL, b"never read")
    send(pair[1], Head(LANDED, number=5), b"the last words")
    pair[1].close()
    assert receive(pair[0]).head.number == 5
    with pytest.raises(ChannelClosed):
        receive(pair[0])


@pytest.mark.parametrize("free", [0, 1])
def test_a_message_whose_descriptors_find_no_room_is_an_error(
    free: int, pair: tuple[socket.socket, socket.socket]
) -> None:
    """Not one whose head is read out of something else."""
    send(pair[0], FULL, b"", (os.dup(0), os.dup(0)))
    send(pair[0], Head(LANDED, number=8))
    listing = os.open("/proc/self/fd", os.O_RDONLY)
    highest = max(map(int, os.listdir(listing)))
    os.close(listing)
    fillers: list[int] = []
    while not fillers or fillers[-1] <= highest:
        fillers.append(os.dup(0))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (fillers[-1] + 1 + free, limits[1]))
    try:
        with pytest.raises(OSError, match="no free ones"):
            receive(pair[1])
        assert receive(pair[1]).head.number == 8
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for fd in fillers:
            os.close(fd)
