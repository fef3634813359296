"""Semaphore and BoundedSemaphore: a counter, and a book of who has taken from it.

::

    TOTAL     what there would be if nobody held anything
    ADRIFT    units whose holders did not fit into the book
    book      pid, units, start time of each process that holds some        value = TOTAL - ADRIFT - units

So each of acquire, release and a death is one store.  What a killed process holds comes back.  A process
that releases more than it holds releases what another one holds (that is what a release by another process
means), and only then more than there was.

A ``Semaphore(0)`` is a signal: who takes from it uses it up and holds nothing.  It has no book, and a death
changes nothing.
"""

from __future__ import annotations

import errno

from procession.ipc.identity import here, is_alive, me, pid_of
from procession.ipc.shared import ASLEEP, FIRST, Shared
from procession.linux import futex
from procession.linux.robust import Reentered, contested, trylock, unlock_now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TOTAL, ADRIFT, MAXIMUM, LINES, USED, RECOVERED = range(FIRST, FIRST + 6)
BOOK = FIRST + 6
LINES_MIN, LINES_MAX = 4, 256  # the book has a line for each unit, within these
VALUE_MAX = 2**31 - 1  # what sem_init(3) allows on Linux


class Semaphore(Shared):
    """A counter that ``acquire`` takes from, and waits at zero; ``release`` adds to it, from anywhere.

    Can be sent to any process at any time.  Units that a killed process held come back, and ``recovered``
    is True from then until it is set to False.  Exempt: a semaphore that began with 0, which is a signal,
    and what is held beyond the first 256 processes that hold any at one time.

    Raises OSError (EINVAL) for a negative value and OverflowError above 2**31 - 1, as the classic one does.
    """

    _bounded = False

    def __init__(self, value: int = 1, *, ctx: Any = None) -> None:  # noqa: ARG002 - the classic signature
        if value > VALUE_MAX:
            raise OverflowError(f"a semaphore cannot be greater than {VALUE_MAX}: {value}")
        if value < 0:
            raise OSError(errno.EINVAL, f"a semaphore cannot begin with {value}")
        lines = min(max(value, LINES_MIN), LINES_MAX) if value else 0
        self._create(BOOK - FIRST + 2 * lines)
        self._words[TOTAL] = value
        self._words[MAXIMUM] = value if self._bounded else VALUE_MAX
        self._words[LINES] = lines
        self._restore(None)

    def _restore(self, state: Any) -> None:  # noqa: ARG002
        self._lines = self._words[LINES]
        self._line = 0  # of ours, as far as we remember
        # Line n is the halves pid and units, and the word of the start time.
        self._pids = self._halves[2 * BOOK :: 4]
        self._units = self._halves[2 * BOOK + 1 :: 4]
        self._starts = self._words[BOOK + 1 :: 2]

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Take a unit: True; False when there is none (at once, or after ``timeout`` seconds)."""
        taken = False
        guard = self._guard
        try:
            result = trylock(guard)
            if result:
                contested(guard, result)
            taken = self._take()
            unlock_now(guard)
        except Reentered as error:
            if not error.fresh:
                unlock_now(guard)
                if taken:
                    self._give()
            error.fresh = False
            raise
        except BaseException:
            unlock_now(guard)
            if taken:
                self._give()
            raise
        return taken or self._take_slowly(timeout if block else 0)

    def release(self) -> None:
        """Add a unit.  Raises ValueError above the maximum: the first value of a BoundedSemaphore."""
        if not self._give():
            raise ValueError("semaphore or lock released too many times")

    def get_value(self) -> int:
        """How many units there are just now."""
        with self._section:
            return self._value()

    def locked(self) -> bool:
        """Would ``acquire`` have to wait just now?"""
        return not self.get_value()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    @property
    def recovered(self) -> bool:
        """Have units come back from a killed process, since this was last set to False?"""
        return bool(self._words[RECOVERED])

    @recovered.setter
    def recovered(self, value: bool) -> None:
        if value:
            raise ValueError("recovered can only be set to False")
        self._words[RECOVERED] = 0

    def __repr__(self) -> str:
        return f"<{type(self).__name__}(value={self.get_value()})>"

    # -- under the Guard ---------------------------------------------------------------------------------

    def _value(self) -> int:
        words = self._words
        return int(words[TOTAL] - words[ADRIFT] - sum(self._units[: words[USED]]))

    def _take(self) -> bool:
        if self._value() <= 0:
            return False
        words = self._words
        if not self._lines:
            words[TOTAL] -= 1
            return True
        line = self._my_line()
        if line < 0:
            words[ADRIFT] += 1
        else:
            self._units[line] += 1
        return True

    def _my_line(self) -> int:
        """The line of this process, a fresh one if need be; -1 when the book is full."""
        line = self._find_mine()
        if line < 0:
            line = next((n for n in range(self._lines) if not self._units[n]), -1)
            if line >= 0:
                # A line without units belongs to nobody: nothing here counts before there are some.
                self._pids[line] = pid_of(here.word)
                self._starts[line] = here.start
                self._words[USED] = max(self._words[USED], line + 1)
                self._line = line
        return line

    def _find_mine(self) -> int:
        pid, start = pid_of(here.word or me()), here.start
        pids, starts, line = self._pids, self._starts, self._line
        if pids[line] == pid and starts[line] == start:
            return line
        for line in range(self._words[USED]):
            if pids[line] == pid and starts[line] == start:
                self._line = line
                return line
        return -1

    def _put(self) -> bool:
        words, units = self._words, self._units
        if self._lines:
            line = self._find_mine()
            if line < 0 or not units[line]:
                line = next((n for n in range(words[USED]) if units[n]), -1)
            if line >= 0:
                units[line] -= 1
                return True
            if words[ADRIFT]:
                words[ADRIFT] -= 1
                return True
        if words[TOTAL] >= words[MAXIMUM]:
            return False
        words[TOTAL] += 1
        return True

    # -- around it ---------------------------------------------------------------------------------------

    def _take_slowly(self, timeout: float | None) -> bool:
        taken = False

        def attempt() -> bool:
            nonlocal taken
            taken = self._take()
            return taken

        try:
            self._wait_for(attempt, timeout)
        except BaseException:
            if taken:
                self._give()
            raise
        return taken

    def _room_left(self) -> bool:
        return self._value() > 0

    def _give(self) -> bool:
        halves, guard = self._halves, self._guard
        given = asleep = False
        try:
            result = trylock(guard)
            if result:
                contested(guard, result)
            given = self._put()
            asleep = given and halves[ASLEEP] == 1 and self._ring()
            unlock_now(guard)
        except Reentered as error:
            if not error.fresh:
                unlock_now(guard)
            error.fresh = False
            raise
        except BaseException:
            unlock_now(guard)
            raise
        if asleep:
            futex.wake(self._bell)
        return given

    def _concerns(self, pid: int) -> bool:
        return any(units and self._pids[n] == pid for n, units in enumerate(self._units))

    def _bury(self) -> bool:
        pids, starts, units = self._pids, self._starts, self._units
        with self._section:
            held = [(n, pids[n], starts[n]) for n in range(self._words[USED]) if units[n]]
        dead = [line for line in held if not is_alive(line[1] << 32, line[2])]
        if not dead:
            return False
        with self._section:
            for n, pid, start in dead:
                if units[n] and pids[n] == pid and starts[n] == start:
                    self._words[RECOVERED] = 1
                    units[n] = 0
            self._ring()
        return True

    # -- names that multiprocessing's own parts use ------------------------------------------------------

    @property
    def _semlock(self) -> Semaphore:
        return self

    @property
    def maxvalue(self) -> int:
        """The value that ``release`` will not exceed."""
        return int(self._words[MAXIMUM])

    def _get_value(self) -> int:
        return self.get_value()

    def _is_zero(self) -> bool:
        return not self.get_value()

    def _is_mine(self) -> bool:
        return self._count() > 0

    def _count(self) -> int:
        """Units that this process holds."""
        with self._section:
            line = self._find_mine() if self._lines else -1
            return int(self._units[line]) if line >= 0 else 0


class BoundedSemaphore(Semaphore):
    """A Semaphore that refuses to rise above its first value (BoundedSemaphore(0): never above 0)."""

    _bounded = True

    def __repr__(self) -> str:
        return f"<{type(self).__name__}(value={self.get_value()}, maxvalue={self.maxvalue})>"
