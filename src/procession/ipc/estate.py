"""What the dead leave behind in shared objects, and who sees to it.

A lock, queue or barrier registers here how to settle what a dead process held in it; the reaper (floor 3)
calls ``settle`` the moment a child of ours has ended.  So nobody has to wait for the dead, and those who
sleep are woken at once.  Processes that are nobody's child of ours are found by the sleepers themselves.
"""

from __future__ import annotations

import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Heir(Protocol):
        """A shared object in which processes hold things."""

        def settle_death(self, pid: int) -> None:
            """Process ``pid`` has ended: free what it held and wake who waits for it.  Must not block."""


_heirs: weakref.WeakSet[Heir] = weakref.WeakSet()


def register(heir: Heir) -> None:
    """Have ``heir.settle_death`` called at each death, as long as the object lives in this process."""
    _heirs.add(heir)


def settle(pid: int) -> None:
    """Tell every shared object of this process that ``pid`` has ended.  Called from the reaper's thread."""
    for heir in _living():
        try:
            heir.settle_death(pid)
        except Exception:  # one broken object must not keep the others from being settled
            import traceback

            traceback.print_exc()


def _living() -> list[Heir]:
    while True:
        try:
            return list(_heirs)
        except RuntimeError:  # another thread has registered one meanwhile
            continue
