"""Taking an item out of a queue.

A signal's handler that raises (Ctrl-C) in the middle of ``get`` loses nothing: what was taken and could not
be returned is kept for the next ``get`` of this process.
"""

from __future__ import annotations

import pickle
import select
import struct
import time
from collections import deque
from queue import Empty
from typing import Generic, TypeVar

from procession.errors import ChannelClosed
from procession.ipc.queue_book import AWAITED, GETS, LETTERS, SPILLED
from procession.ipc.queue_lane import NOTHING
from procession.ipc.queue_parts import INLINE, Parts, letter_number
from procession.ipc.queue_regions import PLAIN_BYTES, Payload
from procession.linux.fixedpipe import RECORD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

T = TypeVar("T")

REFERENCE = struct.Struct("=c7xQQ")  # the record of an item in a region: R, offset, size
_REGION, _LANE = b"R"[0], b"L"[0]
_loads, _popleft = pickle.loads, deque.popleft


class Opened:
    """An item that was kept from being returned."""

    __slots__ = ("item",)

    def __init__(self, item: object) -> None:
        self.item = item


class Failure:
    """What unpickling one has raised, to be raised at its place."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


class Taking(Parts, Generic[T]):
    """``get`` and what it needs."""

    def get(self, block: bool = True, timeout: float | None = None) -> T:
        """Take the oldest item; waits for one, at most ``timeout`` seconds.

        Raises Empty; ValueError once this process has closed the queue; what unpickling the item raises
        (then the item is gone, and the queue goes on); ChannelClosed when no process can put any more.
        """
        if self._closed:
            self._refuse()
        if block and timeout is None:
            return self._take()
        return self._take_within(timeout if block and timeout is not None else 0)

    # Where an item is in a local variable only, a signal's handler must not be able to raise unseen.  It can
    # do so after each call and at each start of a function, and not between the step of a loop, or of an
    # unpacking, and storing what came: hence ``for data in line.reads`` and ``(data,) = map(...)``, which
    # make the call from within that step.

    def _take(self) -> T:
        """The next item; waits for one.  Raises ChannelClosed when no process can put any more."""
        words, line = self._words, self._line
        saved = line.saved
        while True:
            data = b""
            try:
                if saved:
                    (data,) = map(_popleft, (saved,))
                else:
                    for data in line.reads:  # noqa: B007 - one step of it
                        break
                    if self._bound:
                        self._made_room()
                # After saved ones too: perhaps a signal came before the pipe was looked after.
                if words[SPILLED]:
                    line.tend()
                if data and data[0] == INLINE:
                    obj = _loads(data)
                    words[(self._seat or self._sit()) + GETS] += 1
                    return obj  # type: ignore[no-any-return]
            except Exception as error:
                self._spoilt(error, data)
                continue
            except BaseException:
                if data:
                    saved.appendleft(data)
                raise
            obj = self._open(data) if data else self._take_last()
            if obj is not NOTHING:
                return obj  # type: ignore[no-any-return]

    def _take_within(self, timeout: float) -> T:
        """The next item.  Raises Empty after ``timeout`` seconds, ChannelClosed."""
        ends_at = time.monotonic() + timeout
        while True:
            obj = self._take_now()
            if obj is not NOTHING:
                return obj  # type: ignore[no-any-return]
            left = ends_at - time.monotonic()
            if left <= 0:
                obj = self._take_stray()
                if obj is NOTHING:
                    raise Empty
                return obj  # type: ignore[no-any-return]
            if self._wait_readable(left) & select.POLLHUP and self._line.seems_empty():
                obj = self._take_last()
                if obj is not NOTHING:
                    return obj  # type: ignore[no-any-return]

    def _take_now(self) -> Any:
        """The next item if there is one, or else NOTHING."""
        saved = self._line.saved
        data = b""
        try:
            if saved:
                (data,) = map(_popleft, (saved,))
                if self._words[SPILLED]:
                    self._line.tend()
            else:
                data = self._take_records(1)
            if data and data[0] == INLINE:
                obj = _loads(data)
                self._count_get()
                return obj
        except Exception as error:
            self._spoilt(error, data)
            return NOTHING
        except BaseException:
            if data:
                saved.appendleft(data)
            raise
        return self._open(data) if data else NOTHING

    def _take_records(self, count: int) -> bytes:
        """Up to ``count`` records without waiting."""
        data = b""
        try:
            data = self._line.take_now(count)
            if data and self._bound:
                self._made_room(len(data) // RECORD)
        except BaseException:
            if data:
                self._line.save(data)
            raise
        return data

    def _made_room(self, taken: int = 1) -> None:
        """In a queue with a bound: wake who waits for room."""
        for _ in range(taken):
            self._book.ring()
        if self._words[AWAITED]:
            self._words[AWAITED] = 0
            self._lane.tell_room()

    def _take_last(self) -> Any:
        """Nobody can put any more: the next item from the log or the lane.  Raises ChannelClosed."""
        obj = self._take_now()
        if obj is NOTHING:
            obj = self._take_stray()
        if obj is NOTHING and self._line.seems_empty():
            raise ChannelClosed("every process that could put has closed the queue or has ended")
        return obj

    def _take_stray(self) -> Any:
        """The line is empty: a letter whose record was lost with somebody who was killed, or NOTHING."""
        obj = self._lane.receive_any() if self._words[LETTERS] else NOTHING
        if obj is not NOTHING:
            self._count_get()
        return obj

    def _wait_readable(self, timeout: float | None) -> int:
        poll = select.poll()
        poll.register(self._line.reader, select.POLLIN)
        events = poll.poll(None if timeout is None else max(bool(timeout), timeout * 1000))
        return events[0][1] if events else 0

    def _poll(self, timeout: float | None = 0.0) -> bool:
        """Is there an item, or will there be one within ``timeout`` seconds (None: ever)?"""
        line = self._line
        if line.reader < 0:
            raise OSError("handle is closed")
        if line.saved or not line.seems_empty():
            return True
        return timeout != 0 and bool(self._wait_readable(timeout))

    # -- opening ---------------------------------------------------------------------------------------

    def _open(self, record: Any) -> Any:
        """The item of a record, or NOTHING; or what a signal has left of one.  Raises what its unpickling raises."""
        kind = record[0]
        if kind.__class__ is not int:
            return self._open_opened(kind)
        obj = NOTHING
        try:
            if kind == _REGION:
                _, offset, size = REFERENCE.unpack_from(record)
                obj = self._regions.load(offset, size)
            elif kind == _LANE:
                obj = self._lane.receive(letter_number(record))
        except Exception as error:
            self._spoilt(error, record)
        except BaseException:
            self._line.saved.appendleft(record)
            raise
        if isinstance(obj, Payload):
            return self._open_payload(obj)
        if obj is NOTHING:
            self._took_nothing()
        else:
            self._count_get()
        return obj

    def _open_payload(self, payload: Payload) -> Any:
        obj = NOTHING
        try:
            if payload.kind == PLAIN_BYTES:
                obj = bytes(payload.data)
            else:
                obj = _loads(payload.data, buffers=payload.buffers)
        except Exception as error:
            payload.free()
            self._spoilt(error, payload)
        except BaseException:
            self._line.saved.appendleft((payload,))
            raise
        try:
            payload.free()
        except BaseException:
            self._line.saved.appendleft((Opened(obj),))
            raise
        self._count_get()
        return obj

    def _open_opened(self, saved: Any) -> Any:
        if isinstance(saved, Failure):
            raise saved.error
        return self._open_payload(saved) if isinstance(saved, Payload) else saved.item

    def _spoilt(self, error: Exception, record: Any) -> None:
        """Opening a record has failed: raise, or return if there was none after all."""
        if not record:
            if not isinstance(error, IndexError):
                raise error
            return  # another thread has taken what was saved
        self._count_get()
        error.add_note("This item was taken from the queue and could not be unpickled; the queue goes on.")
        raise error

    def _count_get(self) -> None:
        self._words[(self._seat or self._sit()) + GETS] += 1

    def _took_nothing(self) -> None:
        """A record has turned out to be none."""
