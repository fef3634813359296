"""The facts of one process, collected once: what explanations are pure functions of.

::

    World (snapshot, descriptors, locks) ─▶ facts_of(pid) ─▶ Facts ─▶ explain/*.py: Facts ─▶ Finding | None
                two readings some 0.2 s apart ─▶ shares of CPU, of waiting for a CPU, of being throttled
"""

from __future__ import annotations

import os

from procession.records import record
from procession.table import files
from procession.table.facts_cgroup import frozen_group
from procession.table.facts_rates import Rate, Reading, rate_between, read_once, throttle_between
from procession.table.family import origin
from procession.table.graph import Ring, chain
from procession.table.ttys import tty_name
from procession.table.users import user_name
from procession.table.world import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from procession.linux.pressure import Pressure
    from procession.table.facts_cgroup import Throttle
    from procession.table.record import ProcessRecord
    from procession.table.waits import Wait
    from procession.table.world import World

SIGCHLD_BIT = 1 << 16  # signal 17 of a mask


@record
class Person:
    """Another process that a sentence names.  ``age``: seconds."""

    pid: int
    name: str
    state: str
    age: float
    session: int

    def __str__(self) -> str:
        return f"pid {self.pid} ({self.name})"


@record
class Facts:
    """Sizes in bytes, times in seconds.  What may not be read is None, "" or ()."""

    me: Person
    is_kernel_thread: bool
    user: str
    pgrp: int
    tty: str
    foreground: int  # the foreground process group of its terminal; -1: none
    parent: Person | None
    parent_sigchld: str  # what the parent does at SIGCHLD: ignores, catches, default
    role: str  # what it is to us: a worker of a pool and its task, a pn at work; "" for most
    origin: str  # stray, left, daemon or "": ``family.origin``
    leader: Person | None  # of its session; None when that has ended
    group_leader_lives: bool
    children: tuple[Person, ...]
    thread_states: tuple[str, ...]
    ending: str  # of a zombie: how it ended
    was_dead: bool  # at the first reading already
    tracer: Person | None
    frozen: str  # the cgroup that is frozen
    tids: tuple[int, ...]  # of its threads, the main one first
    waits: tuple[Wait | None, ...]  # what each of these waits for; None: it runs
    chain: tuple[Wait, ...]  # what the one whom it waits for waits for, and so on
    ring: Ring | None  # the deadlock that it is in, or waits for
    people: dict[int, Person]  # all whom waits name
    wchan: str
    stack: tuple[str, ...]  # kernel functions, innermost first; root only
    place: str  # for state D: the file system or device that it asks
    rate: Rate | None
    lifetime_cpu: float  # cores in use, on average since its start
    cpu_pressure: Pressure | None
    rss: int
    swap: int
    throttle: Throttle | None
    descriptors: int | None
    descriptor_limit: int | None

    @property
    def wait(self) -> Wait | None:
        """Of its main thread."""
        return self.waits[0] if self.waits else None

    def name(self, pid: int) -> str:
        """``pid 4711 (python feeder.py)``."""
        found = self.people.get(pid)
        return str(found) if found is not None else f"pid {pid}"


def person(world: World, record: ProcessRecord) -> Person:
    """For sentences."""
    return Person(record.pid, command(record), record.state, world.snapshot.age(record), record.session)


def facts_of(
    world: World, record: ProcessRecord, before: Reading | None = None, ring: Ring | None = None
) -> Facts:
    """Collect.  ``before``: an earlier reading, for rates.  Whatever ends meanwhile is left out."""
    from procession.linux.pressure import read_pressure

    by_pid = world.snapshot.by_pid
    parent, leader = by_pid.get(record.ppid), by_pid.get(record.session)
    is_dead = record.state in "ZXx"
    tids = tuple(world.source.tids(record.pid))
    waits = () if is_dead or record.is_kernel_thread else tuple(world.wait(record.pid, tid) for tid in tids)
    first = waits[0] if waits else None
    links = tuple(chain(first, _MainWaits(world))) if first is not None else ()
    now = read_once(world, record)
    tracer = by_pid.get(int(record.status.get(b"TracerPid", b"0")))
    age = world.snapshot.age(record)
    return Facts(
        me=person(world, record),
        is_kernel_thread=record.is_kernel_thread,
        user=user_name(record.uid),
        pgrp=record.pgrp,
        tty=tty_name(record.tty_nr),
        foreground=record.tpgid,
        parent=person(world, parent) if parent is not None else None,
        parent_sigchld=_sigchld(parent) if parent is not None and is_dead else "",
        role=world.roles.of(record) or "",
        origin=origin(world.snapshot, record),
        leader=person(world, leader) if leader is not None and leader.state not in "ZXx" else None,
        group_leader_lives=record.pgrp in by_pid,
        children=tuple(person(world, each) for each in world.snapshot.children.get(record.pid, ())),
        thread_states=_thread_states(world, record, tids),
        ending=_ending(record) if is_dead else "",
        was_dead=before is not None and before.record.state in "ZXx",
        tracer=person(world, tracer) if tracer is not None else None,
        frozen=frozen_group(record),
        tids=tids,
        waits=waits,
        chain=links,
        ring=ring,
        people=_people(world, (*waits, *links, *(ring.waits if ring is not None else ()))),
        wchan=record.wchan,
        stack=_stack(record),
        place=_place(world, record, first) if record.state == "D" else "",
        rate=rate_between(before, now) if before is not None else None,
        lifetime_cpu=record.cpu_seconds / age if age > 0 else 0.0,
        cpu_pressure=read_pressure("cpu"),
        rss=record.rss,
        swap=record.status_kilobytes(b"VmSwap") * 1024,
        throttle=throttle_between(before.throttle if before is not None else None, now.throttle),
        descriptors=None if is_dead else _count(world, record),
        descriptor_limit=_limit(record),
    )


class _MainWaits(dict[int, "Wait | None"]):
    """Looks up the wait of a process's main thread when it is asked for."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def get(self, pid: int, default: Wait | None = None) -> Wait | None:  # type: ignore[override]
        record = self._world.snapshot.by_pid.get(pid)
        if record is None or record.state in "ZXx" or record.is_kernel_thread:
            return default
        return self._world.wait(pid, pid)


def _people(world: World, waits: Iterable[Wait | None]) -> dict[int, Person]:
    found = {}
    for wait in waits:
        for pid in () if wait is None else (wait.pid, *(party.pid for party in wait.parties)):
            record = world.snapshot.by_pid.get(pid)
            if record is not None and pid not in found:
                found[pid] = person(world, record)
    return found


def _sigchld(parent: ProcessRecord) -> str:
    if parent.status_mask(b"SigIgn") & SIGCHLD_BIT:
        return "ignores"
    return "catches" if parent.status_mask(b"SigCgt") & SIGCHLD_BIT else "default"


def _ending(record: ProcessRecord) -> str:
    """From field 52 of stat, in the form of wait(2); "" where it is not ours to read (it is 0 then as well)."""
    if len(record.fields) < 50 or not (os.geteuid() == 0 or record.uid == os.geteuid()):
        return ""
    status = int(record.fields[49])
    if os.WIFSIGNALED(status):
        from signal import Signals

        number = os.WTERMSIG(status)
        name = Signals(number).name if number in Signals.__members__.values() else f"signal {number}"
        return f"was ended by {name}" + (" (and left a core dump)" if os.WCOREDUMP(status) else "")
    return f"ended with exit code {os.WEXITSTATUS(status)}"


def _thread_states(world: World, record: ProcessRecord, tids: tuple[int, ...]) -> tuple[str, ...]:
    found = []
    for tid in tids:
        try:
            stat = world.source.read_now(f"{record.pid}/task/{tid}", files.STAT)
        except OSError:
            continue
        found.append(stat[stat.rindex(b")") + 2 :][:1].decode("ascii"))
    return tuple(found)


def _stack(record: ProcessRecord) -> tuple[str, ...]:
    """``[<0>] do_wait+0x61/0xe0`` by its name."""
    lines = (record.read(files.STACK) or b"").decode("ascii", "replace").splitlines()
    return tuple(line.partition("] ")[2].partition("+")[0] for line in lines)


def _place(world: World, record: ProcessRecord, wait: Wait | None) -> str:
    from procession.table.mounts import place_of

    return place_of(world.source, record, wait)


def _count(world: World, record: ProcessRecord) -> int | None:
    numbers = world.source.descriptors(record.pid)
    return len(numbers) if numbers is not None else None


def _limit(record: ProcessRecord) -> int | None:
    for line in (record.read(files.LIMITS) or b"").split(b"\n"):
        if line.startswith(b"Max open files"):
            soft = line.split()[3]
            return int(soft) if soft.isdigit() else None
    return None
