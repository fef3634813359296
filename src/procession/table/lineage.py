"""Who belongs to a tree of processes that carries no mark of ours: kept from look to look, a pure book of records.

A process is a member when

- its parent is one;
- it is in a session or a process group that a member founded: setsid(2) and setpgid(2) name these by the founder's pid,
  and children stay in them when all before them have died;
- it is in a cgroup (v2) that was made for the root;
- it has lost its parent and has the *layout* of a member.  The kernel draws the addresses of program, heap and stack at
  each exec (ASLR) and fork copies them, so equal ones mean: forked from the same program.  A worker has its layout from
  a parent that is no member, perhaps; so a layout counts only where the root has begun it by an exec of its own, and
  for processes that are younger than the root.

Once a member, always a member, whatever becomes of its parents.  What can escape: a process that has lost its parents
before the first look, in a session and a group of its own, and has executed another program since.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from procession.table.record import ProcessRecord
    from procession.table.snapshot import Snapshot

    Layout = tuple[bytes, ...]

#: startcode, startstack, start_data, start_brk: fields 26, 28, 45, 47 of proc_pid_stat(5), less 3
_LAYOUT = (23, 25, 42, 44)
_ADDR_NO_RANDOMIZE = 0x0040000  # personality(2)


class Lineage:
    """``roots``: the trees'.  ``table``: everybody, at the first look.  ``spared``: pids that are never taken."""

    def __init__(self, roots: Iterable[ProcessRecord], table: Snapshot, spared: Iterable[int] = ()) -> None:
        self._starts: dict[int, int] = {}  # of members, also of dead ones
        self._founded: set[int] = set()  # sessions and groups
        self._layouts: set[Layout] = set()
        self._foreign: set[Layout] = set()
        self._cgroups: set[str] = set()
        self._spared = frozenset(spared)
        self._outer_sessions: set[int] = set()
        roots = list(roots)
        self.first_start = min((root.starttime for root in roots), default=0)
        for root in roots:
            self._exclude(root, table)
        for root in roots:
            self.add(root)

    def _exclude(self, root: ProcessRecord, table: Snapshot) -> None:
        """What the root has in common with those above it is no evidence."""
        above = table.ancestors(root.pid)
        self._foreign.update(layout for each in above if (layout := layout_of(each)))
        layout = layout_of(root)
        # Adopted: it may be a fork of a program that is gone, and has brothers that nobody asked us to end.
        if layout and (root.ppid <= 1 or not above or not layout_of(above[0])):
            self._foreign.add(layout)
        if root.session != root.pid:
            self._outer_sessions.add(root.session)
        if owns_cgroup(root, table):
            self._cgroups.add(root.cgroup)

    def add(self, one: ProcessRecord) -> None:
        """It is a member from now on."""
        self._starts[one.pid] = one.starttime
        self._founded.add(one.pid)
        if one.session not in self._outer_sessions and one.session > 0:
            self._founded.add(one.session)  # founded below the root, by one that is gone perhaps
        layout = layout_of(one)
        if layout and layout not in self._foreign:
            self._layouts.add(layout)

    def knows(self, one: ProcessRecord) -> bool:
        """Is this very process a member already?"""
        return self._starts.get(one.pid) == one.starttime

    def claims(self, one: ProcessRecord, parent_of: Callable[[ProcessRecord], ProcessRecord | None]) -> bool:
        """Does this process belong to the tree?  ``parent_of`` reads its parent, now; None when that is gone."""
        if one.pid in self._spared or one.pid == 1 or one.is_kernel_thread or self._is_stranger(one):
            return False
        if one.ppid in self._starts:
            parent = parent_of(one)
            if parent is None or self.knows(
                parent
            ):  # gone meanwhile: then it was there when the child was read
                return True
        return one.starttime >= self.first_start and (
            one.session in self._founded
            or one.pgrp in self._founded
            or (bool(self._cgroups) and one.cgroup in self._cgroups)
            or self._layout_claims(one, parent_of)
        )

    def _layout_claims(
        self, one: ProcessRecord, parent_of: Callable[[ProcessRecord], ProcessRecord | None]
    ) -> bool:
        layout = layout_of(one)
        if layout is None or layout not in self._layouts or not _is_by_lot(one):
            return False
        # A parent of the same layout forked it, and that would be a member, were this its tree.
        parent = parent_of(one)
        return parent is None or layout_of(parent) != layout

    def _is_stranger(self, one: ProcessRecord) -> bool:
        """Has it got the pid of a dead member?  A pid is free only when its session and group are gone too."""
        if one.pid not in self._starts or self.knows(one):
            return False
        self._founded.discard(one.pid)
        return one.session == one.pid or one.starttime < self.first_start


def layout_of(one: ProcessRecord) -> Layout | None:
    """Where its program lies in memory; None when that may not be seen."""
    fields = one.fields
    if len(fields) <= _LAYOUT[-1] or len(fields[_LAYOUT[1]]) < 6:  # "0" or "1" without the right to trace it
        return None
    return tuple(fields[at] for at in _LAYOUT)


def _is_by_lot(one: ProcessRecord) -> bool:
    """Were its addresses drawn?  Without that (a debugger, setarch -R) they are the same for each run of a program."""
    try:
        with open("/proc/sys/kernel/randomize_va_space", "rb") as file:
            drawn = file.read().strip() != b"0"
    except OSError:
        return False
    personality = one.read("personality")
    return drawn and bool(personality) and not int(personality or b"0", 16) & _ADDR_NO_RANDOMIZE


def owns_cgroup(root: ProcessRecord, table: Snapshot) -> bool:
    """Was its cgroup made for it: is it the oldest in there, and its parent not in it?"""
    path = root.cgroup
    if path in ("", "/") or root.pid == 1:
        return False
    parent = table.by_pid.get(root.ppid)
    if parent is None or parent.cgroup in ("", path):
        return False
    return all(
        (root.starttime, root.pid) <= (each.starttime, each.pid) for each in table if each.cgroup == path
    )
