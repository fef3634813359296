"""An engine with workers and small jobs, for tests of what no crew shows.

A task is ``(ledger, number, gate, size)``: it leaves a line in the ledger; if there is a gate, it rings the bell
and waits until the gate is open; its result is its number, or so many bytes.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from procession.ipc import carry
from procession.linux.keepalive import open_keepalive
from procession.pool.engine import Engine
from procession.pool.hand import Hand, LeanHirer
from procession.pool.schedule import Pace, Stretch
from procession.pool.worker import FIRST_JOB, ITEM
from procession.process.exits import Exit
from tests.unit.pool import handlers

Task = tuple[str, int, str, int]

# ── the worker's side ─────────────────────────────────────────────────────────────────────────────


def work(task: Task) -> object:
    """See above."""
    ledger, number, gate, size = task
    write(ledger, os.O_APPEND, f"{number} {os.getpid()}\n")
    if gate:
        write(f"{ledger}.bell", 0, f"{number}\n")
        with open(gate, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
    return bytes(size) if size else number


def write(path: str, flags: int, text: str) -> None:
    """In one call."""
    descriptor = os.open(path, os.O_WRONLY | flags)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def stay(_task: Task) -> object:
    """Never ends, and does not say that it has begun."""
    while True:
        signal.pause()


def spin(task: Task) -> object:
    """The same, of at least a millisecond."""
    value = work(task)
    until = time.monotonic() + 0.001
    while time.monotonic() < until:
        pass
    return value


def spin_long(task: Task) -> object:
    """The same, of 50 ms."""
    value = work(task)
    until = time.monotonic() + 0.05
    while time.monotonic() < until:
        pass
    return value


def fail_first(task: Task) -> object:
    """Fails where no gate is, and makes it."""
    ledger, number, gate, size = task
    work((ledger, number, "", size))
    descriptor = os.open(gate, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.write(descriptor, b"x")
        if os.fstat(descriptor).st_size == 1:
            raise ValueError(f"{number} is not in the mood")
    finally:
        os.close(descriptor)
    return number


class Quits:
    """A result whose pickling raises what is no Exception."""

    def __reduce__(self) -> tuple[Any, ...]:
        raise SystemExit(3)


def quit_at_its_pickling(task: Task) -> object:
    work(task)
    return Quits() if task[1] == 1 else task[1]


class Liar:
    """Says that it is an int, or a float, as a Mock with a spec does."""

    def __init__(self, kind: type) -> None:
        self.kind = kind

    @property
    def __class__(self) -> type:
        return self.kind

    @__class__.setter
    def __class__(self, kind: type) -> None:
        raise AttributeError

    def __float__(self) -> float:
        return 7.0

    def __reduce__(self) -> tuple[Any, ...]:
        return Liar, (self.kind,)


def outcomes_of(task: tuple[Any, ...]) -> object:
    """What the task says, after its type: as it is, lied about, or raised."""
    what, value = task
    if what == "liar":
        return Liar({"int": int, "float": float}[value])
    if what == "number":
        return Number(value)
    if what == "raise":
        raise ValueError(value)
    return value


class Number(int):
    """An int of its own kind."""


# ── the parent's side ─────────────────────────────────────────────────────────────────────────────


class Stopped(Exception):
    """What a task has failed of that took too long, or was cancelled."""


class Ledger:
    """What the tasks have written, the bell that some ring, and the gates at which they wait."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ledger"
        self.path.touch()
        self._bell_path = folder / "ledger.bell"
        os.mkfifo(self._bell_path)
        self.bell = os.open(self._bell_path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.rung: list[int] = []
        self._gates: dict[str, int] = {}

    def gate(self, name: str = "gate") -> str:
        """A closed one."""
        path = f"{self.path}.{name}"
        if path not in self._gates:
            self._gates[path] = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
            fcntl.flock(self._gates[path], fcntl.LOCK_EX)
        return path

    def open(self, name: str = "gate") -> None:
        """Let all pass who wait there."""
        fcntl.flock(self._gates[self.gate(name)], fcntl.LOCK_UN)

    def task(self, number: int, gate: str = "", size: int = 0) -> Task:
        return (str(self.path), number, gate, size)

    def tasks(self, count: int, held: Sequence[int] = (), size: int = 0) -> list[Task]:
        return [self.task(number, self.gate() if number in held else "", size) for number in range(count)]

    def read_bell(self) -> None:
        self.rung += map(int, os.read(self.bell, 65536).split())

    def lines(self) -> list[tuple[int, int]]:
        """(number, pid), in the order of their writing."""
        lines = self.path.read_text(encoding="ascii").splitlines()
        return [(int(number), int(pid)) for number, pid in (line.split() for line in lines)]

    def numbers(self) -> list[int]:
        return [number for number, _ in self.lines()]

    def pids(self) -> dict[int, int]:
        """Who has begun each; each was begun once."""
        lines = self.lines()
        pids = dict(lines)
        assert len(pids) == len(lines), Counter(number for number, _ in lines).most_common(3)
        return pids

    def close(self) -> None:
        for descriptor in (self.bell, *self._gates.values()):
            os.close(descriptor)


class Job:
    """Some tasks, and their outcomes: exactly one each."""

    def __init__(
        self,
        items: Sequence[Any],
        function: Callable[[Any], object] = work,
        *,
        number: int = FIRST_JOB,
        priority: int = 0,
        timeout: float | None = None,
        pace: Pace | None = None,
        lot: int = 0,
    ) -> None:
        self.number = number
        self.style = ITEM
        self.priority = priority
        self.timeout = timeout
        self.pace = pace or Pace(lot)
        self.items = items
        self.taken = 0
        self.values: dict[int, Any] = {}
        self.errors: dict[int, BaseException] = {}
        self.dropped: dict[int, BaseException | None] = {}
        self.on_failed: Callable[[Stretch, int, BaseException], bool] = lambda *_: False
        self._function = function

    def take(self, limit: int) -> Stretch | None:
        items = self.items[self.taken : self.taken + limit]
        if not items:
            return None
        self.taken += len(items)
        return Stretch(self, self.taken - len(items), items)

    def remaining(self) -> int | None:
        return len(self.items) - self.taken

    def function(self) -> carry.Parcel:
        return carry.pack(self._function, out_of_band=True)

    def payloads(self, stretch: Stretch) -> Sequence[Any]:
        return stretch.items

    def landed(self, stretch: Stretch, at: int, values: list[Any]) -> None:
        for index, value in enumerate(values, stretch.first + at):
            self._new(index)
            self.values[index] = value

    def failed(self, stretch: Stretch, at: int, error: BaseException) -> None:
        if not self.on_failed(stretch, at, error):
            self._new(stretch.first + at)
            self.errors[stretch.first + at] = error

    def lost(self, stretch: Stretch, at: int, error: BaseException, _note: bytes) -> None:
        self.failed(stretch, at, error)

    def timed_out(self, stretch: Stretch, at: int, pid: int) -> BaseException:
        return Stopped(stretch.first + at, pid)

    def given_up(self, stretch: Stretch, broken: BaseException | None) -> None:
        for index in range(stretch.first, stretch.first + len(stretch.items)):
            self._new(index)
            self.dropped[index] = broken

    def _new(self, index: int) -> None:
        assert index < self.taken
        kinds = (self.values, self.errors, self.dropped)
        assert not any(index in kind for kind in kinds), f"task {index} has two outcomes"

    def outcomes(self) -> dict[int, Any]:
        return {**self.values, **self.errors, **self.dropped}

    @property
    def over(self) -> bool:
        return len(self.values) + len(self.errors) + len(self.dropped) == len(self.items)


class Shop:
    """An engine, its workers and a ledger."""

    def __init__(self, folder: Path, *, workers: int = 2, max_tasks: int = 0, method: str = "fork") -> None:
        self.ledger = Ledger(folder)
        self._keepalive = open_keepalive()
        hirer = LeanHirer(handlers.ignore, None, method, self._keepalive)
        self.engine = Engine(hirer, workers, max_tasks=max_tasks)
        self.exits: list[tuple[int, Exit | None, int]] = []
        self.engine.on_retired = self._retired
        self.engine.watch(self.ledger.bell, self.ledger.read_bell)

    def _retired(self, hand: Hand, exit_: Exit | None) -> None:
        self.exits.append((hand.pid, exit_, hand.tasks))

    def offer(self, *jobs: Job) -> None:
        """And hand out what finds a place."""
        with self.engine.lock:
            for job in jobs:
                self.engine.offer(job)
            self.engine.feed()
        self.engine.run_later()

    def until(self, condition: Callable[[], object]) -> None:
        """Let the engine work; the test's own limit is the deadline."""
        while not condition():
            self.engine.step(None)

    def run(self, *jobs: Job) -> None:
        """To the end."""
        self.offer(*jobs)
        self.until(lambda: all(job.over for job in jobs) and not self.engine.busy)

    def cancel(self, job: Job, number: int | None = None) -> int:
        """Give a job up and end whoever is at it (or at one task of it); how many that were."""
        with self.engine.lock:
            if number is None:
                for stretch in self.engine.give_up(job):
                    job.given_up(stretch, None)
            count = self.engine.end_running(job, number, Stopped)
            self.engine.feed()
        return count

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for hand in list(self.engine.hands.values()):
            hand.child.send_signal(9)
            self.engine.retire(hand, hand.child.wait())
            self.engine.schedule.dismissed(hand.pid)
        self.engine.close_descriptors()
        self.ledger.close()
        os.close(self._keepalive.write_fd)
        os.close(self._keepalive.read_fd)
