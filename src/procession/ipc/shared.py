"""The waiting discipline of what processes share: locks, semaphores, conditions, barriers.

::

    slot in a memfd    ┌ Guard ┬ BELL ┬ ASLEEP ┬ words of the object ...
                       └ 64 B  ┴ 4    ┴ 4      ┴
    who must wait      under the Guard: look, ASLEEP = 1, note BELL; then sleep on BELL while it is unchanged
    who makes room     under the Guard: change the words, and if ASLEEP: ASLEEP = 0, BELL + 1; then wake one

The words are whole after every single store, so a process that is killed inside the Guard leaves a state
that the next one can go on from.  Three more things can be lost with the dead: what they hold, the wake-up
that they were about to give, and the one that they had just got.  All three are found by the sleepers
themselves: nobody sleeps longer than ``SLICE`` without another look, and after each slice in which nothing
came ``_bury`` asks /proc whether those who hold something still live.  Where the dead is a child of a
process that has the object, its reaper tells (ipc/estate.py) and nobody waits for the slice to end.

Signals: a handler runs within ``SLICE`` in any wait.  What raises out of ``acquire`` has not acquired.
"""

from __future__ import annotations

import time

from procession.ipc import estate
from procession.ipc.arena import Slot, allocate
from procession.linux import futex, robust

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SLICE = 0.1  # seconds
# Of the first slice: a holder that has been dead for long is found soon, one that works is rarely asked for.
SHORT_SLICE = 0.002

BELL, ASLEEP = 0, 1  # in halves of a word
FIRST = 1  # the first word that is the object's own
HEAD = robust.SIZE + 8 * FIRST  # bytes before it


class Shared:
    """An object in a slot: ``_words`` are its int64, ``_halves`` the same bytes as int32."""

    def _create(self, words: int) -> None:
        slot = allocate(HEAD + 8 * words)
        robust.init(slot.address)
        self._map(slot)

    def _map(self, slot: Slot) -> None:
        self._slot = slot
        self._guard = slot.address
        self._section = robust.Guard(slot.address)
        self._words = slot.memory[robust.SIZE :].cast("q")
        self._halves = slot.memory[robust.SIZE :].cast("i")
        self._bell = slot.address + robust.SIZE
        estate.register(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrived, (type(self), self._slot, self._extras())

    def _extras(self) -> Any:
        """What else travels, and comes to ``_restore``."""

    def _restore(self, state: Any) -> None:
        pass

    def settle_death(self, pid: int) -> None:
        """A process has ended: what it held is free again (see ipc/estate.py)."""
        if self._concerns(pid) and self._bury():
            futex.wake(self._bell, futex.EVERYBODY)

    def _concerns(self, pid: int) -> bool:
        """May process ``pid`` hold anything here?  A look without the Guard."""
        raise NotImplementedError

    def _bury(self) -> bool:
        """Take from dead processes what they hold; True if there was anything.  Not under the Guard."""
        raise NotImplementedError

    def _ring(self) -> bool:
        """Under the Guard, after making room: True when ``futex.wake`` must follow."""
        if not self._halves[ASLEEP]:
            return False
        self._halves[ASLEEP] = 0
        self._halves[BELL] = (self._halves[BELL] + 1) & 0x7FFFFFFF
        return True

    def _room_left(self) -> bool:
        """Under the Guard, after a successful attempt: would another one succeed?"""
        return False

    def _wait_for(self, attempt: Callable[[], bool], timeout: float | None) -> bool:
        """Try ``attempt`` under the Guard until it is True; False after ``timeout`` seconds.

        Whatever it raises, what a successful attempt has taken is the caller's to give back.
        """
        ends_at = None if timeout is None else time.monotonic() + max(0, timeout)
        halves = self._halves
        nap, quiet, slept = SHORT_SLICE, False, False
        while True:
            with self._section:
                got = attempt()
                if slept or not got:
                    halves[ASLEEP] = 1  # perhaps I am not the only one
                bell = halves[BELL]
                # Several that made room may have found one bell: who was woken wakes the next.
                more = got and slept and self._room_left() and self._ring()
            if got:
                if more:
                    futex.wake(self._bell)
                return True
            left = None if ends_at is None else ends_at - time.monotonic()
            over = left is not None and left <= 0
            if (quiet or over) and self._bury():
                quiet, slept = False, True
                continue
            if over:
                return False
            quiet = not futex.wait(self._bell, bell, nap if left is None else min(nap, left))
            slept = True
            nap = SLICE


def _arrived(kind: type[Shared], slot: Slot, state: Any) -> Shared:
    made = kind.__new__(kind)
    made._map(slot)  # noqa: SLF001 - the rest of its constructor
    made._restore(state)  # noqa: SLF001
    return made
