"""Barrier: parties come to their seats, the last one opens, and a party that is killed breaks it.

::

    GENERATION   goes up when the barrier opens, breaks or is reset: this one store lets everybody go,
                 BELL then tells them
    BROKEN       until reset
    OUTCOME      of the last generations, written before GENERATION goes up: what a late riser finds
    seat n       who, start time, and the generation + 1 that it was taken for

Seats of past generations count as free, so nothing has to be cleared, and nobody waits for those who are
still on their way out.  Two seats can never be one waiter's.
"""

from __future__ import annotations

import threading
import time

from procession.ipc.identity import here, is_alive, me, pid_of
from procession.ipc.shared import BELL, FIRST, SLICE, Shared
from procession.linux import futex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

BROKEN, GENERATION, OUTCOME, KEPT = FIRST, FIRST + 1, FIRST + 2, 64
SEATS = OUTCOME + KEPT
WHO, START, TAKEN, WIDTH = range(4)
OPENED, ENDED = 1, 2


class Barrier(Shared, threading.Barrier):
    """Lets ``parties`` processes or threads go on once they have all come.

    Can be sent to any process at any time (with its action).  When a party is killed while it waits, the
    barrier breaks: BrokenBarrierError for the others, until ``reset``.  Of a party that is killed before
    it comes nobody can know; that is what a timeout is for.  Raises ValueError for fewer than 1 parties.
    """

    def __init__(
        self,
        parties: int,
        action: Callable[[], object] | None = None,
        timeout: float | None = None,
        *,
        ctx: Any = None,  # noqa: ARG002 - the classic signature
    ) -> None:
        if parties < 1:
            raise ValueError(f"a barrier needs 1 party or more, not {parties}")
        self._create(SEATS - FIRST + WIDTH * parties)
        self._restore((parties, action, timeout))

    def _extras(self) -> Any:
        return self._parties, self._action, self._timeout

    def _restore(self, extras: Any) -> None:
        self._parties, self._action, self._timeout = extras
        self._who, self._start, self._taken = (self._words[SEATS + k :: WIDTH] for k in (WHO, START, TAKEN))

    # -- the classic face --------------------------------------------------------------------------------

    def wait(self, timeout: float | None = None) -> int:
        """Wait for all parties; a number from 0 to ``parties - 1``, another one for each of them.

        ``timeout`` in seconds; without one, that of the barrier.  Raises BrokenBarrierError when the
        barrier is or gets broken: by a timeout, ``abort``, ``reset``, a failed action or a killed party.
        """
        timeout = self._timeout if timeout is None else timeout
        ends_at = None if timeout is None else time.monotonic() + timeout
        seat: list[int] = []
        generation = index = -1
        try:
            while not seat:
                generation, index = self._sit_down(seat)
                if not seat:  # all are there, and their last is at its action
                    self._sleep(generation, None, None)
            if index + 1 < self._parties:
                self._sleep(generation, ends_at, seat[0])
            else:
                if self._action is not None:
                    self._action()
                self._end(OPENED, generation)
        except BaseException:
            if seat:
                self._give_up(seat[0], index)
            raise
        if self._halves[2 * (OUTCOME + generation % KEPT)] != OPENED:
            raise threading.BrokenBarrierError
        return index

    def reset(self) -> None:
        """Make the barrier new; those who wait get BrokenBarrierError."""
        with self._section:
            self._close(self._words[GENERATION], ENDED)
            self._words[BROKEN] = 0
        futex.wake(self._bell, futex.EVERYBODY)

    def abort(self) -> None:
        """Break the barrier until ``reset``; those who wait, and who come, get BrokenBarrierError."""
        with self._section:
            self._words[BROKEN] = 1
            self._close(self._words[GENERATION], ENDED)
        futex.wake(self._bell, futex.EVERYBODY)

    @property
    def parties(self) -> int:
        """How many must come."""
        return int(self._parties)

    @property
    def n_waiting(self) -> int:
        """How many wait just now."""
        with self._section:
            return 0 if self._words[BROKEN] else len(self._seated())

    @property
    def broken(self) -> bool:
        """Is it broken?"""
        return bool(self._words[BROKEN])

    # -- seats -------------------------------------------------------------------------------------------

    def _seated(self) -> list[int]:
        now = self._words[GENERATION] + 1
        return [n for n, taken in enumerate(self._taken.tolist()) if taken == now]

    def _sit_down(self, seat: list[int]) -> tuple[int, int]:
        who = me()
        with self._section:
            if self._words[BROKEN]:
                raise threading.BrokenBarrierError
            generation, seated = self._words[GENERATION], self._seated()
            if len(seated) < self._parties:
                n = next(n for n in range(self._parties) if n not in seated)
                self._who[n], self._start[n] = who, here.start
                seat.append(n)
                self._taken[n] = generation + 1
            return generation, len(seated)

    def _give_up(self, seat: int, index: int) -> None:
        """An exception came, of the action or of a signal's handler; ``index`` -1: it came early."""
        with self._section:
            generation = self._words[GENERATION]
            if self._taken[seat] != generation + 1:
                return
            full = len(self._seated()) == self._parties
            if not full:
                self._taken[seat] = 0
        if full and index + 1 in (0, self._parties):
            self._end(ENDED, generation)

    def _sleep(self, generation: int, ends_at: float | None, seat: int | None) -> None:
        """Until the generation is over.  Ends it when the time is over, or a party found dead."""
        while True:
            bell = self._halves[BELL]  # before the look at what it announces
            if self._words[GENERATION] != generation:
                return
            left = SLICE if ends_at is None else ends_at - time.monotonic()
            if left <= 0:
                ends_at = None
                with self._section:
                    full = len(self._seated()) == self._parties
                if not full:  # else all have come, and the action takes its time
                    self._end(ENDED, generation)
            elif not futex.wait(self._bell, bell, min(left, SLICE)):
                self._look_round(generation, seat)

    def _close(self, generation: int, outcome: int) -> None:
        """Under the Guard: the end of a generation."""
        self._halves[2 * (OUTCOME + generation % KEPT)] = outcome
        self._words[GENERATION] = generation + 1
        self._halves[BELL] = (self._halves[BELL] + 1) & 0x7FFFFFFF

    def _end(self, outcome: int, generation: int) -> None:
        with self._section:
            if self._words[GENERATION] == generation:
                if outcome == ENDED:
                    self._words[BROKEN] = 1
                self._close(generation, outcome)
        futex.wake(self._bell, futex.EVERYBODY)

    # -- the dead ----------------------------------------------------------------------------------------

    def _look_round(self, generation: int, seat: int | None) -> None:
        """Each that waits looks whether the one in the next seat lives: so the first dead in the round is found."""
        with self._section:
            if self._words[GENERATION] != generation:
                return
            seated = self._seated()
            if not seated:
                return
            next_ones = [n for n in seated if n > (-1 if seat is None else seat)]
            n = (next_ones or seated)[0]
            who, start = self._who[n], self._start[n]
            killed_while_breaking = self._words[BROKEN]
        if killed_while_breaking or not is_alive(who, start):
            self._end(ENDED, generation)

    def settle_death(self, pid: int) -> None:
        """A process has ended: if it sat here, the barrier is broken (see ipc/estate.py)."""
        if pid not in map(pid_of, self._who):
            return
        with self._section:
            generation = self._words[GENERATION]
            seats = [(self._who[n], self._start[n]) for n in self._seated() if pid_of(self._who[n]) == pid]
        if any(not is_alive(*seat) for seat in seats):
            self._end(ENDED, generation)
