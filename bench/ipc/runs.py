"""One run: children are forked, get ready, start together, and the clock stops when the last item has arrived.

::

    parent                        children
    fork ───────────────────────▶ set up, say "ready"
    all ready: close the gun ───▶ go; each consumer keeps its count in a shared cell
    the cells add up to the total: the time; what still runs is ended
"""

from __future__ import annotations

import mmap
import os
import random
import select
import signal
import tempfile
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from bench.ipc.contestants import Ours
from bench.kit.stuck import Stuck

ARRAY = 8 << 20  # bytes
LIMIT = 20.0  # seconds in which nothing arrives: then a run has failed
LOOK = 0.001  # seconds between two looks at the cells


class Field:
    """The children of one run."""

    def __init__(self, cells: int) -> None:
        self.cells = memoryview(mmap.mmap(-1, 8 * max(1, cells))).cast("q")
        self.gun, self._trigger = os.pipe()
        self._heard, self._say = os.pipe()
        self.children: dict[int, str] = {}
        self._ready = 0

    def fork(self, kind: str, body: Callable[[Callable[[], None]], object]) -> int:
        """Run ``body(ready)`` in a child; ``ready`` returns when the gun is fired."""
        pid = os.fork()
        if pid:
            self.children[pid] = kind
            return pid
        code = 1
        try:
            if self._trigger >= 0:
                os.close(self._trigger)

            def ready() -> None:
                os.write(self._say, b"r")
                os.read(self.gun, 1)

            body(ready)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def wait_until_ready(self) -> None:
        """Wait until all that were forked so far have said so."""
        while self._ready < len(self.children):
            self._ready += len(os.read(self._heard, len(self.children) - self._ready))

    def fire(self) -> float:
        """Wait until all are ready, and let them go; when that was."""
        self.wait_until_ready()
        begun = time.perf_counter()
        os.close(self._trigger)
        self._trigger = -1
        return begun

    def wait_for(self, total: int, each_look: Callable[[], object] = lambda: None) -> float:
        """Until the cells add up to ``total``; when that was.  Raises Stuck."""
        so_far, moved = -1, 0.0
        while (done := sum(self.cells)) < total:
            now = time.perf_counter()
            if done != so_far:
                so_far, moved = done, now
            elif now - moved > LIMIT:
                raise Stuck(f"nothing came any more after {done} of {total}")
            select.select((), (), (), LOOK)
            self._check()
            each_look()
        return time.perf_counter()

    def _check(self) -> None:
        """Raise Stuck if a child has failed."""
        for pid, kind in self.children.items():
            over = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if over is not None and over.si_status:
                raise Stuck(f"a {kind} ended with {over.si_status}")

    def kill(self, pid: int) -> None:
        """End one child, in the middle of whatever it does."""
        del self.children[pid]
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    def clear(self) -> None:
        """End them all."""
        for pid in list(self.children):
            self.kill(pid)
        for fd in (self.gun, self._trigger, self._heard, self._say):
            if fd >= 0:
                os.close(fd)


def _produce(contestant: Ours, shared: Any, count: int, ready: Callable[[], None]) -> None:
    put, finish = contestant.producer(shared)
    ready()
    for number in range(count):
        put((number, 1, 2, 3, 4))
    finish()


def _consume(contestant: Ours, shared: Any, cells: memoryview, index: int, ready: Callable[[], None]) -> None:
    get = contestant.consumer(shared, index)
    ready()
    done = 0
    while True:
        get()
        done += 1
        cells[index] = done


def messages(contestant: Ours, producers: int, consumers: int, count: int) -> float:
    """Messages a second: tuples of five ints, put and got one by one."""
    each = max(1, count // producers)
    with tempfile.TemporaryDirectory(prefix="bench-ipc-") as folder:
        shared = contestant.make(consumers, Path(folder), False)
        field = Field(consumers)
        try:
            for index in range(consumers):
                field.fork("consumer", partial(_consume, contestant, shared, field.cells, index))
            field.wait_until_ready()
            for _ in range(producers):
                field.fork("producer", partial(_produce, contestant, shared, each))
            begun = field.fire()
            return each * producers / (field.wait_for(each * producers) - begun)
        finally:
            field.clear()


def arrays(contestant: Ours, count: int) -> float:
    """Arrays of 8 MiB a second, one producer, one consumer that reads a number of each page."""
    import numpy as np

    def produce(ready: Callable[[], None]) -> None:
        put, finish = contestant.producer(shared)
        array = np.arange(ARRAY // 8, dtype=np.int64)
        ready()
        for number in range(count):
            put((number, array))
        finish()

    def consume(ready: Callable[[], None]) -> None:
        get = contestant.consumer(shared, 0)
        ready()
        expected = int(np.arange(0, ARRAY // 8, 512).sum())
        for count_ in range(count):
            number, array = get()
            if number != count_ or array[::512].sum() != expected:
                raise ValueError(f"item {count_} is not what was put")
            del array
            field.cells[0] = count_ + 1

    with tempfile.TemporaryDirectory(prefix="bench-ipc-") as folder:
        shared = contestant.make(1, Path(folder), True)
        field = Field(1)
        try:
            field.fork("consumer", consume)
            field.wait_until_ready()
            field.fork("producer", produce)
            begun = field.fire()
            return count / (field.wait_for(count) - begun)
        finally:
            field.clear()


def storm(
    contestant: Ours, producers: int, consumers: int, count: int, every: float
) -> tuple[float, int, int]:
    """Messages a second while somebody is killed every so many seconds; kills, and items lost in dead hands."""
    chance = random.Random(1)
    shared = contestant.make(consumers, Path(), False)
    lives = 4000
    field = Field(lives)
    numbers = iter(range(lives))
    kills = 0
    next_at = 0.0

    def start(kind: str) -> None:
        index = next(numbers)
        if kind == "consumer":
            field.fork(kind, partial(_consume, contestant, shared, field.cells, index))
        else:
            field.fork(kind, partial(_produce, contestant, shared, 1 << 60))

    def strike() -> None:
        nonlocal kills, next_at
        if time.perf_counter() >= next_at and kills < lives - 100:
            next_at = time.perf_counter() + every
            pid = chance.choice(list(field.children))
            kind = field.children[pid]
            field.kill(pid)
            start(kind)
            kills += 1

    try:
        for kind in ["producer"] * producers + ["consumer"] * consumers:
            start(kind)
        begun = field.fire()
        next_at = begun + every
        seconds = field.wait_for(count, strike) - begun
        got = sum(field.cells)
        kills += len(field.children)  # the end of the run is a SIGKILL too, for all that are left
    finally:
        field.clear()
    stats = shared.stats()
    return got / seconds, kills, stats.lost


def pipe_messages(make: Callable[[], tuple[Any, Any]], count: int) -> float:
    """Messages a second from one end to the other."""
    left, right = make()
    field = Field(1)

    def send(ready: Callable[[], None]) -> None:
        ready()
        for number in range(count):
            left.send((number, 1, 2, 3, 4))
        right.poll(None)

    def receive(ready: Callable[[], None]) -> None:
        ready()
        for _ in range(count):
            right.recv()
        field.cells[0] = count
        left.poll(None)

    try:
        field.fork("receiver", receive)
        field.fork("sender", send)
        begun = field.fire()
        return count / (field.wait_for(count) - begun)
    finally:
        field.clear()
        left.close()
        right.close()


def pipe_latency(make: Callable[[], tuple[Any, Any]], count: int) -> float:
    """Microseconds there and back."""
    left, right = make()
    field = Field(1)

    def answer(ready: Callable[[], None]) -> None:
        ready()
        while True:
            right.send(right.recv())

    try:
        field.fork("other side", answer)
        field.fire()
        left.send(0)
        left.recv()
        begun = time.perf_counter()
        for number in range(count):
            left.send(number)
            left.recv()
        return (time.perf_counter() - begun) / count * 1e6
    finally:
        field.clear()
        left.close()
        right.close()
