"""The line alone: whatever is done to it in whatever order, records come out as they went in."""

from __future__ import annotations

import os
import select
from collections import deque

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from procession.ipc import carry
from procession.ipc.queue_book import PUNCHED, SPILLED, Book
from procession.ipc.queue_line import Line
from procession.ipc.queues import Queue
from procession.linux import fixedpipe
from procession.linux.fixedpipe import RECORD, TOGETHER, capacity, pending, record_pipe
from tests.unit.ipc.queuekit import narrow


def pickled(book: Book) -> Book:
    """As it arrives in another process."""
    parcel = carry.pack(book)
    arrived = carry.unpack(parcel.data, parcel.descriptors)
    assert isinstance(arrived, Book)
    return arrived


class LineMachine(RuleBasedStateMachine):
    """A narrow line against a deque, with two processes' views of it (``line`` and ``other``)."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: Queue[object] = narrow(Queue())
        self.line = self.queue._line
        fds = (os.dup(self.line.reader), os.dup(self.line.writer), os.dup(self.line.log))
        self.other = Line(pickled(self.line.book), *fds)
        self.model: deque[bytes] = deque()
        self.number = 0

    def records(self, count: int) -> bytes:
        made = [(self.number + step).to_bytes(8, "big").ljust(RECORD, b".") for step in range(count)]
        self.number += count
        self.model.extend(made)
        return b"".join(made)

    @rule(count=st.integers(1, TOGETHER), guarded=st.booleans())
    def write(self, count: int, guarded: bool) -> None:
        if guarded:
            with self.line.book.section:
                self.line.write_guarded(self.records(count))
        else:
            self.line.write(self.records(count))

    @rule(count=st.integers(1, 12), other=st.booleans())
    def take(self, count: int, other: bool) -> None:
        data = (self.other if other else self.line).take_now(count)
        taken = [data[at : at + RECORD] for at in range(0, len(data), RECORD)]
        assert taken == [self.model.popleft() for _ in taken]
        assert taken or not self.model

    @rule()
    @precondition(lambda self: pending(self.line.reader) > 0)
    def read_blocking_as_get_does(self) -> None:
        assert os.read(self.line.reader, RECORD) == self.model.popleft()
        if self.line.words[SPILLED]:
            self.line.tend()

    @rule()
    def refill(self) -> None:
        with self.line.book.section:
            self.other.refill()

    @rule()
    def give_up_writing(self) -> None:
        self.other.close_writer()

    @invariant()
    def counts_are_right(self) -> None:
        with self.line.book.section:
            assert self.line.waiting() == len(self.model)
        assert self.line.seems_empty() == (not self.model) or self.line.words[SPILLED]

    @invariant()
    def the_pipe_does_not_run_dry(self) -> None:
        if self.line.words[SPILLED] and self.model:
            assert pending(self.line.reader)

    def teardown(self) -> None:
        vars(self.queue).clear()
        del self.line, self.other


TestLine = LineMachine.TestCase
TestLine.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)


def test_the_memory_of_the_log_is_given_back() -> None:
    queue: Queue[int] = Queue()
    for round_ in range(6):
        for number in range(20_000):
            queue.put(number)
        assert [queue.get() for _ in range(20_000)] == list(range(20_000)), round_
    assert queue._words[PUNCHED] > 0
    assert os.fstat(queue._line.log).st_blocks * 512 < 16 << 20
    assert queue.stats().spills > 100_000


def test_without_readers_a_producer_hardly_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = 0

    def pause(*_: object) -> None:
        nonlocal pauses
        pauses += 1

    monkeypatch.setattr(select, "select", pause)
    queue: Queue[int] = narrow(Queue())
    for number in range(10_000):
        queue.put(number)
    assert 0 < pauses < 20
    assert queue.qsize() == 10_000
    pauses = 0
    for number in range(100):
        queue.put(number, block=False)
    assert pauses == 0


def test_without_splice_records_go_over_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixedpipe, "_sound", False)
    queue: Queue[int] = narrow(Queue())
    for number in range(500):
        queue.put(number)
    assert [queue.get() for _ in range(500)] == list(range(500))


def test_can_splice_says_no_where_the_kernel_says_no(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(fixedpipe, "_sound", None)
    monkeypatch.setattr(os, "splice", refuse)
    assert not fixedpipe.can_splice()


def test_a_process_that_wrote_to_the_log_goes_on_there_until_it_was_empty() -> None:
    line = narrow(Queue())._line
    book = line.book
    other = Line(book, os.dup(line.reader), os.dup(line.writer), os.dup(line.log))
    for number in range(12):
        line.write(bytes([number]) * RECORD)
    # As if somebody had ended SPILLED a moment before the last record was appended.
    book.words[SPILLED] = 0
    os.read(line.reader, RECORD)
    line.write(b"z" * RECORD)
    got = b"".join(other.take_now() for _ in range(13))[::RECORD]
    assert got == bytes(range(1, 12)) + b"z"


def test_a_pipe_as_large_as_the_kernel_grants() -> None:
    reader, writer = record_pipe()
    assert capacity(reader) >= 8
    assert pending(writer) == 0
    os.close(reader)
    os.close(writer)


def test_the_seats_of_the_dead_are_taken_over_with_their_counts() -> None:
    from procession.ipc.queue_book import PUTS
    from tests.unit.ipc.queuekit import ended, fork, put_numbers

    queue: Queue[int] = Queue()
    for _ in range(30):
        assert ended(fork(put_numbers, queue, 0, 2)) == 0
    assert queue.stats().puts == queue._book.total(PUTS) == 60
    assert queue.stats().processes < 15
    assert isinstance(queue._book, Book)
