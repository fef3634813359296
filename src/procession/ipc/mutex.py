"""Lock and RLock: the classic contracts, and a holder that is killed holds nothing.

::

    OWNER   the thread that has it (see ipc/identity.py), 0: nobody; its FLAG: the holder before was killed
    START   the start time of that process, written before OWNER
    COUNT   how often an RLock is held, by its owner's hand; 1 while nobody has it, and for a Lock
"""

from __future__ import annotations

import os
import threading
from multiprocessing.process import current_process

from procession.ipc.identity import FLAG, NOBODY, here, is_alive, me, pid_of
from procession.ipc.shared import ASLEEP, FIRST, Shared
from procession.linux import futex
from procession.linux.robust import Reentered, contested, trylock, unlock_now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OWNER, START, COUNT = FIRST, FIRST + 1, FIRST + 2
WORDS = 3


class _Owned(Shared):
    """What Lock and RLock share."""

    def __init__(self, *, ctx: Any = None) -> None:  # noqa: ARG002 - the classic signature
        self._create(WORDS)
        self._words[COUNT] = 1

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Take the lock: True; False when it is not free (at once, or after ``timeout`` seconds)."""
        mine = here.word or me()
        words, guard = self._words, self._guard
        owner = 1
        try:
            result = trylock(guard)
            if result:
                contested(guard, result)
            owner = words[OWNER]
            if not owner:
                words[START] = here.start
                words[OWNER] = mine
            unlock_now(guard)
        except Reentered as error:
            if not error.fresh:
                unlock_now(guard)
                self._undo(owner, mine)
            error.fresh = False
            raise
        except BaseException:
            unlock_now(guard)
            self._undo(owner, mine)
            raise
        return not owner or self._take_slowly(mine, timeout if block else 0)

    def release(self) -> None:
        raise NotImplementedError

    def locked(self) -> bool:
        """Does anybody hold it?  Of a holder that has just been killed: perhaps."""
        return self._words[OWNER] not in (NOBODY, FLAG)

    @property
    def recovered(self) -> bool:
        """True for the holder that got the lock because the one before was killed with it.

        What the lock protects may be half-changed.  It stays True until that holder releases the lock or
        has put things right and says so with ``lock.recovered = False``.
        """
        owner = self._words[OWNER]
        return bool(owner & FLAG) and pid_of(owner) == os.getpid()

    @recovered.setter
    def recovered(self, value: bool) -> None:
        if value:
            raise ValueError("recovered can only be set to False")
        with self._section:
            owner = self._words[OWNER]
            if pid_of(owner) == os.getpid():
                self._words[OWNER] = owner & ~FLAG

    def _take(self, me: int) -> bool:
        """Under the Guard: take the lock if nobody has it."""
        words = self._words
        owner = words[OWNER]
        if owner & ~FLAG:
            return False
        words[START] = here.start
        words[OWNER] = me | owner
        return True

    def _undo(self, owner: int, mine: int) -> None:
        if not owner and self._words[OWNER] == mine:
            self._give()

    def _take_slowly(self, me: int, timeout: float | None) -> bool:
        mine_before = self._words[OWNER] & ~FLAG == me
        try:
            return self._wait_for(lambda: self._take(me), timeout)
        except BaseException:
            if not mine_before and self._words[OWNER] & ~FLAG == me:
                self._give()
            raise

    def _give(self) -> int:
        """Free the lock; who had it."""
        words, halves, guard = self._words, self._halves, self._guard
        asleep = 0
        try:
            result = trylock(guard)
            if result:
                contested(guard, result)
            owner = words[OWNER]
            if owner != FLAG:
                words[OWNER] = NOBODY
                asleep = halves[ASLEEP] and self._ring()
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
        return owner & ~FLAG

    # -- the dead --------------------------------------------------------------------------------------

    def _concerns(self, pid: int) -> bool:
        return pid_of(self._words[OWNER]) == pid

    def _bury(self) -> bool:
        words = self._words
        with self._section:
            owner, start = words[OWNER], words[START]
        if not owner & ~FLAG or is_alive(owner, start):
            return False
        with self._section:
            if words[OWNER] == owner and words[START] == start:
                words[COUNT] = 1
                words[OWNER] = FLAG
                self._ring()
        return True

    # -- names that multiprocessing's own parts use ----------------------------------------------------

    @property
    def _semlock(self) -> _Owned:
        return self

    def _is_mine(self) -> bool:
        return self._words[OWNER] & ~FLAG == me()

    def _count(self) -> int:
        return self._words[COUNT] if pid_of(self._words[OWNER]) == os.getpid() else 0

    def _get_value(self) -> int:
        return int(not self.locked())

    def _is_zero(self) -> bool:
        return self.locked()

    def _owner_name(self) -> str:
        owner = self._words[OWNER] & ~FLAG
        if owner == me():
            name, thread = current_process().name, threading.current_thread().name
            return name if thread == "MainThread" else f"{name}|{thread}"
        if not owner:
            return "None"
        return "SomeOtherThread" if pid_of(owner) == os.getpid() else "SomeOtherProcess"


class Lock(_Owned):
    """A lock that one thread of one process holds; any thread of any process may release it.

    Can be sent to any process at any time.  When a process is killed with the lock, the next ``acquire``
    gets it, and ``recovered`` is True.
    """

    def release(self) -> None:
        """Free the lock.  Raises ValueError when nobody has it."""
        if not self._give():
            raise ValueError("semaphore or lock released too many times")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}(owner={self._owner_name()})>"


class RLock(_Owned):
    """A lock that its holder may take again; as often as it was taken it must be released, by that thread.

    Can be sent to any process at any time.  When a process is killed with the lock, the next ``acquire``
    gets it, and ``recovered`` is True.  In a forked child the lock is still its parent's.
    """

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Take the lock: True; False when it is not free (at once, or after ``timeout`` seconds)."""
        words = self._words
        if words[OWNER] & ~FLAG == (here.word or me()) and words[START] == here.start:
            words[COUNT] += 1  # nobody but this thread writes here now
            return True
        return super().acquire(block, timeout)

    def release(self) -> None:
        """Undo one ``acquire``.  Raises AssertionError when this thread does not hold the lock."""
        words = self._words
        if words[OWNER] & ~FLAG != (here.word or me()):
            raise AssertionError("attempt to release recursive lock not owned by thread")
        if words[COUNT] > 1:
            words[COUNT] -= 1
        else:
            self._give()

    def __repr__(self) -> str:
        name = self._owner_name()
        count: object = {"None": 0, "SomeOtherThread": "nonzero", "SomeOtherProcess": "nonzero"}.get(name)
        return f"<{type(self).__name__}({name}, {self._count() if count is None else count})>"
