"""What the processes of a queue share besides its items: a page of words, and a seat for each process.

::

    slot in a memfd   ┌ Guard ┬ BELL ASLEEP ┬ words ... ┬ shelves ... ┬ seat 0 ┬ seat 1 ┬ ...
                      └───────┴─────────────┴───────────┴─────────────┴────────┴────────┴────
                                               queue_line, queue_regions     counts of one process

No word says how many items there are: that is asked of the kernel (queue_line.py), which no kill can make
wrong.  The counts in the seats are plain stores of their process; together they are the statistics, and,
for a JoinableQueue, who has how many items in hand (queue_tally.py).

A seat outlives its process with its counts, and the next one to take it goes on from there, so that sums
over all seats stay right without a store that adds two things up.
"""

from __future__ import annotations

import os

from procession.ipc import identity
from procession.ipc.shared import ASLEEP, FIRST, Shared
from procession.linux import futex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Words of the queue.
SPILLED = FIRST  # 1: the log holds items, readers see to it that the pipe does not run dry
PUNCHED = FIRST + 1  # the log is gone up to here
BUMP = FIRST + 2  # the first byte for large items that was never used
WRAPPED = FIRST + 3  # 1: BUMP has been all the way round
SWEPT = FIRST + 4  # BUMP when regions of the dead were last looked for
LANE = FIRST + 5  # the number of a letter whose record may be missing; 0: none
LETTERS = FIRST + 6  # the number of the latest letter
AWAITED = FIRST + 7  # 1: somebody waits for room in an event loop
SEATS = FIRST + 8  # seats that were ever taken
SHELVES = FIRST + 9  # regions to use again, see queue_regions.py
SHELF_WORDS = 8 * 14
_FIRST_SEAT = SHELVES + SHELF_WORDS + 6  # a seat has a cache line of its own

# Words of a seat.
OWNER, START, PUTS, GETS, DONE, LOST, LARGE, BYTES = range(8)
_SEAT = 8
SEATS_MAX = 250  # processes at one time; those beyond share seat 0, whose counts are not exact
_LOOK = 8
_WORDS = _FIRST_SEAT + _SEAT * (SEATS_MAX + 1)


class Book(Shared):
    """The words; ``words[seat + PUTS]`` counts for the process that sits there."""

    def __init__(self) -> None:
        self._create(_WORDS)
        self.words = self._words
        self.section = self._section
        self.seat = 0
        self.words[BUMP] = 1 << 16

    def _restore(self, _: object) -> None:
        self.words = self._words
        self.section = self._section
        self.seat = 0

    # -- seats -----------------------------------------------------------------------------------------

    def sit(self) -> int:
        """The index of this process's seat; 0 is nobody's index."""
        if not self.seat:
            self.seat = self._take_seat()
        return self.seat

    def seats(self) -> Iterator[int]:
        """The indices of all seats that were ever taken, the shared one first."""
        for number in range(self.words[SEATS] + 1):
            yield _FIRST_SEAT + number * _SEAT

    def total(self, count: int) -> int:
        """The sum of one count over all seats."""
        words = self.words
        return sum(words[seat + count] for seat in self.seats())

    def in_hand(self, seat: int) -> int:
        """Items that the process of a seat has taken and not done (of a JoinableQueue)."""
        words = self.words
        return words[seat + GETS] - words[seat + DONE] - words[seat + LOST]

    def is_dead(self, seat: int) -> bool:
        """Has the process of a seat ended?  Reads /proc."""
        owner = self.words[seat + OWNER]
        return bool(owner) and not identity.is_alive(owner << 32, self.words[seat + START])

    def _take_seat(self) -> int:
        words, mine = self.words, os.getpid()
        # To look whether all their owners live costs 15 µs a seat: not each newcomer does.
        taken = words[SEATS]
        free = {}
        if taken >= SEATS_MAX or taken % _LOOK == _LOOK - 1:
            free = {seat: words[seat + START] for seat in self.seats() if self._is_free(seat)}
        with self.section:
            for seat, start in free.items():
                if words[seat + START] == start and not self.in_hand(seat):
                    return self._sit_down(seat, mine)
            if words[SEATS] >= SEATS_MAX:
                return _FIRST_SEAT
            words[SEATS] += 1
            return self._sit_down(_FIRST_SEAT + words[SEATS] * _SEAT, mine)

    def _is_free(self, seat: int) -> bool:
        return seat != _FIRST_SEAT and not self.in_hand(seat) and self.is_dead(seat)

    def _sit_down(self, seat: int, pid: int) -> int:
        self.words[seat + START] = identity.started()
        self.words[seat + OWNER] = pid
        return seat

    # -- who waits for room (see shared.py) --------------------------------------------------------------

    def wait_for_room(self, attempt: Callable[[], bool], timeout: float | None) -> bool:
        """Try ``attempt`` under the Guard until it is True; False after ``timeout`` seconds."""
        return self._wait_for(attempt, timeout)

    def ring(self) -> None:
        """There is room for one more: wake one of those who wait for it."""
        if self._halves[ASLEEP]:
            with self.section:
                rung = self._ring()
            if rung:
                futex.wake(self._bell)

    def fence(self) -> None:
        """What was stored before is seen by all who look after (futex_wake in the kernel is a full barrier)."""
        futex.wake(self._bell)

    def _concerns(self, _: int) -> bool:
        return False

    def _bury(self) -> bool:
        return False
