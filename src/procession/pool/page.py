"""The page that a worker shares with its parent, in a memfd: what it does and what it has done.

::

    0     slots     64 int64, see below; the last of them are the handler's gauges
    512   note      up to NOTE_MAX bytes: what exactly the worker is at (a file name, say), or a list
                    of such, of which STEP is the index
    4096  journal 0 outcomes of the flight under way, if its number is even
    +256K journal 1 likewise, if it is odd

    for each of the two flights under way
        BATCH  whose journal this is                         worker
        MARK   tasks with an outcome                         worker
        KIND   what the first outcomes are all of            worker
        LEAD   how many of them; NONE: all so far            worker
        CLAIM  how far it may have begun                     worker     task numbers within the flight, from 0
        LIMIT  how far it may go                             parent

A journal has two parts.  Most functions return the same kind of thing each time: as long as all outcomes of a
flight are ints of 64 bits, or floats, or None, they are a plain array (of None nothing at all).  From the first
one that is different on they are a sequence of ``marshal`` values of version 2, which know no references to one
another: a plain scalar is an outcome as it is, everything else is a tuple (kind, bytes).  So the parent reads
ten thousand outcomes with one or two calls, and any beginning of a journal can be read as well as the whole.

The page survives the worker, so a result counts from the moment that MARK says so.  Nothing here needs a
lock: each slot has one writer, a store of an aligned int64 is whole or absent, and the parent reads a journal
only after BatchDone or after the worker's end.  Two journals are enough because at most two flights are under
way (``messages.WINDOW``): the parent has read the older one before it sends a third.
"""

from __future__ import annotations

import marshal
import os
import struct

from procession.linux.memfd import create_memfd, map_shared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SLOTS = 64
NOTE = SLOTS * 8
NOTE_MAX = 3072
JOURNAL = 4096
ARRAY = 128 * 1024  # bytes of the first part
HALF = 256 * 1024  # bytes; memory is taken only as far as it is written
SIZE = JOURNAL + 2 * HALF

STOP, NOTE_LENGTH = 2, 3
BEGUN = 4  # time.monotonic_ns() at the begin of the current task
SEALED = 5  # 1: the worker has called membarrier.register
BATCH, MARK, CLAIM, LIMIT, KIND, LEAD = 6, 8, 10, 12, 14, 16  # two of each, for even and odd flights
STEP = 18
GAUGES = 20  # slots 20 to 63 belong to the handler

MIXED, INTS, FLOATS, NONES = 0, 1, 2, 3  # kinds of a beginning

VALUE, ERROR, ELSEWHERE = 0, 1, 2  # kinds of an entry (kind, bytes); ELSEWHERE: sent as Spilled
NONE = -1
NO_STEP = -1
UNLIMITED = 1 << 62

VERSION = 2  # of marshal: from 3 on, values refer to one another
#: what an outcome may be as it is; of exactly these types, not of their subclasses.
PLAIN = frozenset((int, float, bool, type(None), str, bytes))

_FORMATS: dict[int, Any] = {INTS: "q", FLOATS: "d", NONES: "q"}
_LIST = struct.Struct("<ci")  # marshal's head of a list: its type and length


class Page:
    """One mapping of the page.  ``slots`` and ``gauges`` are int64 memoryviews."""

    __slots__ = ("_first", "_parts", "_second", "_whole", "gauges", "slots", "step")

    def __init__(self, descriptor: int) -> None:
        # Two mappings: mmap's own ``write`` then stops at the end of a journal, and costs half of a slice.
        self._first = map_shared(descriptor, JOURNAL + HALF)
        self._second = map_shared(descriptor, HALF, offset=JOURNAL + HALF)
        self._whole = memoryview(self._first)
        self.slots = self._whole[:NOTE].cast("q")
        self.gauges = self.slots[GAUGES:]
        self.step = self.slots[STEP : STEP + 1]
        #: of each journal the array and the rest.
        self._parts = (
            (self._whole[JOURNAL : JOURNAL + ARRAY], self._whole[JOURNAL + ARRAY :]),
            (memoryview(self._second)[:ARRAY], memoryview(self._second)[ARRAY:]),
        )

    # -- the worker's side -------------------------------------------------------------------------

    def open_journal(self, flight: int) -> Any:
        """Begin the journal of a flight; its ``write(bytes)``, for the second part, raises ValueError when full.

        What is written counts once MARK is stored.
        """
        half = flight & 1
        slots = self.slots
        slots[MARK + half] = 0  # before the flight is named
        slots[KIND + half], slots[LEAD + half] = MIXED, 0
        slots[BATCH + half] = flight
        memory = self._second if half else self._first
        memory.seek((0 if half else JOURNAL) + ARRAY + _LIST.size)
        return memory.write

    def open_array(self, half: int, kind: int) -> memoryview:
        """Have the journal begin with outcomes of one kind: where they go.  Before the first is marked."""
        self.slots[LEAD + half] = NONE
        self.slots[KIND + half] = kind
        return self._parts[half][0].cast(_FORMATS[kind])

    def close_array(self, half: int, count: int) -> None:
        """So many were of that kind; what follows is of any."""
        self.slots[LEAD + half] = count

    def note(self, text: bytes) -> None:
        """Say what the worker is at; a text above NOTE_MAX bytes is cut."""
        text = text[:NOTE_MAX]
        # Length 0 first: a reader must never see the new length over the old text.
        self.slots[NOTE_LENGTH] = 0
        self.slots[STEP] = NO_STEP
        self._whole[NOTE : NOTE + len(text)] = text
        self.slots[NOTE_LENGTH] = len(text)

    def note_steps(self, texts: bytes) -> bool:
        """Several notes ahead, joined by NUL; ``step[0] = n`` then says that it is the n-th.

        A store instead of a note for each of many short steps.  False when they are too long.
        """
        if len(texts) > NOTE_MAX:
            return False
        self.note(texts)
        self.slots[STEP] = 0
        return True

    # -- the parent's side -------------------------------------------------------------------------

    def prepare(self, flight: int) -> None:
        """A flight is about to be sent: nothing claimed, no limit."""
        half = flight & 1
        self.slots[CLAIM + half] = 0
        self.slots[LIMIT + half] = UNLIMITED

    def has_begun(self, flight: int) -> bool:
        """Has the worker opened this flight?"""
        return self.slots[BATCH + (flight & 1)] == flight

    def mark(self, flight: int) -> int:
        """How many tasks of a flight have an outcome."""
        return self.slots[MARK + (flight & 1)] if self.has_begun(flight) else 0

    def claim(self, flight: int) -> int:
        """How far the worker may have begun a flight."""
        return self.slots[CLAIM + (flight & 1)]

    def read_journal(self, flight: int) -> list[Any]:
        """The outcomes of a flight, as far as there are."""
        mark = self.mark(flight)
        half = flight & 1
        kind, lead = self.slots[KIND + half], self.slots[LEAD + half]
        lead = mark if lead == NONE else min(lead, mark)
        array, rest = self._parts[half]
        entries: list[Any] = []
        if lead and kind == NONES:
            entries = [None] * lead
        elif lead:
            entries = array[: 8 * lead].cast(_FORMATS[kind]).tolist()
        if mark > lead:
            _LIST.pack_into(rest, 0, b"[", mark - lead)
            entries += marshal.loads(rest)
        return entries

    def is_alike(self, flight: int) -> bool:
        """Are all outcomes of a flight that is over of one kind, so that none of them is a tuple?"""
        return self.slots[LEAD + (flight & 1)] == NONE

    def read_note(self) -> bytes:
        """What the worker last said it was at; b"" when it is saying something else just now."""
        text = bytes(self._whole[NOTE : NOTE + self.slots[NOTE_LENGTH]])
        step = self.slots[STEP]
        if step == NO_STEP:
            return text
        # Of a living worker the two may not belong together.
        texts = text.split(b"\0")
        return texts[step] if step < len(texts) else b""

    def close(self) -> None:
        """Unmap.  The memory is freed with its last mapping."""
        self.gauges.release()
        self.step.release()
        self.slots.release()
        for part in (*self._parts[0], *self._parts[1]):
            part.release()
        self._whole.release()
        self._first.close()
        self._second.close()


def create_page() -> tuple[int, Page]:
    """A new page: its descriptor (to hand to the worker) and the parent's mapping."""
    descriptor = create_memfd("pn-worker", SIZE)
    try:
        page = Page(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    page.slots[BATCH] = page.slots[BATCH + 1] = NONE
    page.slots[STEP] = NO_STEP
    return descriptor, page
