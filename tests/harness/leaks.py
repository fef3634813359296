"""After every test: no process, descriptor, thread, shared memory or memfd mapping is left.

A process is the test's if it descends from pytest, or if it was orphaned and still carries our mark:
forked ones inherit a memfd mapping whose name is the token below, executed ones the variable PN_TESTS.
"""

from __future__ import annotations

import gc
import mmap
import os
import select
import stat
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from procession.process.lifeline import lifeline
from tests.harness import processes

TOKEN = f"pn-tests-{os.getpid()}-{time.time_ns()}"
SHARED_MEMORY = "/dev/shm"
# How long an orphan whose parent the test has killed may take to follow it.
GRACE = 1.0


def _mark_ourselves() -> mmap.mmap:
    os.environ["PN_TESTS"] = TOKEN
    memfd = os.memfd_create(TOKEN)
    try:
        os.ftruncate(memfd, mmap.PAGESIZE)
        return mmap.mmap(memfd, mmap.PAGESIZE)
    finally:
        os.close(memfd)


_MARK = _mark_ourselves()


@dataclass(frozen=True)
class Snapshot:
    """What there is at one instant."""

    pids: set[int]
    fds: dict[int, str]
    threads: set[int]
    shared: set[str]
    memfds: Counter[str]

    @classmethod
    def take(cls) -> Snapshot:
        return cls(
            processes.pids(), _descriptors(), _numbers("/proc/self/task"), _shared_memory(), _memfd_mappings()
        )


@dataclass
class Leaks:
    """What came since a snapshot and is still there."""

    children: list[int] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.children or self.words)

    @classmethod
    def since(cls, before: Snapshot) -> Leaks:
        now = Snapshot.take()
        leaks = cls()
        for pid in sorted(now.pids - before.pids):
            state, parent = processes.state_and_parent(pid)
            if state and (processes.descends(pid, os.getpid()) or _marked(pid)):
                what = "zombie child" if state == "Z" else f"child (state {state})"
                leaks.children.append(pid)
                leaks.words.append(f"{what} {pid} of {parent}: {processes.cmdline(pid)}")
        for fd, target in now.fds.items():
            if before.fds.get(fd) != target:
                leaks.words.append(f"fd {fd} -> {target}")
        names = {thread.native_id: thread.name for thread in threading.enumerate()}
        for tid in sorted(now.threads - before.threads):
            leaks.words.append(f"thread {tid}: {names.get(tid, 'not a Python thread')}")
        leaks.words += [
            f"shared memory {SHARED_MEMORY}/{name}" for name in sorted(now.shared - before.shared)
        ]
        leaks.words += [f"mapping of {name}" for name in sorted((now.memfds - before.memfds).elements())]
        return leaks


def settled(before: Snapshot) -> Leaks:
    """The leaks since ``before``, once garbage and what is about to end anyway have had their chance."""
    leaks = Leaks.since(before)
    if leaks:
        gc.collect()
        leaks = Leaks.since(before)
    deadline = time.monotonic() + GRACE
    while leaks and time.monotonic() < deadline and _may_yet_end(leaks, before, deadline):
        leaks = Leaks.since(before)
    return leaks


def _may_yet_end(leaks: Leaks, before: Snapshot, deadline: float) -> bool:
    """Wait until one orphan or thread among the leaks has ended.  Our own children must be reaped by now."""
    orphans = [pid for pid in leaks.children if processes.state_and_parent(pid)[1] != os.getpid()]
    if orphans:
        poller = select.poll()
        pidfds = []
        for pid in orphans:
            with suppress(ProcessLookupError):
                pidfds.append(os.pidfd_open(pid))
                poller.register(pidfds[-1], select.POLLIN)
        try:
            return not pidfds or bool(poller.poll(max(0, (deadline - time.monotonic()) * 1000)))
        finally:
            for pidfd in pidfds:
                os.close(pidfd)
    threads = [thread for thread in threading.enumerate() if thread.native_id not in before.threads]
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
    return any(not thread.is_alive() for thread in threads)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Fail a test that leaves anything behind, and clean up its processes for the next one."""
    lifeline()  # the one pipe that a process keeps once it has had children
    before = Snapshot.take()
    yield
    _put_away()
    leaks = settled(before)
    if leaks:
        for pid in leaks.children:
            processes.kill(pid)
        pytest.fail("left behind by this test:\n  " + "\n  ".join(leaks.words), pytrace=False)


def _put_away() -> None:
    """What a program keeps until its end and a test must not: fork server, reaper, and the stdlib's tracker."""
    served = sys.modules.get("procession.process.served")
    if served is not None:
        served.server.stop()
    reaper = sys.modules.get("procession.process.reaper")
    if reaper is not None:
        reaper.rest()
    tracker = sys.modules.get("multiprocessing.resource_tracker")
    if tracker is not None:
        tracker._resource_tracker._stop()


def _marked(pid: int) -> bool:
    return TOKEN.encode() in processes.read(pid, "environ") or TOKEN.encode() in processes.read(pid, "maps")


def _numbers(folder: str) -> set[int]:
    return {int(name) for name in os.listdir(folder)}


def _descriptors() -> dict[int, str]:
    found = {}
    for fd in _numbers("/proc/self/fd"):
        with suppress(FileNotFoundError):  # the descriptor of this very listing
            found[fd] = os.readlink(f"/proc/self/fd/{fd}")
    return found


def _shared_memory() -> set[str]:
    # shm_open and sem_open make regular files at the top; folders there are somebody's data.
    try:
        entries = list(os.scandir(SHARED_MEMORY))
    except FileNotFoundError:
        return set()
    found = set()
    for entry in entries:
        with suppress(FileNotFoundError):
            facts = entry.stat(follow_symlinks=False)
            if stat.S_ISREG(facts.st_mode) and facts.st_uid == os.getuid():
                found.add(entry.name)
    return found


def _memfd_mappings() -> Counter[str]:
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        lines = [line.split(maxsplit=5) for line in maps if "/memfd:" in line]
    return Counter(f"{words[5].strip()} (inode {words[4]})" for words in lines)
