"""The shared page: what is marked counts, what is not marked was never written."""

from __future__ import annotations

import marshal
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from procession.pool.page import (
    ARRAY,
    BATCH,
    BEGUN,
    CLAIM,
    ELSEWHERE,
    ERROR,
    FLOATS,
    GAUGES,
    HALF,
    INTS,
    JOURNAL,
    KIND,
    LEAD,
    LIMIT,
    MARK,
    NO_STEP,
    NONE,
    NONES,
    NOTE_LENGTH,
    NOTE_MAX,
    SEALED,
    SLOTS,
    STEP,
    STOP,
    UNLIMITED,
    VALUE,
    VERSION,
    Page,
    create_page,
)

PLAIN_VALUES: list[Any] = [0, -(2**200), True, None, 1.5, float("inf"), "word", "\udc80", b"", b"\0\xff", ""]
ROOM = HALF - ARRAY - 5  # the head of the list


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


class Journal:
    """A journal as a worker keeps it."""

    def __init__(self, page: Page, flight: int) -> None:
        self._page = page
        self._mark = MARK + (flight & 1)
        self._write: Callable[[bytes], object] = page.open_journal(flight)
        self.at = 0

    def enter(self, outcome: Any, *, mark: bool = True) -> None:
        self._write(marshal.dumps(outcome, VERSION))
        if mark:
            self.mark()

    def mark(self) -> None:
        self.at += 1
        self._page.slots[self._mark] = self.at


def test_a_new_page_says_that_nothing_goes_on(pair: Pair) -> None:
    assert pair.parent.slots[SEALED] == pair.parent.slots[STOP] == 0
    assert pair.parent.read_note() == b""
    for flight in range(4):
        assert not pair.parent.has_begun(flight)
        assert (pair.parent.mark(flight), pair.parent.read_journal(flight)) == (0, [])
    assert list(pair.parent.gauges) == [0] * (SLOTS - GAUGES)


def test_no_slot_has_two_meanings() -> None:
    single = [STOP, NOTE_LENGTH, BEGUN, SEALED, STEP]
    used = single + [first + half for first in (BATCH, MARK, CLAIM, LIMIT, KIND, LEAD) for half in (0, 1)]
    assert len(set(used)) == len(used)
    assert max(used) < GAUGES


def test_slots_are_seen_on_the_other_side(pair: Pair) -> None:
    pair.worker.slots[CLAIM] = 2**63 - 1
    pair.parent.slots[STOP] = 1
    pair.worker.gauges[0] += 5
    pair.worker.gauges[-1] = -(2**63)
    assert pair.parent.slots[CLAIM] == 2**63 - 1
    assert pair.worker.slots[STOP] == 1
    assert (pair.parent.gauges[0], pair.parent.gauges[-1]) == (5, -(2**63))
    # Gauges stand clear of the page's own slots.
    assert pair.parent.slots[GAUGES] == 5


# ── the journal ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("flight", [0, 1])
@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (INTS, [0, -1, 2**63 - 1, -(2**63)]),
        (FLOATS, [0.0, -0.0, 1.5, float("inf"), 5e-324]),
        (NONES, [None, None, None]),
    ],
)
def test_a_journal_may_begin_with_values_of_one_kind(
    kind: int, values: list[Any], flight: int, pair: Pair
) -> None:
    journal = Journal(pair.worker, flight)
    array = pair.worker.open_array(flight & 1, kind)
    for value in values:
        if value is not None:
            array[journal.at] = value
        journal.mark()
        assert repr(pair.parent.read_journal(flight)) == repr(values[: journal.at])
    # One that is stored and not marked does not count, also when the worker ends now.
    if kind != NONES:
        array[journal.at] = values[0]
    assert len(pair.parent.read_journal(flight)) == len(values)
    pair.worker.close_array(flight & 1, journal.at)
    journal.enter("other")
    journal.enter((VALUE, b"pickle"))
    assert repr(pair.parent.read_journal(flight)) == repr([*values, "other", (VALUE, b"pickle")])
    # The next flight of the same half begins anew.
    journal = Journal(pair.worker, flight + 2)
    assert pair.parent.read_journal(flight + 2) == []
    journal.enter("first")
    assert pair.parent.read_journal(flight + 2) == ["first"]


@pytest.mark.parametrize("flight", [0, 1, 2, 7])
def test_outcomes_are_read_as_they_were_written(flight: int, pair: Pair) -> None:
    outcomes = [
        *PLAIN_VALUES,
        (VALUE, b"five"),
        (ERROR, b""),
        (ELSEWHERE, b""),
        bytes(1000),
        (VALUE, b"five"),
    ]
    journal = Journal(pair.worker, flight)
    assert pair.parent.read_journal(flight) == []
    for number, outcome in enumerate(outcomes, 1):
        journal.enter(outcome)
        read = pair.parent.read_journal(flight)
        assert read == outcomes[:number]
        assert [type(value) for value in read] == [type(value) for value in outcomes[:number]]
    assert pair.parent.mark(flight) == len(outcomes)


def test_values_do_not_refer_to_one_another(pair: Pair) -> None:
    """From marshal's version 3 on the second of two would be a number of the first, in another journal entry."""
    journal = Journal(pair.worker, 0)
    word, large = "interned", "x" * 1000
    for value in (word, large, word, large, (VALUE, large.encode()), (VALUE, large.encode())):
        journal.enter(value)
    assert pair.parent.read_journal(0)[2:] == [word, large, (VALUE, large.encode()), (VALUE, large.encode())]


def test_flights_take_turns_and_the_newest_two_can_be_read(pair: Pair) -> None:
    for flight in range(6):
        journal = Journal(pair.worker, flight)
        # Shorter each time: what an older flight has left behind the mark must not show.
        for task in range(6 - flight):
            journal.enter((100 * flight + task, bytes([flight]) * (60 - 10 * flight)))
        for known in range(8):
            read = pair.parent.read_journal(known)
            assert pair.parent.has_begun(known) == (known in (flight, flight - 1) and known >= 0)
            if pair.parent.has_begun(known):
                assert [task for task, _ in read] == [100 * known + task for task in range(6 - known)]
                assert {data for _, data in read} == {bytes([known]) * (60 - 10 * known)}
            else:
                assert (read, pair.parent.mark(known)) == ([], 0)


@pytest.mark.parametrize("flight", [0, 1])
def test_a_journal_takes_what_it_has_room_for_and_no_more(flight: int, pair: Pair) -> None:
    Journal(pair.worker, 1 - flight).enter("the other half")
    journal = Journal(pair.worker, flight)
    head = len(marshal.dumps(b"", VERSION))
    mark = len(marshal.dumps((ELSEWHERE, b""), VERSION))
    for size in (ROOM + 1, ROOM, ROOM - head + 1):
        with pytest.raises(ValueError, match="out of range"):
            journal.enter(bytes(size))
        assert pair.parent.read_journal(flight) == []
    # What did not fit has left nothing.
    journal.enter(b"x" * (ROOM - head - mark))
    with pytest.raises(ValueError, match="out of range"):
        journal.enter(b"y" * mark)
    journal.enter((ELSEWHERE, b""))  # exactly full
    with pytest.raises(ValueError, match="out of range"):
        journal.enter(None)
    assert pair.parent.read_journal(flight) == [b"x" * (ROOM - head - mark), (ELSEWHERE, b"")]
    assert pair.parent.read_journal(1 - flight) == ["the other half"]
    assert pair.parent.slots[STOP] == 0


@pytest.mark.parametrize("flight", [0, 1])
def test_a_journal_holds_the_longest_flight_of_short_outcomes(flight: int, pair: Pair) -> None:
    from procession.pool.schedule import FLIGHT_MAX

    journal = Journal(pair.worker, flight)
    values: list[Any] = [1.5 if number % 2 else 2**30 for number in range(FLIGHT_MAX)]
    for value in values:
        journal.enter(value)
    assert pair.parent.read_journal(flight) == values


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
        pytest.param(0, ["one"], id="between-entry-and-mark"),
        pytest.param(1, ["one", "two"], id="after-the-mark"),
    ],
)
def test_an_outcome_counts_from_its_mark(stores: int, expected: list[str], pair: Pair) -> None:
    journal = Journal(pair.worker, 0)
    journal.enter("one")
    dying(pair.worker, stores)
    if stores:
        journal.enter("two")
    else:
        with pytest.raises(Killed):
            journal.enter("two")
    assert pair.parent.read_journal(0) == expected


@pytest.mark.parametrize(("stores", "begun"), [(0, False), (1, False), (3, False), (4, True)])
def test_a_journal_is_open_from_its_name_and_then_empty(stores: int, begun: bool, pair: Pair) -> None:
    Journal(pair.worker, 0).enter("of flight 0")
    dying(pair.worker, stores)
    if stores < 4:
        with pytest.raises(Killed):
            pair.worker.open_journal(2)
    else:
        pair.worker.open_journal(2)
    assert pair.parent.has_begun(2) == begun
    assert pair.parent.read_journal(2) == []
    assert pair.parent.read_journal(0) == (["of flight 0"] if not stores else [])


@pytest.mark.parametrize("end", range(0, 200, 17))
def test_garbage_behind_the_mark_is_ignored(end: int, pair: Pair) -> None:
    journal = Journal(pair.worker, 0)
    journal.enter("one")
    start = JOURNAL + ARRAY + 5 + len(marshal.dumps("one", VERSION))
    pair.worker._whole[start : start + end] = os.urandom(end)
    assert pair.parent.read_journal(0) == ["one"]


def test_a_flight_is_prepared_without_touching_its_brother(pair: Pair) -> None:
    assert pair.parent.slots[BATCH] == pair.parent.slots[BATCH + 1] == NONE
    for flight in (0, 1):
        pair.parent.prepare(flight)
        pair.worker.slots[CLAIM + flight] = 10 + flight
        pair.parent.slots[LIMIT + flight] = 20 + flight
    pair.parent.prepare(2)
    assert (pair.parent.claim(2), pair.worker.slots[LIMIT]) == (0, UNLIMITED)
    assert (pair.parent.claim(1), pair.worker.slots[LIMIT + 1]) == (11, 21)


# ── the note ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text", [b"", b"a name", b"\xff\n\0", b"n" * NOTE_MAX], ids=["empty", "short", "odd bytes", "longest"]
)
def test_a_note_is_read_as_it_was_written(text: bytes, pair: Pair) -> None:
    pair.worker.note(b"what was before it, and longer")
    pair.worker.note(text)
    assert pair.parent.read_note() == text


def test_a_note_is_cut_and_spoils_nothing(pair: Pair) -> None:
    Journal(pair.worker, 0).enter("one")
    pair.worker.gauges[-1] = 7
    pair.worker.note(b"\xff" * (NOTE_MAX + 5000))
    assert pair.parent.read_note() == b"\xff" * NOTE_MAX
    assert pair.parent.read_journal(0) == ["one"]
    assert pair.parent.gauges[-1] == 7


@pytest.mark.parametrize(("stores", "seen"), [(0, b"old"), (1, b"")])
def test_a_note_that_is_being_written_is_not_read(stores: int, seen: bytes, pair: Pair) -> None:
    pair.worker.note(b"old")
    dying(pair.worker, stores)
    with pytest.raises(Killed):
        pair.worker.note(b"new and longer")
    assert pair.parent.read_note() == seen


def test_one_of_several_notes_is_named_by_a_store(pair: Pair) -> None:
    assert pair.worker.note_steps(b"first\0second\0\0fourth")
    seen = []
    for step in range(5):
        pair.worker.step[0] = step
        seen.append(pair.parent.read_note())
    assert seen == [b"first", b"second", b"", b"fourth", b""]
    assert not pair.worker.note_steps(b"x" * (NOTE_MAX + 1))
    pair.worker.note(b"one\0alone")
    assert pair.parent.slots[STEP] == NO_STEP
    assert pair.parent.read_note() == b"one\0alone"


def test_the_page_survives_its_worker() -> None:
    descriptor, parent = create_page()
    pid = os.fork()
    if pid == 0:
        try:
            worker = Page(descriptor)
            journal = Journal(worker, 0)
            journal.enter("kept")
            journal.enter("not kept", mark=False)
            worker.slots[CLAIM] = 2
            worker.note(b"at the second")
            signal.pidfd_send_signal(os.pidfd_open(os.getpid()), signal.SIGKILL)
        finally:
            os._exit(1)
    os.close(descriptor)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    assert parent.read_journal(0) == ["kept"]
    assert (parent.claim(0), parent.read_note()) == (2, b"at the second")
    parent.close()
