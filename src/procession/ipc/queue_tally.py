"""Who has which items in hand: what a JoinableQueue knows beyond a Queue.

::

    unfinished = items in the line (asked of the kernel) + taken - done, over the seats of all processes

A process takes an item and counts it in one section of the tally's Guard, so that ``join`` never sees it
in neither place.  There is no counter of unfinished tasks that a kill could leave wrong: what a dead
process had in hand is written off in its own seat, by one store that anybody may make or repeat.
"""

from __future__ import annotations

from procession.ipc import identity
from procession.ipc.queue_book import DONE, GETS, LOST, OWNER, START, Book
from procession.ipc.shared import Shared
from procession.linux import futex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.ipc.queue_line import Line


class Tally(Shared):
    """The Guard under which items are taken and done.  It is taken before that of the book, never after."""

    def __init__(self, book: Book) -> None:
        self._create(0)
        self.book = book
        self.section = self._section

    def _extras(self) -> Book:
        return self.book

    def _restore(self, state: Book) -> None:
        self.book = state
        self.section = self._section

    def take(self, line: Line) -> bytes:
        """Take a record, if there is one, and count it for this process."""
        words, at = self.book.words, self.book.sit() + GETS
        saved, data, counted = len(line.saved), b"", False
        try:
            with self.section:
                words[at] += 1
                counted = True
                data = line.take_now()
                if not data:
                    words[at] -= 1
                    counted = False
        except BaseException:
            if data:
                line.saved.append(data)
            if counted and len(line.saved) == saved:
                words[at] -= 1
            raise
        return data

    def count(self, number: int) -> None:
        """Count items that came another way, or, below 0, records that were no items."""
        seat = self.book.sit()
        with self.section:
            self.book.words[seat + GETS] += number

    def done(self, waiting: Callable[[], int]) -> None:
        """One item is done, whoever took it.  Raises ValueError when none is unfinished."""
        book = self.book
        seat = book.sit()
        with self.section:
            if book.in_hand(seat) <= 0 and self._unfinished(waiting) <= 0:
                raise ValueError("task_done() called too many times")
            book.words[seat + DONE] += 1
            rung = self._ring()
        if rung:
            futex.wake(self._bell, futex.EVERYBODY)

    def join(self, waiting: Callable[[], int], timeout: float | None) -> bool:
        """Wait until nothing is unfinished; False after ``timeout`` seconds."""
        return self._wait_for(lambda: self._unfinished(waiting) <= 0, timeout)

    def unfinished(self, waiting: Callable[[], int]) -> int:
        """Items put and not yet done."""
        with self.section:
            return max(0, self._unfinished(waiting))

    def _unfinished(self, waiting: Callable[[], int]) -> int:
        return waiting() + sum(self.book.in_hand(seat) for seat in self.book.seats())

    # -- the dead --------------------------------------------------------------------------------------

    def _concerns(self, pid: int) -> bool:
        return any(self.book.words[seat + OWNER] == pid for seat in self._holding())

    def _bury(self) -> bool:
        words = self.book.words
        dead = [(seat, words[seat + OWNER], words[seat + START]) for seat in self._holding()]
        dead = [(seat, pid, start) for seat, pid, start in dead if not identity.is_alive(pid << 32, start)]
        buried = False
        for seat, pid, start in dead:
            with self.section:
                if words[seat + OWNER] == pid and words[seat + START] == start:
                    # What others have done for it, as task_done allows, is not lost with it.
                    total = sum(self.book.in_hand(each) for each in self.book.seats())
                    lost = min(self.book.in_hand(seat), max(0, total))
                    words[seat + LOST] += lost
                    buried = buried or lost > 0
                    self._ring()
        return buried

    def _holding(self) -> list[int]:
        _, *seats = self.book.seats()
        return [seat for seat in seats if self.book.in_hand(seat) > 0]
