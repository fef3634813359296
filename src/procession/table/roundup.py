"""Ending a foreign tree, or acting on all of it, while it forks away from under us.

Each look goes through the table, newest pids first, until it has found nobody new; who is found (``lineage.py``) is
held by a pidfd at once, so that it stays a member when its parents die.  To end the tree each is stopped in the moment
in which it is found: a stopped process forks no more, nor does one that has a SIGSTOP pending (copy_process in
kernel/fork.c gives up for any pending signal).  When a look finds nobody new, all are frozen; then all are killed, and
looked for again, until none is left.
"""

from __future__ import annotations

import time

from procession.errors import NoSuchProcess
from procession.table.held import NOT_PERMITTED, Held, wait_for_all
from procession.table.lineage import Lineage
from procession.table.snapshot import snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Self

    from procession.table.record import ProcessRecord
    from procession.table.snapshot import Snapshot

SIGKILL, SIGTERM, SIGCONT, SIGSTOP = 9, 15, 18, 19
_CHASE = 10.0  # seconds
_BLURRED_LOOKS = 30  # how often a look is repeated in which somebody was gone before we could see who it was


class Roundup:
    """The trees of ``roots`` as records of ``table``; ``spared``: pids that are never touched.  Close it."""

    def __init__(self, roots: Iterable[ProcessRecord], table: Snapshot, spared: Iterable[int] = ()) -> None:
        roots = list(roots)
        self._source = table.source
        self._lineage = Lineage(roots, table, spared)
        self.members: dict[int, Held] = {}  # in the order of their finding: parents mostly first
        self.refused: dict[int, Held] = {}  # who may not be signalled
        self._seen: set[int] = set()
        for root in roots:
            self._hold(root, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for held in self.members.values():
            held.close()

    def living(self) -> list[Held]:
        """Of those found."""
        return [each for each in self.members.values() if not each.has_ended]

    def look(self, act: Callable[[Held], object] | None = None, until: float | None = None) -> list[Held]:
        """Find all members that there are; ``act`` on each in the moment in which it is found.  The new ones.

        A process that forks and ends, its child likewise and so on, is gone whenever we come; as long as such are
        seen the new pids alone are looked at, which is fast enough to catch one of them before its fork.
        """
        before = set(self.members)
        unseen = 0
        new_only = False
        until = until or time.monotonic() + _CHASE
        while True:
            found, missed, gone = self._pass(act, new_only=new_only)
            unseen += gone
            chasing = missed and time.monotonic() < until
            if not found and not chasing and not new_only and (not gone or unseen > _BLURRED_LOOKS):
                return [held for pid, held in self.members.items() if pid not in before]
            new_only = bool(chasing)

    def signal_all(self, number: int, *, parents_last: bool = False) -> None:
        """Send it once to everybody, new ones included, until a look finds nobody new."""
        if parents_last:
            self.look()
            for held in reversed(self.living()):
                self._send(held, number)
            return
        for held in self.living():
            self._send(held, number)
        self.look(lambda held: self._send(held, number))

    def ask(self, number: int, until: float) -> None:
        """Send a signal that ends, once to each, until all have ended or the time (monotonic) is over."""

        def send(held: Held) -> None:
            self._send(held, number)
            self._send(held, SIGCONT)  # a stopped one could not take it

        for held in self.living():
            send(held)
        self.look(send, until)
        while living := self.living():
            if wait_for_all(living, max(0.0, until - time.monotonic())):
                return
            self.look(send, until)

    def end(self, patience: float) -> list[Held]:
        """Stop all, kill all, until none is left; those that are left after ``patience`` seconds (state D, or not
        ours)."""
        until = time.monotonic() + patience
        while True:
            for held in self.living():
                self._send(held, SIGSTOP)
            fresh = self.look(lambda held: self._send(held, SIGSTOP), until)
            mine = [held for held in self.living() if held.record.pid not in self.refused]
            if not mine and not fresh:
                return self.living()
            for held in mine:
                self._send(held, SIGKILL)
            if wait_for_all(mine, max(0.0, until - time.monotonic())) or time.monotonic() > until:
                return self.living()

    def _pass(self, act: Callable[[Held], object] | None, *, new_only: bool) -> tuple[int, int, int]:
        """Go through the table once: how many are new, how many members were gone before they could be held, and how
        many processes before it could be seen who they were."""
        found = missed = gone = 0
        pids = self._source.pids()
        for pid in reversed(pids):
            is_new = pid not in self._seen
            if new_only and not is_new:
                continue
            held = self.members.get(pid)
            if held is not None and not held.has_ended:
                continue
            one = self._read(pid)
            if one is None:
                gone += is_new
            elif not self._lineage.knows(one) and self._lineage.claims(one, self._parent):
                taken = self._hold(one, act)
                found += taken
                missed += not taken
        self._seen = set(pids)
        return found, missed, gone

    def _hold(self, one: ProcessRecord, act: Callable[[Held], object] | None) -> bool:
        # Also one that is gone already: its children name it as their parent, its session as theirs.
        self._lineage.add(one)
        try:
            held = Held(one)
        except NoSuchProcess:
            return False
        if held.has_ended:
            held.close()
            return False
        old = self.members.pop(one.pid, None)  # a member that has ended, and whose pid another one has now
        if old is not None:
            old.close()
        self.members[one.pid] = held
        if act is not None:
            act(held)
        return True

    def _send(self, held: Held, number: int) -> None:
        if held.send(number) == NOT_PERMITTED:
            self.refused[held.record.pid] = held

    def _read(self, pid: int) -> ProcessRecord | None:
        records = snapshot(pids=(pid,), source=self._source).records
        return records[0] if records else None

    def _parent(self, one: ProcessRecord) -> ProcessRecord | None:
        return self._read(one.ppid)
