"""The process table again and again, at the cost of what has changed.

::

    refresh ─▶ pids of /proc ─▶ new: open stat and schedstat, and keep both open
                                known: pread schedstat (3 µs): has it run?  then pread stat (8 µs) ─▶ new record
                                                                            else the record of before stays

What a process does to itself it does by running, and then schedstat counts (one for each thread: so this holds
for processes of one thread only, the others are read each time).  What others do to it, a new niceness or a page
that is taken away, is seen within ``ROUND`` refreshes, since each time one in so many is read anyway, and at once
for those that somebody looks at; so is a parent's death.

A descriptor that is kept stands for the process and not for its pid: when it has ended, reading is ESRCH, whoever
has the number now.  Where the limit of descriptors is too low, or there is no schedstat (CONFIG_SCHED_INFO), each
stat is read as ``snapshot`` does.
"""

from __future__ import annotations

import os
import resource
import time

from procession.table.record import ProcessRecord
from procession.table.snapshot import Snapshot
from procession.table.source import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Self

ROUND = 20  # refreshes in which everything has been read once
_SPARE = 128  # descriptors that stay free for everybody else
_READ = os.O_RDONLY | os.O_CLOEXEC
_ROOM = 4096
_SHORT = 128


class _Seat:
    """One process under watch; ``stat_fd`` is -1 where it is opened anew each time."""

    __slots__ = ("ppid", "record", "sched", "sched_fd", "settled", "stat_fd")

    def __init__(self) -> None:
        self.stat_fd = self.sched_fd = -1
        self.sched = b""
        self.ppid = 0
        self.settled = False  # one thread, and not running: schedstat tells
        self.record: ProcessRecord | None = None


class Follower:
    """Use it in one thread, and close it.  ``raise_limit``: may the soft limit of descriptors go up to the hard one?"""

    def __init__(self, source: Source | None = None, *, raise_limit: bool = False) -> None:
        self.source = source or Source()
        #: how many stat files the last refresh has read
        self.reads = 0
        self._seats: dict[int, _Seat] = {}
        self._turn = 0
        self._open = 0
        if raise_limit:
            _raise_limit()
        self._may_open = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _SPARE

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what is kept open; the next refresh opens it again."""
        for seat in self._seats.values():
            self._leave(seat)
        self._seats.clear()

    def refresh(self, looked_at: Collection[int] = ()) -> Snapshot:
        """The table of now.  Records of processes that have not run are those of the refresh before, but for the
        pids ``looked_at`` (a set, best), which are read anyway.

        Raises OSError when /proc is gone.
        """
        began = time.clock_gettime(time.CLOCK_BOOTTIME)
        self.reads = 0
        self._turn = turn = (self._turn + 1) % ROUND
        pids = self.source.pids()
        gone = self._forget(set(pids))
        records: list[ProcessRecord] = []
        seats = self._seats
        for pid in pids:
            seat = seats.get(pid)
            record = None
            if seat is not None:
                may_rest = seat.settled and pid % ROUND != turn and seat.ppid not in gone
                if may_rest and pid not in looked_at and self._rests(seat):
                    record = seat.record
                else:
                    record = self._look(pid, seat)
                if record is None:  # ended meanwhile; the pid may be another's already
                    self._leave(seats.pop(pid))
            if record is None:
                record = self._first_look(pid)
            if record is not None:
                records.append(record)
        return Snapshot(records, self.source, began, time.clock_gettime(time.CLOCK_BOOTTIME))

    def _forget(self, there: set[int]) -> set[int]:
        gone = self._seats.keys() - there
        for pid in gone:
            self._leave(self._seats.pop(pid))
        return gone

    def _rests(self, seat: _Seat) -> bool:
        """Has it not run since we looked?  False, too, when it has ended."""
        try:
            return os.pread(seat.sched_fd, _SHORT, 0) == seat.sched
        except OSError:
            return False

    def _first_look(self, pid: int) -> ProcessRecord | None:
        seat = _Seat()
        if self._open + 2 <= self._may_open:
            try:
                seat.stat_fd = os.open(f"{pid}/stat", _READ, dir_fd=self.source.fd)
                self._open += 1
            except OSError:
                return None
            try:
                seat.sched_fd = os.open(f"{pid}/schedstat", _READ, dir_fd=self.source.fd)
                self._open += 1
            except OSError:
                pass
        record = self._look(pid, seat)
        if record is None:
            self._leave(seat)
        else:
            self._seats[pid] = seat
        return record

    def _look(self, pid: int, seat: _Seat) -> ProcessRecord | None:
        """Read its stat; None when it has ended."""
        self.reads += 1
        try:
            if seat.sched_fd >= 0:
                # Before stat: what it does in between makes the next look differ.
                seat.sched = os.pread(seat.sched_fd, _SHORT, 0)
            if seat.stat_fd >= 0:
                stat, owner = os.pread(seat.stat_fd, _ROOM, 0), os.fstat(seat.stat_fd).st_uid
            else:
                stat, owner = self.source.read_stat(str(pid))
        except OSError:
            return None
        if not stat:
            return None
        before = seat.record
        seat.record = record = ProcessRecord(self.source, pid, pid, stat, owner)
        if before is not None:
            record.inherit(before)
        fields = record.fields
        seat.ppid = int(fields[1])
        seat.settled = seat.sched_fd >= 0 and fields[17] == b"1" and fields[0] != b"R"
        return record

    def _leave(self, seat: _Seat) -> None:
        for fd in (seat.stat_fd, seat.sched_fd):
            if fd >= 0:
                os.close(fd)
                self._open -= 1


def _raise_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
