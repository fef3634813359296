"""Putting an item into a queue."""

from __future__ import annotations

import copyreg
import io
import os
import pickle
import time
from multiprocessing.reduction import ForkingPickler
from queue import Full
from typing import Generic, TypeVar

from procession.ipc import carry
from procession.ipc.carry import NotQuick, only_small
from procession.ipc.letters import close_all, write_letter
from procession.ipc.queue_book import LANE, PUTS, SPILLED
from procession.ipc.queue_parts import Parts, letter_record
from procession.ipc.queue_regions import MAPPED_MIN, PICKLE, PLAIN_BYTES
from procession.ipc.queue_take import REFERENCE
from procession.linux.fixedpipe import RECORD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

T = TypeVar("T")

_dumps, _write = pickle.dumps, os.write
_reducers: dict[type, Any] = ForkingPickler._extra_reducers  # type: ignore[attr-defined]  # noqa: SLF001
_reducers_seen = -1  # when so many are registered, none of them is a third party's
_table: dict[type, Any] = {}  # else: all reducers, as they were when there were so many:
_table_of = -1


def _dumps_theirs(obj: object) -> bytes:
    """Pickle with the reducers that others have registered; half a microsecond more than without."""
    global _reducers_seen, _table, _table_of
    if len(_reducers) != _table_of:
        if not carry.others_have_reducers():
            _reducers_seen = len(_reducers)
            return _dumps(obj, 5, buffer_callback=only_small)
        _table = {**copyreg.dispatch_table, **_reducers}
        _table_of = len(_reducers)
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, 5, buffer_callback=only_small)
    pickler.dispatch_table = _table
    pickler.dump(obj)
    return buffer.getvalue()


class Ready:
    """An item that has been pickled; ``fds`` are its own until it is sent."""

    __slots__ = ("buffers", "data", "fds", "kind")

    def __init__(
        self,
        data: bytes,
        kind: int = PICKLE,
        buffers: tuple[memoryview, ...] = (),
        fds: tuple[int, ...] = (),
    ) -> None:
        self.data = data
        self.kind = kind
        self.buffers = buffers
        self.fds = fds

    def is_short(self) -> bool:
        """Does it fit into a record?"""
        return len(self.data) <= RECORD and not (self.kind or self.buffers or self.fds)

    def record(self) -> bytes:
        """That record."""
        return self.data.ljust(RECORD, b"\0")

    def close(self) -> None:
        """It is not sent after all."""
        fds, self.fds = self.fds, ()
        close_all(fds)


class Putting(Parts, Generic[T]):
    """``put`` and what it needs."""

    def _create(self) -> None:
        super()._create()
        _dumps_theirs(None)  # looks at the reducers now, and not in each child once more

    def put(self, obj: T, block: bool = True, timeout: float | None = None) -> None:
        """Put an item into the queue; it is there when this returns.

        Without a bound this never waits for a reader; but while readers are quick (64 items a millisecond and
        more) and some thousand items are unread, it may pause for a millisecond, so that they can catch up.
        An item with descriptors waits while a hundred or so of those are unread.  With a bound it waits while the queue is full, at most ``timeout`` seconds.

        Raises Full; ValueError once this process has closed the queue; what pickling raises when the item
        does not pickle, with a note that names its type: then nothing was put.
        """
        if self._shut:
            self._refuse()
        if obj.__class__ is bytes and len(obj) >= MAPPED_MIN:  # type: ignore[arg-type]
            self._put_slowly(obj, block, timeout)
            return
        try:
            if len(_reducers) == _reducers_seen:
                data = _dumps(obj, 5, buffer_callback=only_small)
            else:
                data = _dumps_theirs(obj)
        except (Exception, NotQuick):
            self._put_slowly(obj, block, timeout)
            return
        if len(data) > RECORD or self._bound:
            self._send(Ready(data), block, timeout)
            return
        words, line = self._words, self._line
        if words[SPILLED]:
            line.append_in_step(data.ljust(RECORD, b"\0"), block)
        elif line.behind:
            line.write(data.ljust(RECORD, b"\0"))
        else:
            try:
                _write(line.writer, data.ljust(RECORD, b"\0"))
            except BlockingIOError:
                line.write_full(data.ljust(RECORD, b"\0"), block)
        words[(self._seat or self._sit()) + PUTS] += 1

    def _put_slowly(self, obj: T, block: bool, timeout: float | None) -> None:
        """An item with descriptors, large buffers, foreign reducers, or one that does not pickle."""
        ready = self._prepare(obj)
        if ready is not None:
            self._send(ready, block, timeout)

    def _prepare(self, obj: T) -> Ready | None:
        """Pickle an item.  None: it does not pickle, and a subclass has been told so."""
        item: object = obj
        if type(item) is bytes and len(item) >= MAPPED_MIN:
            return Ready(item, PLAIN_BYTES)
        try:
            parcel = carry.pack(obj, out_of_band=True)
        except Exception as error:
            self._does_not_pickle(error, obj)
            return None
        return Ready(
            parcel.data, PICKLE, tuple(buffer.raw() for buffer in parcel.buffers), parcel.descriptors
        )

    def _does_not_pickle(self, error: Exception, obj: object) -> None:
        kind = f"{type(obj).__module__}.{type(obj).__qualname__}"
        error.add_note(f"put() was given an item of type {kind}, which cannot be pickled; nothing was put.")
        raise error

    def _send(self, ready: Ready, block: bool, timeout: float | None) -> None:
        """Put a pickled item.  Raises Full."""
        if ready.fds:
            self._send_letter(ready, block, timeout)
        elif ready.is_short():
            self._post(ready.record(), block, timeout)
        else:
            self._send_region(ready, block, timeout)

    def _send_region(self, ready: Ready, block: bool, timeout: float | None) -> None:
        if self._bound and not block and self._waiting() >= self._bound:
            raise Full
        offset, size = self._regions.store(ready.kind, ready.data, ready.buffers)
        try:
            self._post(REFERENCE.pack(b"R", offset, size).ljust(RECORD, b"\0"), block, timeout)
        except Full:
            self._regions.free(offset, size)
            raise

    def _send_letter(self, ready: Ready, block: bool, timeout: float | None) -> None:
        ends_at = None if timeout is None else time.monotonic() + timeout
        fds, ready.fds = ready.fds, ()
        letter = write_letter(ready.data, ready.buffers, fds)
        sent = 0

        def attempt() -> bool:
            nonlocal sent
            if self._bound and self._line.waiting() >= self._bound:
                return False
            if self._words[LANE]:  # somebody was killed before he could write the record of his letter
                self._line.write_guarded(letter_record(self._words[LANE]))
            sent = self._lane.send(letter)
            if sent:
                self._line.write_guarded(letter_record(sent))
                self._words[LANE] = 0
            return True

        try:
            while True:
                left = None if ends_at is None else ends_at - time.monotonic()
                if not self._when_room(attempt, block, left):
                    raise Full
                if sent:
                    break
                if not block or (left is not None and left <= 0):
                    raise Full
                self._lane.wait_for_room(left)
        finally:
            letter.close()
        self._words[(self._seat or self._sit()) + PUTS] += 1

    def _post(self, records: bytes, block: bool, timeout: float | None) -> None:
        """Put records at the end of the line, once there is room.  Raises Full."""
        if not self._bound:
            self._line.write(records)
        elif not self._when_room(lambda: self._write_if_room(records), block, timeout):
            raise Full
        self._words[(self._seat or self._sit()) + PUTS] += len(records) // RECORD

    def _when_room(self, attempt: Callable[[], bool], block: bool, timeout: float | None) -> bool:
        return self._book.wait_for_room(attempt, timeout if block else 0)

    def _write_if_room(self, records: bytes) -> bool:
        """Under the Guard."""
        if self._line.waiting() >= self._bound:
            return False
        self._line.write_guarded(records)
        return True


carry.quick_callers.add(Putting.put.__code__)
