"""Condition: a list of who waits, in the order of their coming.

::

    TICKET    the number of the next waiter
    LATE      two half words: the bell of those beyond the list, and whether there are any
    line n    who, start time, ticket, horizon, STATE: a half word on which the waiter sleeps

                    notify                     has the lock again
    FREE ─▶ WAITING ──────▶ NOTIFIED ──────────────────────────▶ FREE
               ▲                │ killed: the notification goes to the next of those who
               └────────────────┘ waited when it was given (their ticket is below its horizon)

Who waits when the list is full (100 threads do) is woken by every notify, to look for itself: the loops
around ``wait`` are made for that.
"""

# ruff: noqa: SLF001 - _semlock and what it has are the classic way to ask any lock who holds it
from __future__ import annotations

import sys
import time

from procession.ipc.identity import here, is_alive, me, pid_of
from procession.ipc.mutex import RLock
from procession.ipc.shared import FIRST, SLICE, Shared
from procession.linux import futex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

TICKET, LATE, LIST, LINES = FIRST, FIRST + 1, FIRST + 2, 100
WHO, START, NUMBER, HORIZON, STATE, WIDTH = range(6)
FREE, WAITING, NOTIFIED = 0, 1, 2


class Condition(Shared):
    """A condition variable on a Lock or RLock (its own RLock unless one is given).

    Can be sent to any process at any time.  Waiters that are killed are forgotten: ``notify(n)`` wakes n
    that live.  ``recovered`` is the lock's.
    """

    def __init__(self, lock: Any = None, *, ctx: Any = None) -> None:  # noqa: ARG002 - the classic signature
        self._create(LIST - FIRST + WIDTH * LINES)
        self._restore(RLock() if lock is None else lock)

    def _extras(self) -> Any:
        return self._lock

    def _restore(self, extras: Any) -> None:
        self._lock = extras
        self.acquire = extras.acquire
        self.release = extras.release
        words, halves = self._words, self._halves
        self._who, self._start, self._number, self._horizon = (
            words[LIST + k :: WIDTH] for k in (WHO, START, NUMBER, HORIZON)
        )
        self._states = halves[2 * (LIST + STATE) :: 2 * WIDTH]

    def __enter__(self) -> Any:
        return self._lock.__enter__()

    def __exit__(self, *args: object) -> Any:
        return self._lock.__exit__(*args)

    @property
    def recovered(self) -> bool:
        """Was the holder before this one killed with the lock?  See Lock.recovered."""
        return bool(self._lock.recovered)

    @recovered.setter
    def recovered(self, value: bool) -> None:
        self._lock.recovered = value

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self._lock}, {len(self._lines(WAITING))})>"

    # -- waiting -----------------------------------------------------------------------------------------

    def wait(self, timeout: float | None = None) -> bool:
        """Release the lock, sleep until notified, take the lock again; False after ``timeout`` seconds.

        One Ctrl-C ends the sleep, and waits for the lock like everybody; a second one ends that too.
        Raises AssertionError in a thread that has not got the lock.
        """
        lock = self._lock._semlock
        assert lock._is_mine(), "must acquire() condition before using wait()"
        held = lock._count()
        ends_at = None if timeout is None else time.monotonic() + timeout
        line: list[int] = []
        try:
            try:
                late = self._enlist(line)
                for _ in range(held):
                    self._lock.release()
                if line:
                    woken = self._sleep(_half_of(line[0]), WAITING, ends_at)
                else:
                    woken = self._sleep(2 * LATE, late, ends_at)
            finally:
                self._take_again(held)
        except BaseException:
            if line and self._leave(line[0]):
                self._notify(1, self._horizon[line[0]])  # we do not go on to do what it was for
            raise
        # Decided under the lock, where nobody can notify any more: what came at the last moment counts.
        return self._leave(line[0]) if line else woken

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        """Wait until ``predicate()`` holds, at most ``timeout`` seconds; its last result."""
        ends_at = None if timeout is None else time.monotonic() + timeout
        while not (result := predicate()):
            left = None if ends_at is None else ends_at - time.monotonic()
            if left is not None and left <= 0:
                break
            self.wait(left)
        return result

    def _enlist(self, line: list[int]) -> int:
        """Put the number of our line into ``line``, unless the list is full; the state of the late bell."""
        who = me()
        for attempt in range(2):
            with self._section:
                free = self._lines(FREE)
                if free:
                    n = free[0]
                    self._who[n], self._start[n] = who, here.start
                    self._number[n] = ticket = self._words[TICKET]
                    self._words[TICKET] = ticket + 1
                    line.append(n)
                    self._states[n] = WAITING
                    return 0
                if attempt:
                    self._halves[2 * LATE + 1] = 1
                    return int(self._halves[2 * LATE])
            self._strike_out(self._lines(WAITING) + self._lines(NOTIFIED))
        raise AssertionError

    def _sleep(self, half: int, value: int, ends_at: float | None) -> bool:
        """Sleep while this half word has this value; False when the time is over."""
        address = self._bell + 4 * half
        while self._halves[half] == value:
            left = SLICE if ends_at is None else ends_at - time.monotonic()
            if left <= 0:
                return False
            if not futex.wait(address, value, min(left, SLICE)):
                self._bury()
        return True

    def _take_again(self, held: int) -> None:
        lock, interrupted = self._lock._semlock, None
        while (lock._count() if lock._is_mine() else 0) < held:
            try:
                self._lock.acquire()
            except BaseException as error:
                if interrupted is not None:
                    raise
                interrupted = error
        if interrupted is not None:
            raise interrupted

    def _leave(self, line: int) -> bool:
        """Off the list; were we notified?"""
        with self._section:
            notified = self._states[line] == NOTIFIED
            self._states[line] = FREE
        return notified

    # -- notifying ---------------------------------------------------------------------------------------

    def notify(self, n: int = 1) -> None:
        """Wake up to ``n`` waiters, the longest waiting first.  Raises AssertionError without the lock."""
        assert self._lock._semlock._is_mine(), "lock is not owned"
        self._notify(n, self._words[TICKET])
        if self._halves[2 * LATE + 1]:
            with self._section:
                self._halves[2 * LATE + 1] = 0
                self._halves[2 * LATE] = (self._halves[2 * LATE] + 1) & 0x7FFFFFFF
            futex.wake(self._bell + 4 * 2 * LATE, futex.EVERYBODY)

    def notify_all(self) -> None:
        """Wake all waiters.  Raises AssertionError without the lock."""
        self.notify(sys.maxsize)

    def _notify(self, count: int, horizon: int) -> None:
        """Notify so many of those whose ticket is below the horizon."""
        while count > 0 and self._lines(WAITING):
            with self._section:
                waiting = sorted((self._number[n], n) for n in self._lines(WAITING))
                lines = [n for number, n in waiting if number < horizon]
            if not lines:
                return
            chosen = lines[:count]
            if len(lines) > count and self._strike_out(chosen):
                continue
            with self._section:
                for n in chosen:
                    if self._states[n] == WAITING and self._number[n] < horizon:
                        self._horizon[n] = horizon
                        self._states[n] = NOTIFIED
            for n in chosen:
                futex.wake(self._bell + 4 * _half_of(n))
            return

    # -- the dead ----------------------------------------------------------------------------------------

    def settle_death(self, pid: int) -> None:
        """A process has ended: it waits no more (see ipc/estate.py)."""
        lines = [n for n in self._lines(WAITING) + self._lines(NOTIFIED) if pid_of(self._who[n]) == pid]
        if lines:
            self._strike_out(lines)

    def _bury(self) -> bool:
        # Only the notified matter to a sleeper; notify itself looks whether those it chooses are alive.
        return self._strike_out(self._lines(NOTIFIED))

    def _strike_out(self, lines: list[int]) -> bool:
        """Remove the dead among these lines, and give their notifications to others; True if there were any."""
        known = [(n, self._who[n], self._start[n], self._number[n]) for n in lines]
        dead = [line for line in known if not is_alive(line[1], line[2])]
        for n, who, start, number in dead:
            with self._section:
                same = (self._who[n], self._start[n], self._number[n]) == (who, start, number)
                state = self._states[n] if same else FREE
            if state == NOTIFIED:
                self._notify(1, self._horizon[n])  # before it is forgotten: we may be killed in between, too
            if state != FREE:
                with self._section:
                    if self._number[n] == number:
                        self._states[n] = FREE
        return bool(dead)

    # -- little things -----------------------------------------------------------------------------------

    def _lines(self, state: int) -> list[int]:
        states = self._states.tolist()
        return [n for n, found in enumerate(states) if found == state] if state in states else []

    # What CPython's own tests count after each of theirs.
    @property
    def _sleeping_count(self) -> _Gauge:
        return _Gauge(len(self._lines(WAITING)))

    @property
    def _woken_count(self) -> _Gauge:
        return _Gauge(0)

    _wait_semaphore = _woken_count


def _half_of(line: int) -> int:
    return 2 * (LIST + WIDTH * line + STATE)


class _Gauge:
    def __init__(self, value: int) -> None:
        self._value = value

    def get_value(self) -> int:
        return self._value
