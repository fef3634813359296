"""One contract, every kind of connection: what the standard library documents, message by message."""

from __future__ import annotations

import array
import gc
import io
import multiprocessing
import multiprocessing.connection as std
import os
import pickle
import signal
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import BufferTooShort, reduction
from typing import Any

import pytest

from procession.ipc import letters
from procession.ipc.connection import Connection, Pipe, PipeEnd, wait
from procession.ipc.letters import BOAT_MAX, ROOM
from procession.linux.seqpacket import seqpacket_pair
from tests.unit.ipc.pipekit import KINDS, Ends, blocked_in, ended, fork, in_child, open_fds

DUPLEX = [kind for kind in KINDS if kind != "one-way pipe"]
SIZES = [0, 1, 100, ROOM - 17, ROOM - 16, ROOM, ROOM + 1, BOAT_MAX - 50, BOAT_MAX + 1, 300_000, 3 << 20]


@pytest.fixture(params=KINDS)
def ends(request: pytest.FixtureRequest) -> Iterator[Ends]:
    """Somebody who sends, somebody who receives."""
    sender, receiver = KINDS[request.param]()
    yield sender, receiver
    sender.close()
    receiver.close()


@pytest.fixture
def pair() -> Iterator[Ends]:
    left, right = Pipe()
    yield left, right
    left.close()
    right.close()


def beside(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


# -- objects and bytes


@pytest.mark.parametrize("size", SIZES)
def test_bytes_of_any_size_arrive_whole(size: int, ends: Ends) -> None:
    sender, receiver = ends
    message = os.urandom(min(size, 1 << 16)) * max(1, size >> 16)
    sending = beside(lambda: sender.send_bytes(message))
    assert receiver.recv_bytes() == message
    sending.join()


@pytest.mark.parametrize("size", SIZES)
def test_objects_of_any_size_arrive_whole(size: int, ends: Ends) -> None:
    sender, receiver = ends
    message = {"size": size, "data": "x" * size, "list": [1, 2.25, None]}
    sending = beside(lambda: sender.send(message))
    assert receiver.recv() == message
    sending.join()


def test_an_object_is_its_pickle_and_a_pickle_is_an_object(ends: Ends) -> None:
    sender, receiver = ends
    sender.send([1, 2, 3])
    assert pickle.loads(receiver.recv_bytes()) == [1, 2, 3]
    sender.send_bytes(pickle.dumps({"a": 1}))
    assert receiver.recv() == {"a": 1}


def test_messages_keep_their_order_and_their_bounds(ends: Ends) -> None:
    sender, receiver = ends
    messages = [b"hello", b"", b"a", b"b", b"", b"bye" * 40_000, b"", b"lop"]
    sending = beside(lambda: [sender.send_bytes(message) for message in messages])
    assert [receiver.recv_bytes() for _ in messages] == messages
    sending.join()


@pytest.mark.parametrize("kind", DUPLEX)
def test_both_directions_at_once(kind: str) -> None:
    left, right = KINDS[kind]()
    with left, right:
        left.send("to the right")
        right.send("to the left")
        assert (left.recv(), right.recv()) == ("to the left", "to the right")


def test_any_buffer_may_be_sent(ends: Ends) -> None:
    sender, receiver = ends
    numbers = array.array("i", range(4))
    for message in (bytearray(b"abc"), memoryview(b"abc"), numbers, memoryview(numbers)[1:]):
        sender.send_bytes(message)
        assert receiver.recv_bytes() == bytes(message)


LETTERS = b"abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("arguments", "arrives"),
    [((), LETTERS), ((5,), LETTERS[5:]), ((7, 8), LETTERS[7:15]), ((26,), b""), ((26, 0), b"")],
)
def test_send_bytes_of_a_part(arguments: tuple[int, ...], arrives: bytes, ends: Ends) -> None:
    ends[0].send_bytes(LETTERS, *arguments)
    assert ends[1].recv_bytes() == arrives


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((27,), "buffer length < offset"),
        ((22, 5), r"buffer length < offset \+ size"),
        ((26, 1), r"buffer length < offset \+ size"),
        ((-1,), "offset is negative"),
        ((4, -1), "size is negative"),
    ],
)
def test_send_bytes_of_a_part_that_is_not_there(arguments: tuple[int, ...], words: str, ends: Ends) -> None:
    with pytest.raises(ValueError, match=words):
        ends[0].send_bytes(LETTERS, *arguments)
    ends[0].send_bytes(b"nothing came of it")
    assert ends[1].recv_bytes() == b"nothing came of it"


def test_recv_bytes_into_a_buffer(ends: Ends) -> None:
    sender, receiver = ends
    numbers = array.array("i", range(4))
    for offset in (0, 3):
        room = array.array("i", [0] * 10)
        sender.send_bytes(numbers)
        assert receiver.recv_bytes_into(room, offset * room.itemsize) == 4 * room.itemsize
        assert list(room) == [0] * offset + [0, 1, 2, 3] + [0] * (6 - offset)


@pytest.mark.parametrize("size", [110, 100_000])
def test_a_buffer_too_short_gives_the_message_all_the_same(size: int, ends: Ends) -> None:
    sender, receiver = ends
    message = os.urandom(size)
    room = bytearray(b" " * 40)
    sending = beside(lambda: sender.send_bytes(message))
    with pytest.raises(BufferTooShort) as caught:
        receiver.recv_bytes_into(room)
    sending.join()
    assert caught.value.args == (message,)
    assert room == b" " * 40


def test_recv_bytes_into_refuses_offsets_before_it_takes_a_message(ends: Ends) -> None:
    sender, receiver = ends
    sender.send_bytes(b"x")
    for offset, words in ((-1, "negative offset"), (5, "offset too large")):
        with pytest.raises(ValueError, match=words):
            receiver.recv_bytes_into(bytearray(4), offset)
    assert receiver.recv_bytes_into(bytearray(4), 3) == 1


def test_maxlength(ends: Ends) -> None:
    sender, receiver = ends
    sender.send_bytes(b"12345")
    assert receiver.recv_bytes(5) == b"12345"
    with pytest.raises(ValueError, match="negative maxlength"):
        receiver.recv_bytes(-1)


def test_a_message_over_maxlength_ends_the_reading(ends: Ends) -> None:
    sender, receiver = ends
    sender.send_bytes(b"123456")
    with pytest.raises(OSError, match="bad message length"):
        receiver.recv_bytes(5)
    # What is left would be read as a length in a stream; so nothing may be read any more.
    with pytest.raises(OSError, match=r"connection is write-only|handle is closed"):
        receiver.recv_bytes()


# -- poll, wait


def test_poll(ends: Ends) -> None:
    sender, receiver = ends
    assert receiver.poll() is False
    assert receiver.poll(-1) is False
    start = time.monotonic()
    assert receiver.poll(0.05) is False
    assert time.monotonic() - start >= 0.05
    sender.send_bytes(b"")
    assert receiver.poll() is True
    assert receiver.poll(None) is True
    assert receiver.recv_bytes() == b""
    assert receiver.poll() is False
    sender.close()
    assert receiver.poll(None) is True


def test_poll_that_is_woken(ends: Ends) -> None:
    sender, receiver = ends
    woken: list[bool] = []
    waiting = beside(lambda: woken.append(receiver.poll(30)))
    sender.send("wake up")
    waiting.join()
    assert woken == [True]


def test_poll_of_a_descriptor_that_is_none() -> None:
    connection = Connection(44977608)
    try:
        with pytest.raises(OSError, match="Bad file descriptor"):
            connection.poll()
    finally:
        connection._handle = None  # or its __del__ would complain
    with pytest.raises(ValueError, match="invalid handle"):
        Connection(-1)
    with pytest.raises(ValueError, match="at least one of"):
        Connection(0, readable=False, writable=False)


@pytest.mark.parametrize("waiter", [wait, std.wait])
def test_wait(waiter: Callable[..., list[Any]]) -> None:
    (a, b), (c, d) = Pipe(), Pipe(duplex=False)
    left, right = socket.socketpair()
    readable, writable = os.pipe()
    with a, b, c, d, left, right:
        everything = [a, c, left, readable]
        assert waiter(everything, 0) == []
        assert waiter(everything, -1) == []
        assert waiter([], 0) == []
        b.send(1)
        assert waiter(everything) == [a]
        right.send(b"x")
        os.write(writable, b"x")
        d.close()
        assert waiter(everything, 10) == everything
    os.close(readable)
    os.close(writable)


def test_wait_takes_the_time_it_was_given(pair: Ends) -> None:
    start = time.monotonic()
    assert wait(pair, 0.1) == []
    assert time.monotonic() - start >= 0.1


# -- open, closed, one way


def test_a_connection_is_one_of_the_standard_library(pair: Ends) -> None:
    assert all(isinstance(end, std.Connection) and isinstance(end, Connection) for end in pair)
    assert all(type(end.fileno()) is int for end in pair)
    assert not any(os.get_inheritable(end.fileno()) for end in pair)


def test_a_closed_connection(ends: Ends) -> None:
    sender, receiver = ends
    assert not sender.closed
    with sender:
        sender.close()
        sender.close()
    assert sender.closed
    for use in (sender.fileno, sender.poll, sender.recv, sender.recv_bytes, lambda: sender.send(1)):
        with pytest.raises(OSError, match="handle is closed"):
            use()
    with pytest.raises(OSError, match="handle is closed"):
        sender.send_bytes(b"")
    with pytest.raises(EOFError):
        receiver.recv()
    with pytest.raises(EOFError):
        receiver.recv_bytes()


def test_one_way() -> None:
    receiver, sender = Pipe(duplex=False)
    with receiver, sender:
        assert (receiver.readable, receiver.writable) == (True, False)
        assert (sender.readable, sender.writable) == (False, True)
        with pytest.raises(OSError, match="connection is read-only"):
            receiver.send(2)
        with pytest.raises(OSError, match="connection is read-only"):
            receiver.send_bytes(b"")
        uses: list[Callable[[], Any]] = [
            sender.recv,
            sender.recv_bytes,
            sender.poll,
            lambda: sender.recv_bytes_into(bytearray(1)),
        ]
        for use in uses:
            with pytest.raises(OSError, match="connection is write-only"):
                use()


def test_sending_to_nobody_is_a_broken_pipe(pair: Ends) -> None:
    left, right = pair
    right.close()
    for message in (b"small", b"large" * 1_000_000, b""):
        with pytest.raises(BrokenPipeError):
            left.send_bytes(message)
        with pytest.raises(BrokenPipeError):
            left.send(message)


def test_what_was_sent_before_the_close_is_read_although_we_left_messages_unread(pair: Ends) -> None:
    left, right = pair
    left.send("never read")
    right.send("first")
    right.send("second")
    right.close()
    assert [left.recv(), left.recv()] == ["first", "second"]
    with pytest.raises(EOFError):
        left.recv()
    with pytest.raises(BrokenPipeError):
        left.send("nobody")


def test_nothing_complains_when_an_open_end_is_garbage() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        left, right = Pipe()
        left.partner, right.partner = right, left  # type: ignore[attr-defined]
        descriptors = {left.fileno(), right.fileno()}
        del left, right
        gc.collect()
        for descriptor in descriptors:
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.fstat(descriptor)


def test_a_default_timeout_of_sockets_is_not_ours() -> None:
    socket.setdefaulttimeout(0.001)
    try:
        left, right = Pipe()
        with left, right:
            assert os.get_blocking(left.fileno())
            received: list[Any] = []
            waiting = beside(lambda: received.append(left.recv()))
            right.send(1)
            waiting.join()
            assert received == [1]
            right.send(left)
            with left.recv() as copy:
                assert os.get_blocking(copy.fileno())
    finally:
        socket.setdefaulttimeout(None)


# -- what does not pickle


class Refuses:
    def __reduce__(self) -> str:
        raise TypeError("stays here")


class Explodes:
    def __init__(self, ballast: int) -> None:
        self.ballast = ballast

    def __reduce__(self) -> tuple[object, ...]:
        return _explode, (bytes(self.ballast),)


def _explode(_: bytes) -> None:
    raise ValueError("not here")


def test_what_does_not_pickle_leaves_the_connection_as_it_was(ends: Ends) -> None:
    sender, receiver = ends
    with pytest.raises(TypeError, match="stays here"):
        sender.send(Refuses())
    sender.send("next")
    assert receiver.recv() == "next"


@pytest.mark.parametrize("size", [10, 1 << 20])
def test_what_does_not_unpickle_is_an_error_and_the_next_one_comes(size: int, ends: Ends) -> None:
    sender, receiver = ends
    sending = beside(lambda: (sender.send(Explodes(size)), sender.send("next")))
    with pytest.raises(ValueError, match="not here"):
        receiver.recv()
    assert receiver.recv() == "next"
    sending.join()


def test_functions_of_the_moment_travel(pair: Ends) -> None:
    factor = 3
    pair[0].send(lambda number: number * factor)
    assert pair[1].recv()(14) == 42


# -- descriptors inside


def test_a_connection_travels_in_the_message_itself(pair: Ends) -> None:
    before = open_fds()
    a, b = Pipe()
    pair[0].send({"end": b, "padding": "x" * 100})
    b.close()  # nobody serves anything: the descriptor is on its way
    with a, pair[1].recv()["end"] as arrived:
        assert type(arrived) is PipeEnd
        a.send("through the one that travelled")
        assert arrived.recv() == "through the one that travelled"
        arrived.send("and back")
        assert a.recv() == "and back"
    assert open_fds() == before


def test_one_way_ends_stay_one_way_when_they_travel(pair: Ends) -> None:
    receiver, sender = Pipe(duplex=False)
    pair[0].send([receiver, sender])
    receiver.close()
    sender.close()
    receiver, sender = pair[1].recv()
    with receiver, sender:
        assert (receiver.readable, receiver.writable) == (True, False)
        assert (sender.readable, sender.writable) == (False, True)
        sender.send("still")
        assert receiver.recv() == "still"


def test_sockets_and_connections_of_others_travel_too(pair: Ends) -> None:
    before = open_fds()
    left, right = socket.socketpair()
    other, another = multiprocessing.Pipe()
    stream = Connection(os.dup(left.fileno()))
    pair[0].send((right, another, stream))
    right.close()
    another.close()
    stream.close()
    right, another, stream = pair[1].recv()
    with left, right, other, another, stream:
        assert type(right) is socket.socket
        assert type(another) is std.Connection
        assert type(stream) is Connection
        left.send(b"x")
        assert right.recv(10) == b"x"
        other.send("y")
        assert another.recv() == "y"
        stream.send("z")
        assert Connection(right.detach()).recv() == "z"
    gc.collect()
    assert open_fds() == before


def test_a_connection_travels_through_connections_when_its_senders_are_gone() -> None:
    (a, b), (c, d), (e, f) = Pipe(), Pipe(), Pipe()

    def send_on() -> None:
        c.send(b.recv())

    a.send(f)
    f.close()
    in_child(send_on)
    in_child(lambda: a.send("too late, nobody reads it"))
    with a, b, c, d, e, d.recv() as arrived:
        e.send("found you")
        assert arrived.recv() == "found you"


@pytest.mark.parametrize("count", [252, 253, 254, 600])
def test_many_descriptors_in_one_message(count: int, pair: Ends) -> None:
    before = open_fds()
    left, right = Pipe()
    message: list[Any] = [right] * 1
    message += [Shares(right.fileno()) for _ in range(count - 1)]
    pair[0].send(message)
    right.close()
    arrived = pair[1].recv()
    assert len(arrived) == count
    for item in arrived[1:]:
        item.close()
    with left, arrived[0]:
        left.send(count)
        assert arrived[0].recv() == count
    del arrived
    assert open_fds() == before


class Shares:
    """Something with a descriptor."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def close(self) -> None:
        os.close(self.fd)

    def __reduce__(self) -> tuple[object, ...]:
        from procession.ipc import carry

        return _shares, (carry.share(self.fd),)


def _shares(shared: Any) -> Shares:
    return Shares(shared.detach())


def test_bytes_of_an_object_with_descriptors_can_be_passed_on(pair: Ends) -> None:
    left, right = Pipe()
    with left, right:
        pair[0].send(("socket inside", right))
        data = pair[1].recv_bytes()
        words, copy = pickle.loads(data)
        with copy:
            left.send("through the sharer")
            assert (words, copy.recv()) == ("socket inside", "through the sharer")
    from multiprocessing import resource_sharer

    resource_sharer.stop(timeout=10)


def test_descriptors_go_by_hand_as_well(pair: Ends) -> None:
    # multiprocessing.reduction uses the connection as a plain socket.
    readable, writable = os.pipe()
    reduction.send_handle(pair[0], writable, os.getpid())
    os.close(writable)
    copy = reduction.recv_handle(pair[1])
    os.write(copy, b"foo")
    assert os.read(readable, 10) == b"foo"
    os.write(pair[0].fileno(), b"\0")
    with pytest.raises(RuntimeError):
        reduction.recv_handle(pair[1])
    os.close(copy)
    os.close(readable)


def test_a_message_for_which_no_descriptor_is_free_is_an_error_and_the_next_one_comes(pair: Ends) -> None:
    def body() -> None:
        import resource

        pair[0].send(Shares(0))
        pair[0].send("next")
        used = max(int(fd) for fd in open_fds())
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, used + 2))
        with pytest.raises(OSError, match="no free"):
            pair[1].recv()
        assert pair[1].recv() == "next"

    in_child(body)


def test_ends_pickle_for_any_process_by_the_resource_sharer(pair: Ends) -> None:
    a, b = Pipe()
    with a, b:
        with pickle.loads(pickle.dumps(b)) as copy:
            a.send(1)
            assert copy.recv() == 1
        buffer = io.BytesIO()
        reduction.ForkingPickler(buffer).dump(b)
        with pickle.loads(buffer.getvalue()) as copy:
            a.send(2)
            assert copy.recv() == 2
    from multiprocessing import resource_sharer

    resource_sharer.stop(timeout=10)


# -- large items


def test_where_socket_buffers_are_small_a_memfd_does(pair: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    left, right = seqpacket_pair()
    left.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 20_000)
    monkeypatch.setattr(letters, "seqpacket_pair", lambda: (left, right))
    pair[0].send("x" * (BOAT_MAX - 100))
    assert pair[1].recv() == "x" * (BOAT_MAX - 100)
    assert (left.fileno(), right.fileno()) == (-1, -1)


def test_a_fast_sender_of_large_items_waits_for_its_reader(pair: Ends) -> None:
    # Not all of memory: only a few large messages are on their way at a time.
    left, right = pair

    def body() -> None:
        right.close()
        for _ in range(100):
            left.send_bytes(bytes(8 << 20))

    pid = fork(body)
    left.close()
    blocked_in(pid)
    waiting = 0
    while right.poll(0.2):
        assert len(right.recv_bytes()) == 8 << 20
        waiting += 1
        if waiting == 3:
            break
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        assert "pn-message" not in maps.read()
    os.kill(pid, signal.SIGKILL)
    ended(pid, -signal.SIGKILL)
    while True:
        try:
            right.recv_bytes()
        except EOFError:
            break
        waiting += 1
    assert waiting <= 8


@pytest.mark.slow
@pytest.mark.hang_limit(180)
def test_a_gigabyte(pair: Ends) -> None:
    with open("/proc/meminfo", encoding="ascii") as file:
        available = next(int(line.split()[1]) for line in file if line.startswith("MemAvailable"))
    if available < 5 << 20:
        pytest.skip("needs 5 GiB of free memory")
    left, right = pair
    size = 1 << 30

    def body() -> None:
        right.close()
        left.send(b"a" * size)
        left.send_bytes(b"b" * size)

    pid = fork(body)
    left.close()
    message = right.recv()
    assert len(message) == size
    assert message.count(b"a") == size
    del message
    message = right.recv_bytes()
    assert message.count(b"b") == size
    ended(pid)


# -- many at once


def test_several_processes_send_and_receive_on_the_same_ends(pair: Ends) -> None:
    left, right = pair
    results, result = Pipe(duplex=False)
    senders, receivers, each = 4, 3, 300

    def send(number: int) -> None:
        for turn in range(each):
            left.send((number, turn, "x" * (turn * 300)))

    def receive() -> None:
        right_copy, got = right, []
        left.close()
        with suppress(EOFError):
            while True:
                number, turn, ballast = right_copy.recv()
                assert ballast == "x" * (turn * 300)
                got.append((number, turn))
        result.send(got)

    pids = [fork(receive) for _ in range(receivers)]
    pids += [fork(lambda number=number: send(number)) for number in range(senders)]  # type: ignore[misc]
    left.close()
    right.close()
    with results, result:
        parts = [results.recv() for _ in range(receivers)]
    for pid in pids:
        ended(pid)
    for part in parts:  # each receiver sees each sender in order
        for number in range(senders):
            mine = [turn for who, turn in part if who == number]
            assert mine == sorted(mine)
    everything = sorted(item for part in parts for item in part)
    assert everything == [(number, turn) for number in range(senders) for turn in range(each)]


def test_a_full_pipe_blocks_its_sender_until_there_is_room(pair: Ends) -> None:
    left, right = pair

    def body() -> None:
        right.close()
        for number in range(2_000):
            left.send((number, "x" * 500))

    pid = fork(body)
    left.close()
    blocked_in(pid)
    assert right.poll(0)
    assert [right.recv()[0] for _ in range(2_000)] == list(range(2_000))
    ended(pid)
    assert right.poll(10)
    with pytest.raises(EOFError):
        right.recv()


@pytest.mark.parametrize("call", ["recv", "poll", "send"])
def test_every_wait_can_be_interrupted(call: str, pair: Ends) -> None:
    left = pair[0]
    ready, tell = Pipe(duplex=False)

    def body() -> None:
        ready.close()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with pytest.raises(KeyboardInterrupt):
            tell.send(1)
            if call == "recv":
                left.recv()
            elif call == "poll":
                left.poll(None)
            else:
                while True:
                    left.send("x" * 1000)

    pid = fork(body)
    with ready, tell:
        assert ready.recv() == 1
        blocked_in(pid)
        os.kill(pid, signal.SIGINT)
        ended(pid)
