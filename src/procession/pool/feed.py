"""Where a job's items come from: a sequence, or an iterator that may take its time.

A sequence is sliced by whoever has room for tasks.  The user's iterator is never asked with the engine's lock
held, since it may wait for anything, for results of the same pool even: a thread of its own (or the caller
that waits anyway) pulls items into a small store, as many as are about to be needed.  While it pulls a portion,
whoever finds the store empty takes what has come of that; and when nothing of the job is under way, every
further item is handed over at once: the iterator may be waiting for what becomes of the one that it gave last.
"""

from __future__ import annotations

import _thread
import time
from itertools import islice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

STORE_MIN = 32  # items
PULL_MAX = 8192
_QUICK = 0.001  # seconds; a pull that took longer is followed by a smaller one


class Sliced:
    """Items of a sequence that nobody changes meanwhile."""

    error: BaseException | None = None
    exhausted = True  # nothing further will come beyond ``left``

    def __init__(self, items: Sequence[Any]) -> None:
        self._items = items
        self._at = 0

    @property
    def left(self) -> int:
        """How many are still to be taken."""
        return len(self._items) - self._at

    def take(self, limit: int) -> Sequence[Any]:
        """The next ones; empty at the end."""
        items = self._items[self._at : self._at + limit]
        self._at += len(items)
        if self._at >= len(self._items):
            self._items, self._at = (), 0
        return items

    def drop(self) -> None:
        """No more are wanted."""
        self._items, self._at = (), 0


class Pulled:
    """Items of an iterator.  ``take`` and ``drop`` with the engine's lock held, ``pull`` without."""

    def __init__(
        self, iterable: Iterable[Any], deliver: Callable[[list[Any], bool, BaseException | None], None]
    ) -> None:
        """``deliver`` is called by ``pull`` after each portion: take the lock, ``store`` it, feed."""
        self.error: BaseException | None = None
        self.exhausted = False
        self.wanted = STORE_MIN  # so many may wait in the store
        self._iterator: Iterator[Any] = iter(iterable)
        self._deliver = deliver
        self._store: list[Any] = []
        self._at = 0
        self._portion: list[Any] = []  # what is being pulled; behind the store
        self._hungry = False  # hand over every item at once
        self._dropped = False
        self._gate = _thread.allocate_lock()  # held: the store is full
        self._gate.acquire()

    @property
    def left(self) -> int:
        """How many are in store."""
        return len(self._store) - self._at

    def take(self, limit: int, alone: bool = True) -> Sequence[Any]:
        """The next ones.  ``alone``: nothing is under way whose outcome would bring us here again."""
        if not self.left:
            self._hungry = alone  # before the look: ``_pull_some`` adds an item and then reads this
            portion = self._portion
            items = portion[:limit]
            del portion[: len(items)]
            return items
        items = self._store[self._at : self._at + limit]
        self._at += len(items)
        if self._at >= len(self._store):
            self._store, self._at = [], 0
        elif self._at > PULL_MAX:
            del self._store[: self._at]
            self._at = 0
        if self.left < self.wanted:
            self._open()
        return items

    def store(self, items: list[Any], last: bool, error: BaseException | None) -> None:
        """These have come; ``last``: no more will, because of ``error`` if there is one."""
        self._portion = []
        self._hungry = False
        if not self._dropped:
            self._store += items
            self.error = error
            self.exhausted = last

    def drop(self) -> None:
        """No more are wanted."""
        self._dropped = True
        self._store, self._at = [], 0
        self._open()

    def pull(self) -> None:
        """Ask the iterator until it ends, waiting whenever there is enough in store.

        What the iterator raises is kept in ``error``, behind the items that came before.
        """
        size, last = 1, False
        while not (last or self._dropped):
            begun = time.monotonic()
            portion: list[Any] = []
            self._portion = portion
            problem: BaseException | None = None
            try:
                last = self._pull_some(portion, size)
            except BaseException as error:
                problem, last = error, True
            quick = time.monotonic() - begun < _QUICK
            size = min(size * 2, PULL_MAX, max(1, self.wanted)) if quick else 1
            self._deliver(portion, last, problem)
            while not (last or self._dropped) and self.left >= self.wanted:
                self._gate.acquire()

    def _pull_some(self, portion: list[Any], size: int) -> bool:
        """At most ``size`` items, fewer if somebody waits for them; was it the end?"""
        for item in islice(self._iterator, size):
            portion.append(item)
            size -= 1
            if self._hungry:
                return False
        return size > 0

    def _open(self) -> None:
        if self._gate.locked():
            try:
                self._gate.release()
            except RuntimeError:  # another thread was faster
                return
