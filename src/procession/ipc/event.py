"""Event: a flag to wait for, in one word.

Odd is set, even is not; set and clear count the word up, so that a waiter who sees another word than the
one it fell asleep on knows that there was a ``set`` in between.
"""

from __future__ import annotations

import time

from procession.ipc.arena import Slot, allocate
from procession.ipc.shared import SLICE
from procession.linux import futex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WRAP = 0x7FFFFFFF


class Event:
    """A flag that any process sets and clears, and any number of them wait for.

    Nothing here locks: ``set`` never blocks, may be called from a signal's handler, and a process that is
    killed anywhere in here costs the others nothing.  Can be sent to any process at any time.
    """

    def __init__(self, *, ctx: Any = None) -> None:  # noqa: ARG002 - the classic signature
        self._map(allocate(4))

    def _map(self, slot: Slot) -> None:
        self._slot = slot
        self._word = slot.memory.cast("i")

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrived, (type(self), self._slot)

    def is_set(self) -> bool:
        """Is the flag up?"""
        return bool(self._word[0] & 1)

    def set(self) -> None:
        """Raise the flag; whoever waits goes on."""
        word = self._word[0]
        if not word & 1:
            self._word[0] = (word + 1) & _WRAP
        futex.wake(self._slot.address, futex.EVERYBODY)

    def clear(self) -> None:
        """Lower the flag."""
        word = self._word[0]
        if word & 1:
            self._word[0] = (word + 1) & _WRAP

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the flag: True; False when it was not raised within ``timeout`` seconds."""
        seen = self._word[0]
        if seen & 1:
            return True
        ends_at = None if timeout is None else time.monotonic() + timeout
        while self._word[0] == seen:
            left = SLICE if ends_at is None else ends_at - time.monotonic()
            if left <= 0:
                return False
            # In slices: who sets the flag may be killed before it wakes us.
            futex.wait(self._slot.address, seen, min(left, SLICE))
        return True

    def __repr__(self) -> str:
        return f"<{type(self).__qualname__} at {id(self):#x} {'set' if self.is_set() else 'unset'}>"


def _arrived(kind: type[Event], slot: Slot) -> Event:
    made = kind.__new__(kind)
    made._map(slot)  # noqa: SLF001 - the rest of its constructor
    return made
