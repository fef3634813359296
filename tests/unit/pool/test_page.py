"""The shared page: what is marked counts, what is not marked was never written."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from procession.pool import page as page_module
from procession.pool.page import (
    CURRENT,
    DONE,
    ELSEWHERE,
    ERROR,
    GAUGES,
    HALF,
    IDLE,
    NOTE_MAX,
    SLOTS,
    STOP,
    VALUE,
    Page,
    create_page,
)

ENTRY = page_module._ENTRY.size


@dataclass
class Pair:
    """Both mappings of one page."""

    worker: Page
    parent: Page


@pytest.fixture
def pair() -> Iterator[Pair]:
    descriptor, parent = create_page()
    worker = Page(descriptor)
    os.close(descriptor)
    yield Pair(worker, parent)
    worker.close()
    parent.close()


def test_a_new_page_says_that_nothing_goes_on(pair: Pair) -> None:
    assert pair.parent.slots[CURRENT] == IDLE
    assert pair.parent.slots[DONE] == pair.parent.slots[STOP] == 0
    assert pair.parent.read_note() == b""
    assert [pair.parent.read_journal(batch) for batch in (0, 1)] == [None, None]
    assert list(pair.parent.gauges) == [0] * (SLOTS - GAUGES)


def test_slots_are_seen_on_the_other_side(pair: Pair) -> None:
    pair.worker.slots[CURRENT] = 2**63 - 1
    pair.parent.slots[STOP] = 1
    pair.worker.gauges[0] += 5
    pair.worker.gauges[-1] = -(2**63)
    assert pair.parent.slots[CURRENT] == 2**63 - 1
    assert pair.worker.slots[STOP] == 1
    assert (pair.parent.gauges[0], pair.parent.gauges[-1]) == (5, -(2**63))
    # Gauges stand clear of the page's own slots.
    assert pair.parent.slots[GAUGES] == 5


@pytest.mark.parametrize("batch", [0, 1, 2, 7])
def test_entries_are_read_as_they_were_written(batch: int, pair: Pair) -> None:
    entries = [(5, VALUE, b"five"), (6, ERROR, b""), (2**40, ELSEWHERE, b""), (7, VALUE, bytes(1000))]
    pair.worker.open_journal(batch)
    assert pair.parent.read_journal(batch) == []
    for number, entry in enumerate(entries, 1):
        assert pair.worker.enter(batch, *entry)
        assert pair.parent.read_journal(batch) == entries[:number]
    assert pair.parent.slots[DONE] == len(entries)


def test_batches_take_turns_and_the_newest_two_can_be_read(pair: Pair) -> None:
    for batch in range(6):
        pair.worker.open_journal(batch)
        # Shorter each time: what an older batch has left behind the mark must not show.
        for task in range(6 - batch):
            assert pair.worker.enter(batch, 100 * batch + task, VALUE, bytes([batch]) * (60 - 10 * batch))
        for known in range(6):
            read = pair.parent.read_journal(known)
            if known in (batch, batch - 1):
                assert read is not None
                assert [task for task, _, _ in read] == [100 * known + task for task in range(6 - known)]
                assert {data for _, _, data in read} == {bytes([known]) * (60 - 10 * known)}
            else:
                assert read is None


@pytest.mark.parametrize("batch", [0, 1])
def test_a_journal_takes_what_it_has_room_for_and_no_more(batch: int, pair: Pair) -> None:
    pair.worker.open_journal(1 - batch)
    assert pair.worker.enter(1 - batch, 1, VALUE, b"the other half")
    pair.worker.open_journal(batch)
    assert not pair.worker.enter(batch, 2, VALUE, bytes(HALF - ENTRY + 1))
    assert pair.parent.read_journal(batch) == []
    assert pair.worker.enter(batch, 2, VALUE, b"x" * (HALF - 2 * ENTRY))
    assert not pair.worker.enter(batch, 3, VALUE, b"y")
    assert pair.worker.enter(batch, 3, ELSEWHERE, b"")  # exactly full
    assert not pair.worker.enter(batch, 4, ELSEWHERE, b"")
    assert pair.parent.read_journal(batch) == [
        (2, VALUE, b"x" * (HALF - 2 * ENTRY)),
        (3, ELSEWHERE, b""),
    ]
    assert pair.parent.read_journal(1 - batch) == [(1, VALUE, b"the other half")]
    assert pair.parent.slots[DONE] == 3


class Killed(BaseException):
    """Stands for SIGKILL: nothing after it is executed."""


class DyingSlots:
    """The slots of a worker that is killed just before its n-th store."""

    def __init__(self, slots: memoryview, stores: int) -> None:
        self.slots = slots
        self.left = stores

    def __getitem__(self, index: int) -> int:
        value: int = self.slots[index]
        return value

    def __setitem__(self, index: int, value: int) -> None:
        if self.left == 0:
            raise Killed
        self.left -= 1
        self.slots[index] = value

    def release(self) -> None:
        self.slots.release()


def dying(page: Page, stores: int) -> None:
    page.slots = DyingSlots(page.slots, stores)  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("stores", "expected"),
    [
        pytest.param(0, [(1, VALUE, b"one")], id="between-text-and-mark"),
        pytest.param(1, [(1, VALUE, b"one"), (2, VALUE, b"two")], id="after-the-mark"),
    ],
)
def test_an_entry_counts_from_its_mark(
    stores: int, expected: list[tuple[int, int, bytes]], pair: Pair
) -> None:
    pair.worker.open_journal(0)
    assert pair.worker.enter(0, 1, VALUE, b"one")
    dying(pair.worker, stores)
    with pytest.raises(Killed):
        pair.worker.enter(0, 2, VALUE, b"two")
    assert pair.parent.read_journal(0) == expected


@pytest.mark.parametrize(("stores", "begun"), [(0, False), (1, False), (2, True)])
def test_a_journal_is_open_from_its_name_and_then_empty(stores: int, begun: bool, pair: Pair) -> None:
    pair.worker.open_journal(0)
    assert pair.worker.enter(0, 1, VALUE, b"of batch 0")
    dying(pair.worker, stores)
    if stores < 2:
        with pytest.raises(Killed):
            pair.worker.open_journal(2)
    else:
        pair.worker.open_journal(2)
    assert pair.parent.read_journal(2) == ([] if begun else None)


@pytest.mark.parametrize("end", range(0, 200, 17))
def test_garbage_behind_the_mark_is_ignored(end: int, pair: Pair) -> None:
    pair.worker.open_journal(0)
    assert pair.worker.enter(0, 1, VALUE, b"one")
    start = page_module.JOURNAL + ENTRY + 3
    pair.worker._whole[start : start + end] = os.urandom(end)
    assert pair.parent.read_journal(0) == [(1, VALUE, b"one")]


@pytest.mark.parametrize(
    "text", [b"", b"a name", b"\xff\n\0", b"n" * NOTE_MAX], ids=["empty", "short", "odd bytes", "longest"]
)
def test_a_note_is_read_as_it_was_written(text: bytes, pair: Pair) -> None:
    pair.worker.note(b"what was before it, and longer")
    pair.worker.note(text)
    assert pair.parent.read_note() == text


def test_a_note_is_cut_and_spoils_nothing(pair: Pair) -> None:
    pair.worker.open_journal(0)
    pair.worker.enter(0, 1, VALUE, b"one")
    pair.worker.gauges[-1] = 7
    pair.worker.note(b"\xff" * (NOTE_MAX + 5000))
    assert pair.parent.read_note() == b"\xff" * NOTE_MAX
    assert pair.parent.read_journal(0) == [(1, VALUE, b"one")]
    assert pair.parent.gauges[-1] == 7


@pytest.mark.parametrize(("stores", "seen"), [(0, b"old"), (1, b"")])
def test_a_note_that_is_being_written_is_not_read(stores: int, seen: bytes, pair: Pair) -> None:
    pair.worker.note(b"old")
    dying(pair.worker, stores)
    with pytest.raises(Killed):
        pair.worker.note(b"new and longer")
    assert pair.parent.read_note() == seen


def test_the_page_survives_its_worker() -> None:
    descriptor, parent = create_page()
    pid = os.fork()
    if pid == 0:
        try:
            worker = Page(descriptor)
            worker.open_journal(0)
            worker.enter(0, 1, VALUE, b"kept")
            worker.slots[CURRENT] = 2
            worker.note(b"at the second")
            signal.pidfd_send_signal(os.pidfd_open(os.getpid()), signal.SIGKILL)
        finally:
            os._exit(1)
    os.close(descriptor)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    assert parent.read_journal(0) == [(1, VALUE, b"kept")]
    assert (parent.slots[CURRENT], parent.read_note()) == (2, b"at the second")
    parent.close()
