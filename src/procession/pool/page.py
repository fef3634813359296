"""The page that a worker shares with its parent, in a memfd: what it does and what it has done.

::

    0     slots     64 int64: CURRENT DONE STOP, a BATCH and a MARK for each journal, STEP, gauges
    512   note      up to NOTE_MAX bytes: what exactly the worker is at (a file name, say), or a list
                    of such, of which STEP is the index
    4096  journal 0 outcomes of the running batch, if its number is even
    +64K  journal 1 likewise, if it is odd

The page survives the worker, so a result counts from the moment it is marked in the journal, and
CURRENT names the task that a killed worker was at.  Nothing here needs a lock: each slot has one
writer (the worker; the parent for STOP), a store of an aligned int64 is whole or absent, and the
parent reads a journal only after BatchDone or after the worker's end.  Two journals are enough
because at most two batches are under way (``messages.WINDOW``): the parent has read the older one
before it sends a third.
"""

from __future__ import annotations

import os
import struct

from procession.linux.memfd import create_memfd, map_shared

SLOTS = 64
NOTE = SLOTS * 8
NOTE_MAX = 3072
JOURNAL = 4096
HALF = 64 * 1024
SIZE = JOURNAL + 2 * HALF

CURRENT, DONE, STOP, NOTE_LENGTH = 0, 1, 2, 3
_BATCH = (4, 6)
_MARK = (5, 7)
_STEP = 8
GAUGES = 9  # slots 9 to 63 belong to the handler

VALUE, ERROR, ELSEWHERE = 0, 1, 2  # kinds of a journal entry; ELSEWHERE: sent as Spilled
IDLE = -1
NO_STEP = -1

_ENTRY = struct.Struct("=qII")  # task, kind, length


class Page:
    """One mapping of the page.  ``slots`` and ``gauges`` are int64 memoryviews."""

    __slots__ = ("_memory", "_whole", "gauges", "slots", "step")

    def __init__(self, descriptor: int) -> None:
        self._memory = map_shared(descriptor, SIZE)
        self._whole = memoryview(self._memory)
        self.slots = self._whole[:NOTE].cast("q")
        self.gauges = self.slots[GAUGES:]
        self.step = self.slots[_STEP : _STEP + 1]

    # -- the worker's side -------------------------------------------------------------------------

    def open_journal(self, batch: int) -> None:
        """Begin the journal of a batch.  The mark is cleared before the batch is named."""
        self.slots[_MARK[batch & 1]] = 0
        self.slots[_BATCH[batch & 1]] = batch

    def enter(self, batch: int, task: int, kind: int, data: bytes) -> bool:
        """Write an outcome down; False when it does not fit.  It counts once the mark is stored."""
        mark = self.slots[_MARK[batch & 1]]
        end = mark & 0xFFFFFFFF
        size = _ENTRY.size + len(data)
        if end + size > HALF:
            return False
        start = JOURNAL + (batch & 1) * HALF + end
        _ENTRY.pack_into(self._whole, start, task, kind, len(data))
        self._whole[start + _ENTRY.size : start + size] = data
        self.slots[_MARK[batch & 1]] = ((mark >> 32) + 1) << 32 | (end + size)
        self.slots[DONE] += 1
        return True

    def note(self, text: bytes) -> None:
        """Say what the worker is at; a text above NOTE_MAX bytes is cut."""
        text = text[:NOTE_MAX]
        # Length 0 first: a reader must never see the new length over the old text.
        self.slots[NOTE_LENGTH] = 0
        self.slots[_STEP] = NO_STEP
        self._whole[NOTE : NOTE + len(text)] = text
        self.slots[NOTE_LENGTH] = len(text)

    def note_steps(self, texts: bytes) -> bool:
        """Several notes ahead, joined by NUL; ``step[0] = n`` then says that it is the n-th.

        A store instead of a note for each of many short steps.  False when they are too long.
        """
        if len(texts) > NOTE_MAX:
            return False
        self.note(texts)
        self.slots[_STEP] = 0
        return True

    # -- the parent's side -------------------------------------------------------------------------

    def read_note(self) -> bytes:
        """What the worker last said it was at; b"" when it is saying something else just now."""
        text = bytes(self._whole[NOTE : NOTE + self.slots[NOTE_LENGTH]])
        step = self.slots[_STEP]
        if step == NO_STEP:
            return text
        # Of a living worker the two may not belong together.
        texts = text.split(b"\0")
        return texts[step] if step < len(texts) else b""

    def read_journal(self, batch: int) -> list[tuple[int, int, bytes]] | None:
        """(task, kind, data) of each outcome of a batch; None when the worker has not begun it."""
        if self.slots[_BATCH[batch & 1]] != batch:
            return None
        mark = self.slots[_MARK[batch & 1]]
        at = JOURNAL + (batch & 1) * HALF
        entries = []
        for _ in range(mark >> 32):
            task, kind, length = _ENTRY.unpack_from(self._whole, at)
            at += _ENTRY.size
            entries.append((task, kind, bytes(self._whole[at : at + length])))
            at += length
        return entries

    def close(self) -> None:
        """Unmap.  The memory is freed with its last mapping."""
        self.gauges.release()
        self.step.release()
        self.slots.release()
        self._whole.release()
        self._memory.close()


def create_page() -> tuple[int, Page]:
    """A new page: its descriptor (to hand to the worker) and the parent's mapping."""
    descriptor = create_memfd("pn-worker", SIZE)
    try:
        page = Page(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    page.slots[CURRENT] = IDLE
    page.slots[_BATCH[0]] = page.slots[_BATCH[1]] = IDLE
    return descriptor, page
