"""End of file comes when the other side's process is gone, also where a copy of its end was forgotten."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from procession.ipc import given
from procession.ipc.connection import Pipe, wait
from tests.unit.ipc.pipekit import Ends, ended, fork

# Every test here would wait for ever without the rule that it tests.
pytestmark = pytest.mark.hang_limit(30)


@pytest.fixture
def pair() -> Iterator[Ends]:
    left, right = Pipe()
    yield left, right
    left.close()
    right.close()


class Child:
    """A child that was given ``ends``, as our Process starts one: strangers closed, the giving noted."""

    def __init__(self, body: Callable[..., object], *ends: Any) -> None:
        self.gate, theirs = os.pipe()
        gate_read, self.gate = self.gate, theirs

        def run() -> None:
            os.close(theirs)
            given.close_strangers(ends)
            os.read(gate_read, 1)
            body(*ends)

        self.pid = fork(run)
        os.close(gate_read)
        pidfd = os.pidfd_open(self.pid)
        given.note_handed(ends, pidfd)
        os.close(pidfd)

    def go_on(self) -> None:
        """Let the body run."""
        os.close(self.gate)

    def killed(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        ended(self.pid, -signal.SIGKILL)
        os.close(self.gate)

    def done(self) -> None:
        self.go_on()
        ended(self.pid)


def nothing(*_: Any) -> None:
    """Ends at once."""


READS: dict[str, Callable[[Any], Any]] = {
    "recv": lambda end: end.recv(),
    "recv_bytes": lambda end: end.recv_bytes(),
    "recv_bytes_into": lambda end: end.recv_bytes_into(bytearray(10)),
}


@pytest.mark.parametrize("read", READS)
def test_the_end_comes_when_the_child_is_dead_and_our_copy_forgotten(read: str, pair: Ends) -> None:
    left, right = pair
    Child(nothing, right).killed()
    for _ in range(2):
        with pytest.raises(EOFError):
            READS[read](left)


@pytest.mark.parametrize("read", READS)
def test_the_end_comes_to_who_waits_already(read: str, pair: Ends) -> None:
    left, right = pair
    child = Child(nothing, right)
    seen: list[str] = []

    def receive() -> None:
        try:
            READS[read](left)
        except EOFError:
            seen.append("end")

    thread = threading.Thread(target=receive)
    thread.start()
    child.killed()
    thread.join()
    assert seen == ["end"]


def test_what_the_child_had_sent_comes_first(pair: Ends) -> None:
    left, right = pair

    def body(end: Any) -> None:
        end.send("one")
        end.send(b"two" * 100_000)

    Child(body, right).done()
    assert left.poll()
    assert [left.recv(), left.recv()] == ["one", b"two" * 100_000]
    assert left.poll(30)
    with pytest.raises(EOFError):
        left.recv()


def test_poll_and_wait_see_the_end_and_nothing_before(pair: Ends) -> None:
    left, right = pair
    child = Child(nothing, right)
    assert not left.poll(0.01)
    assert wait([left], 0.01) == []
    child.killed()
    assert left.poll(30)
    assert left.poll()
    assert wait([left], 30) == [left]
    assert wait([left], 0) == [left]


def test_poll_and_wait_are_woken_by_the_end(pair: Ends) -> None:
    left, right = pair
    child = Child(nothing, right)
    seen: list[Any] = []
    threads = [
        threading.Thread(target=lambda: seen.append(left.poll(None))),
        threading.Thread(target=lambda: seen.append(wait([left]) == [left])),
    ]
    for thread in threads:
        thread.start()
    child.killed()
    for thread in threads:
        thread.join()
    assert seen == [True, True]


def test_wait_among_several(pair: Ends) -> None:
    left, right = pair
    other, another = Pipe()
    with other, another:
        child = Child(nothing, right, another)
        right_gone = [left, other]
        assert wait(right_gone, 0) == []
        child.killed()
        assert wait(right_gone) == right_gone


def test_a_sender_whose_reader_has_died_is_told(pair: Ends) -> None:
    left, right = pair
    child = Child(nothing, right)
    left.send("the child may read this")
    child.killed()
    with pytest.raises(BrokenPipeError):
        while True:
            left.send("x" * 1000)
    with pytest.raises(BrokenPipeError):
        while True:
            left.send("x" * 1_000_000)


@pytest.mark.parametrize("size", [1000, 1_000_000])
def test_a_sender_that_waits_for_room_is_told(size: int, pair: Ends) -> None:
    left, right = pair
    child = Child(nothing, right)
    seen: list[str] = []
    full = threading.Event()

    def send() -> None:
        try:
            while True:
                left.send("x" * size)
                full.set()
        except BrokenPipeError:
            seen.append("broken")

    thread = threading.Thread(target=send)
    thread.start()
    full.wait()
    child.killed()
    thread.join()
    assert seen == ["broken"]


def test_the_last_of_several_holders_makes_the_end(pair: Ends) -> None:
    left, right = pair
    children = [Child(lambda end: end.send("last words"), right) for _ in range(3)]
    for child in children[:-1]:
        child.killed()
        assert not left.poll(0.01)
    children[-1].done()
    assert left.recv() == "last words"
    with pytest.raises(EOFError):
        left.recv()


def test_both_ends_given_away(pair: Ends) -> None:
    left, right = pair
    first, second = Child(nothing, left), Child(nothing, right)
    first.killed()
    second.killed()
    # The copies of this process speak to each other again as soon as one is used: left was forgotten too.
    with pytest.raises(EOFError):
        left.recv()


def test_an_end_that_is_used_here_is_not_forgotten(pair: Ends) -> None:
    left, right = pair
    Child(nothing, right).killed()
    right.send("I am still here")
    assert left.recv() == "I am still here"
    assert not left.poll(0.01)
    assert wait([left], 0.01) == []
    answered: list[Any] = []
    thread = threading.Thread(target=lambda: answered.append(left.recv()))
    thread.start()
    right.send("and here")
    thread.join()
    assert answered == ["and here"]


def test_an_end_that_went_to_somebody_unknown_is_not_forgotten(pair: Ends) -> None:
    left, right = pair
    others, other = Pipe()
    with others, other:
        others.send(right)
        Child(nothing, right).killed()
        assert not left.poll(0.01)
        with other.recv() as arrived:
            arrived.send("by the other way")
        assert left.recv() == "by the other way"
        assert not left.poll(0.01)


def test_an_end_given_again_is_alive_again(pair: Ends) -> None:
    left, right = pair
    Child(nothing, right).killed()
    with pytest.raises(EOFError):
        left.recv()
    child = Child(lambda end: end.send("the second"), right)
    assert not left.poll(0.01)
    child.done()
    assert left.recv() == "the second"
    with pytest.raises(EOFError):
        left.recv()


def test_a_grandchild_that_nobody_told_us_of_is_waited_for(pair: Ends) -> None:
    left, right = pair
    hold, release = Pipe()
    told, tell = os.pipe()

    def body(end: Any, gate: Any) -> None:
        def grandchild() -> None:
            gate.recv()
            end.send("from the grandchild")

        os.write(tell, str(fork(grandchild)).encode())

    Child(body, right, hold).done()
    grandchild = os.pidfd_open(int(os.read(told, 100)))
    assert not left.poll(0.01)
    release.send("go")
    assert left.recv() == "from the grandchild"
    with pytest.raises(EOFError):
        left.recv()
    from procession.linux.pidfd import wait_exit

    wait_exit(grandchild)
    for fd in (told, tell, grandchild):
        os.close(fd)
    hold.close()
    release.close()


def test_a_closed_end_is_the_kernels_business(pair: Ends) -> None:
    left, right = pair
    child = Child(lambda end: end.send("words"), right)
    right.close()
    assert not left.poll(0.01)
    child.done()
    assert left.recv() == "words"
    with pytest.raises(EOFError):
        left.recv()


def test_a_child_that_forks_has_given_nothing_away(pair: Ends) -> None:
    left, right = pair
    child = Child(nothing, right)

    def body() -> None:
        # A plain fork holds both ends like its parent, and has not given any away.
        assert not left.poll(0)
        right.send("to ourselves")
        assert left.recv() == "to ourselves"

    pid = fork(body)
    ended(pid)
    child.killed()
    with pytest.raises(EOFError):
        left.recv()


def test_the_rule_costs_nothing_when_nobody_was_given_anything(pair: Ends) -> None:
    left, right = pair
    child = Child(nothing, right)
    child.killed()
    right.send(1)
    assert left.recv() == 1
    left.send(1)
    assert right.recv() == 1
    # The quick way again: the socket's own methods.
    assert all(end._receive is not None and end._write is not None for end in pair)


def test_an_end_pickled_for_a_new_process_is_not_gone_elsewhere(pair: Ends) -> None:
    # What spawn does: pickled while a process is being started, by whatever way.
    from multiprocessing import reduction

    left, right = pair
    context: Any = reduction.context  # type: ignore[attr-defined]

    class Spawning:
        DupFd = int

        @staticmethod
        def duplicate_for_child(fd: int) -> int:
            return fd

    context.set_spawning_popen(Spawning)
    try:
        pickle.dumps(right)
    finally:
        context.set_spawning_popen(None)
    Child(nothing, right).killed()
    with pytest.raises(EOFError):
        left.recv()


def test_the_end_is_noticed_at_once(pair: Ends) -> None:
    left, right = pair
    child = Child(nothing, right)
    at: list[float] = []

    def receive() -> None:
        with pytest.raises(EOFError):
            left.recv()
        at.append(time.monotonic())

    thread = threading.Thread(target=receive)
    thread.start()
    child.killed()
    start = time.monotonic()
    thread.join()
    assert at[0] - start < 0.5
