"""SIGKILL of who speaks and of who listens, at each step: whole messages, and then the end."""

from __future__ import annotations

import os
import random
import select
import signal
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from procession.ipc import letters, pipes
from procession.ipc.connection import Connection, Pipe
from procession.linux.pidfd import wait_exit
from tests.unit.ipc.pipekit import KINDS, blocked_in, die, ended, fork, kill, open_fds

pytestmark = pytest.mark.hang_limit(30)

SIZES = {"small": 10, "boat": 150_000, "memfd": 1 << 20}


def _before_the_memory_is_there(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pipes, "write_letter", lambda *_: die())


def _while_the_memory_is_filled(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(letters, "_write", lambda *_: die())
    patch.setattr(letters, "_launch", lambda *_: die())


def _before_the_packet_goes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(letters.Letter, "ancillary", lambda _: die())


def _before_anything(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pipes, "_dumps", lambda *_, **__: die())


STEPS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "before anything": _before_anything,
    "before the memory is there": _before_the_memory_is_there,
    "while the memory is filled": _while_the_memory_is_filled,
    "before the packet goes": _before_the_packet_goes,
}


WHEN = [
    *[(step, size) for step in [*STEPS, "after the send"] for size in SIZES if size != "small"],
    *[(step, "small") for step in ("before anything", "after the send")],  # the rest is one system call
]


@pytest.mark.parametrize(("step", "size"), WHEN)
def test_a_sender_is_killed(step: str, size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = open_fds()
    left, right = Pipe()
    message = "x" * SIZES[size]

    def body() -> None:
        right.close()
        left.send("first")
        left.send(message)
        if step in STEPS:
            STEPS[step](monkeypatch)
            left.send(message + "never")
        die()

    pid = fork(body)
    left.close()
    with right:
        assert [right.recv(), right.recv()] == ["first", message]
        for _ in range(2):
            with pytest.raises(EOFError):
                right.recv()
        with pytest.raises(BrokenPipeError):
            right.send("nobody")
    ended(pid, -signal.SIGKILL)
    assert open_fds() == before


@pytest.mark.parametrize("size", [*SIZES.values(), 20_000])
def test_a_sender_is_killed_while_it_waits_for_room(size: int) -> None:
    left, right = Pipe()
    told, tell = os.pipe()

    def body() -> None:
        right.close()
        number = 0
        while True:
            left.send((number, "x" * size))
            number += 1
            os.write(tell, b".")

    pid = fork(body)
    left.close()
    os.close(tell)
    blocked_in(pid)
    kill(pid)
    with right, open(told, "rb") as done:
        sent = len(done.read())
        received = []
        with pytest.raises(EOFError):
            while True:
                received.append(right.recv())
    # The last one may have gone in the moment of the kill, and is whole then too.
    assert len(received) in (sent, sent + 1)
    assert received == [(number, "x" * size) for number in range(len(received))]


@pytest.mark.parametrize("part", [2, 4, 100, 5000])
def test_a_stream_that_breaks_off_in_the_middle_is_at_its_end(part: int) -> None:
    left, right = socket.socketpair()
    receiver = Connection(right.detach())
    frame = struct.pack("!i", 10_000) + bytes(10_000)

    def body() -> None:
        receiver.close()
        left.sendall(frame)
        left.sendall(frame[:part])
        die()

    pid = fork(body)
    left.close()
    with receiver:
        assert receiver.recv_bytes() == bytes(10_000)
        with pytest.raises(EOFError):
            receiver.recv_bytes()
    ended(pid, -signal.SIGKILL)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "one-way pipe"])
def test_a_peer_is_killed_in_a_large_send_of_any_kind(kind: str) -> None:
    left, right = KINDS[kind]()
    told, tell = os.pipe()

    def body() -> None:
        right.close()
        while True:
            left.send_bytes(bytes(8 << 20))
            os.write(tell, b".")

    pid = fork(body)
    left.close()
    blocked_in(pid)
    kill(pid)
    with right, suppress_std(right):
        while True:
            assert len(right.recv_bytes()) == 8 << 20
    os.close(told)
    os.close(tell)


class suppress_std(suppress):  # noqa: N801 — used as a word
    """The end.  The standard library's own class has another error for it in the middle of a message."""

    def __init__(self, end: Any) -> None:
        ours = isinstance(end, Connection)
        super().__init__(EOFError, ConnectionResetError, *(() if ours else (OSError,)))


@pytest.mark.parametrize("size", [10, 30_000, 150_000, 8 << 20])
@pytest.mark.parametrize("kind", KINDS)
def test_a_reader_is_killed(kind: str, size: int) -> None:
    sender, receiver = KINDS[kind]()
    ready, tell = os.pipe()

    def body() -> None:
        sender.close()
        for _ in range(3):
            receiver.recv_bytes()
        os.write(tell, b".")
        select.poll().poll()

    pid = fork(body)
    receiver.close()
    with sender:
        for _ in range(3):
            sender.send_bytes(bytes(size))
        assert os.read(ready, 1) == b"."
        os.kill(pid, signal.SIGKILL)  # while we send
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while True:
                sender.send_bytes(bytes(size))
    ended(pid, -signal.SIGKILL)
    os.close(ready)
    os.close(tell)


def test_a_killed_reader_takes_only_what_is_in_its_hands() -> None:
    left, right = Pipe()
    count = 120
    told, tell = Pipe(duplex=False)

    def take(many: int) -> None:
        left.close()
        for _ in range(many):
            tell.send(right.recv()[0])
        die()

    pids = [fork(lambda: take(20)) for _ in range(3)]
    for number in range(count):
        left.send((number, "x" * number))
    for pid in pids:
        ended(pid, -signal.SIGKILL)
    taken = [told.recv() for _ in range(60)]
    left.close()
    with suppress(EOFError):
        while True:
            number, ballast = right.recv()
            assert len(ballast) == number
            taken.append(number)
    assert sorted(taken) == list(range(count))
    for end in (right, told, tell):
        end.close()


@pytest.mark.parametrize("rounds", [15, pytest.param(150, marks=pytest.mark.slow)])
def test_senders_killed_at_random_tear_nothing(rounds: int) -> None:
    chance = random.Random(7)
    left, right = Pipe()
    steady = 400

    def send_for_ever(who: int) -> None:
        right.close()
        turn = 0
        while True:
            left.send((who, turn, "x" * (turn * 7919 % 250_000)))
            turn += 1

    def send_all() -> None:
        right.close()
        for turn in range(steady):
            left.send((-1, turn, "x" * (turn * 6007 % 250_000)))

    steady_pid = fork(send_all)
    last: dict[int, int] = {}
    for who in range(rounds):
        pid = fork(lambda who=who: send_for_ever(who))  # type: ignore[misc]
        for _ in range(chance.randrange(1, 12)):
            _check(right.recv(), last)
        kill(pid)
    left.close()
    with suppress(EOFError):
        while True:
            _check(right.recv(), last)
    ended(steady_pid)
    assert last[-1] == steady - 1
    right.close()


def _check(message: tuple[int, int, str], last: dict[int, int]) -> None:
    who, turn, ballast = message
    assert turn == last.get(who, -1) + 1
    assert len(ballast) == turn * (6007 if who < 0 else 7919) % 250_000
    last[who] = turn


def test_a_parent_that_is_killed_is_the_end_for_its_children() -> None:
    # The parent's copies go with it, whatever it forgot to close.
    told, tell = Pipe(duplex=False)

    def parent() -> None:
        left, right = Pipe()

        def child() -> None:
            left.close()
            told.close()
            tell.send(os.getpid())
            try:
                right.recv()
            except EOFError:
                tell.send("end")

        fork(child)
        select.poll().poll()

    pid = fork(parent)
    child = os.pidfd_open(told.recv())
    kill(pid)
    assert told.recv() == "end"
    assert wait_exit(child, 20)
    os.close(child)
    told.close()
    tell.close()
