"""What Queue and JoinableQueue have in common: the classic surface, and what goes beyond it."""

from __future__ import annotations

from typing import TypeVar

from procession.errors import ChannelClosed
from procession.ipc.queue_batches import get_many, put_many
from procession.ipc.queue_book import BYTES, GETS, LARGE, PUTS, SEATS, SPILLED
from procession.ipc.queue_put import Putting
from procession.ipc.queue_take import Taking
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

T = TypeVar("T")

_NO_BOUND = 2**31 - 1  # what ``_maxsize`` of a queue without a bound is in the standard library


@record
class QueueStats:
    """Counts of a queue over all its processes, since its beginning.

    ``waiting`` and ``spilled`` are exact, the others are plain counts that each process keeps of what it
    does: they may lag by what is under way, and several threads of one process may lose a few.
    """

    puts: int
    gets: int
    waiting: int  # items in the queue now
    spilled: int  # of these, how many were too many for the pipe and stand in the log behind it
    spills: int  # items that ever did
    lost: int  # taken by processes that died with them; of a Queue: missing, once nothing is under way
    large: int  # items that travelled by shared memory, from some 500 bytes on
    large_bytes: int
    processes: int  # that have ever used the queue at one time, at most


class Classic(Putting[T], Taking[T]):
    """What the queues with a bound and a ``close`` have in common."""

    def __init__(self, maxsize: int = 0, *, ctx: Any = None) -> None:  # noqa: ARG002 - the classic signature
        self._ignore_epipe = False
        self._set_bound(maxsize)
        self._create()

    def _set_bound(self, maxsize: int) -> None:
        self._bound = max(0, maxsize)
        self._maxsize = self._bound or _NO_BOUND

    def __getstate__(self) -> tuple[Any, ...]:
        return (self._ignore_epipe, self._bound, *self._parts())

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._ignore_epipe, bound, *parts = state
        self._set_bound(bound)
        self._arrive(*parts)

    def __copy__(self) -> Classic[T]:
        return self

    def __deepcopy__(self, _: object) -> Classic[T]:
        return self

    def put_nowait(self, obj: T) -> None:
        """``put(obj, block=False)``."""
        self.put(obj, False)

    def get_nowait(self) -> T:
        """``get(block=False)``."""
        return self.get(False)

    def _does_not_pickle(self, error: Exception, obj: object) -> None:
        # concurrent.futures has a subclass that tells the future instead of whoever puts.
        if type(self)._on_queue_feeder_error is Classic._on_queue_feeder_error:  # noqa: SLF001
            super()._does_not_pickle(error, obj)
        self._on_queue_feeder_error(error, obj)

    @staticmethod
    def _on_queue_feeder_error(e: Exception, obj: object) -> None:
        """For a subclass that does not want ``put`` to raise when an item does not pickle."""

    # -- several at once -------------------------------------------------------------------------------

    def put_many(self, items: Iterable[T], block: bool = True, timeout: float | None = None) -> None:
        """Put several items, in their order; ``timeout`` seconds are for all of them together.

        An item that does not pickle raises before any is put.  Raises Full, whose attribute ``put`` says
        how many of the items are in the queue.
        """
        if self._shut:
            self._refuse()
        put_many(self, items, block, timeout)

    def get_many(
        self, max_items: int | None = None, block: bool = True, timeout: float | None = None
    ) -> list[T]:
        """Take what there is, at least one item and at most ``max_items``; waits for the first as ``get`` does."""
        if self._closed:
            self._refuse()
        return get_many(self, max_items, block, timeout)

    def __iter__(self) -> Iterator[T]:
        """Items until no process can put any more: all who had the queue have closed it, or have ended.

        Whoever iterates gives its own right to ``put`` up with the first step.  The process that made the
        queue has to ``close`` it as well, or no end will ever come.
        """
        self._shut = True
        self._line.close_writer()
        while True:
            try:
                item = self._take()
            except ChannelClosed:
                return
            yield item

    # -- event loops -----------------------------------------------------------------------------------

    async def aget(self) -> T:
        """``get`` for an event loop: waits without a thread."""
        from procession.ipc.queue_async import aget

        if self._closed:
            self._refuse()
        return await aget(self)  # type: ignore[no-any-return]

    async def aput(self, obj: T) -> None:
        """``put`` for an event loop: waits for room without a thread."""
        from procession.ipc.queue_async import aput

        if self._shut:
            self._refuse()
        await aput(self, obj)

    # -- looks -----------------------------------------------------------------------------------------

    def qsize(self) -> int:
        """How many items are in the queue: exact at its moment."""
        return self._waiting() + len(self._line.saved)

    def empty(self) -> bool:
        """Is there no item?  Raises OSError when this process has put items and closed the queue."""
        # One that was never used is merely empty, as in multiprocessing.
        if self._closed and self._seat and self._book.words[self._seat + PUTS]:
            raise OSError("handle is closed")
        return not self._line.saved and self._line.seems_empty()

    def full(self) -> bool:
        """Has the queue reached its bound?"""
        return 0 < self._bound <= self._waiting()

    def stats(self) -> QueueStats:
        """Counts over all processes and the whole life of the queue."""
        book, line = self._book, self._line
        with book.section:
            waiting = line.waiting()
            spilled = line.logged() if book.words[SPILLED] else 0
        puts, gets = book.total(PUTS), book.total(GETS)
        return QueueStats(
            puts=puts,
            gets=gets,
            waiting=waiting,
            spilled=spilled,
            spills=line.spills(),
            lost=self._lost(puts - gets - waiting),
            large=book.total(LARGE),
            large_bytes=book.total(BYTES),
            processes=book.words[SEATS],
        )

    def _lost(self, missing: int) -> int:
        return max(0, missing)

    # -- ends ------------------------------------------------------------------------------------------

    def close(self) -> None:
        """This process uses the queue no more: ``put`` and ``get`` raise ValueError (iterating goes on)."""
        self._closed = self._shut = True
        self._line.close_writer()

    def join_thread(self) -> None:
        """Nothing: there is no thread, ``put`` has stored the item when it returns."""
        assert self._closed, f"Queue {self!r} not closed"

    def cancel_join_thread(self) -> None:
        """Nothing: see ``join_thread``."""

    def _terminate_broken(self) -> None:
        self._reader.close()
        self.close()
