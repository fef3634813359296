"""The files of /proc/PID that a record can hold, by name, and what to read of them.

A column or an explanation names those that it needs; nobody opens any other.
"""

from __future__ import annotations

STAT = "stat"  # always read: identity, state, times, memory
STATUS = "status"  # ids, signal masks, VmSwap and the like; costs twice as much as stat
STATM = "statm"
CMDLINE = "cmdline"
ENVIRON = "environ"  # ours only
IO = "io"  # ours only
CGROUP = "cgroup"
WCHAN = "wchan"
SCHEDSTAT = "schedstat"
SCHED = "sched"
SMAPS = "smaps"  # ours only; several KB for each mapping
SMAPS_ROLLUP = "smaps_rollup"  # ours only; walks the page tables: some 0.3 ms and more for a large process
OOM_SCORE = "oom_score"
OOM_SCORE_ADJ = "oom_score_adj"
LOGINUID = "loginuid"
SESSIONID = "sessionid"
LABEL = "attr/current"
AUTOGROUP = "autogroup"
SYSCALL = "syscall"  # ours only
STACK = "stack"  # root only
LIMITS = "limits"
MAPS = "maps"  # ours only

EXE = "exe"  # links, not files: ``ProcessRecord.link``; ours only
CWD = "cwd"
ROOT = "root"

_ROOM = 4096
_GROWS = frozenset((CMDLINE, ENVIRON, SMAPS, SMAPS_ROLLUP, LIMITS, MAPS, STACK, CGROUP, SCHED))
PIECE = 1 << 17


def room(name: str) -> int:
    """Bytes to ask for in one read: whole for what is never longer, else a piece of it."""
    return PIECE if name in _GROWS else _ROOM


def may_be_longer(name: str) -> bool:
    """Does one read of ``room`` bytes not promise to give all?"""
    return name in _GROWS
