"""Queue, SimpleQueue and JoinableQueue: the classic contracts, and no death of a process that stops the others.

What a queue is made of: queue_core.py (items to records and back), queue_line.py (the order they stand in),
queue_regions.py (large items), queue_lane.py (items with descriptors), queue_book.py (counts).
"""

from __future__ import annotations

import select
from queue import Empty, Full
from typing import TypeVar

from procession.ipc.queue_book import LETTERS, LOST
from procession.ipc.queue_classic import Classic, QueueStats
from procession.ipc.queue_lane import NOTHING
from procession.ipc.queue_put import Putting
from procession.ipc.queue_take import Taking
from procession.ipc.queue_tally import Tally

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

T = TypeVar("T")

__all__ = ["Empty", "Full", "JoinableQueue", "Queue", "QueueStats", "SimpleQueue"]


class Queue(Classic[T]):
    """A first-in-first-out queue between processes, in the words of ``multiprocessing.Queue``.

    Items outlive the process that has put them; a process that is killed at any moment stops nobody else,
    and at most the one item in its hands is missing.  Can be sent to any process at any time.  The order
    of the items of each producer is kept.  ``maxsize``: most items in the queue; 0: no bound.
    """


class JoinableQueue(Classic[T]):
    """A Queue that counts tasks: ``join`` waits until ``task_done`` was called for each item.

    Tasks that a process had taken and not done when it died are lost with it, and ``join`` does not wait
    for them; ``stats().lost`` counts them.
    """

    def __init__(self, maxsize: int = 0, *, ctx: Any = None) -> None:
        super().__init__(maxsize, ctx=ctx)
        self._tally = Tally(self._book)

    def __getstate__(self) -> tuple[Any, ...]:
        return (self._tally, *super().__getstate__())

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._tally, *rest = state
        super().__setstate__(tuple(rest))

    def task_done(self) -> None:
        """One item that was taken from the queue is done.  Raises ValueError when there is none."""
        self._tally.done(self._waiting)

    def join(self, timeout: float | None = None) -> bool:
        """Wait until every item that was put is done; False after ``timeout`` seconds."""
        return self._tally.join(self._waiting, timeout)

    def _lost(self, missing: int) -> int:  # noqa: ARG002 - here it is known
        return self._book.total(LOST)

    def _take(self) -> T:
        while True:
            obj = self._take_now()
            if obj is NOTHING:
                events = self._wait_readable(None)
                if events & select.POLLHUP and self._line.seems_empty():
                    obj = self._take_last()
            if obj is not NOTHING:
                return obj  # type: ignore[no-any-return]

    def _take_records(self, count: int) -> bytes:  # noqa: ARG002
        # One at a time: what is in hand is counted by the item.
        data = b""
        try:
            data = self._tally.take(self._line)
            if data and self._bound:
                self._made_room()
        except BaseException:
            if data:
                self._line.saved.append(data)
            raise
        return data

    def _take_stray(self) -> Any:
        obj = self._lane.receive_any() if self._words[LETTERS] else NOTHING
        if obj is not NOTHING:
            self._tally.count(1)
        return obj

    def _count_get(self) -> None:
        pass  # was counted when it was taken

    def _took_nothing(self) -> None:
        self._tally.count(-1)


class SimpleQueue(Putting[T], Taking[T]):
    """The bare queue of ``multiprocessing.SimpleQueue``; ``put`` never waits, as that of a Queue."""

    def __init__(self, *, ctx: Any = None) -> None:  # noqa: ARG002 - the classic signature
        self._create()
        self._sit()  # now: the maker's first ``put`` has no more to do than any other

    def __getstate__(self) -> tuple[Any, ...]:
        return self._parts()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._arrive(*state)

    def empty(self) -> bool:
        """Is there no item?  Raises OSError once the queue is closed."""
        return not self._poll()

    def close(self) -> None:
        """This process uses the queue no more."""
        self._closed = self._shut = True
        self._line.close_writer()
        self._line.close_reader()

    def _refuse(self) -> None:
        if self._closed:
            raise OSError("handle is closed")
        super()._refuse()
