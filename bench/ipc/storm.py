"""Our queue under a storm of SIGKILL: ``python -m bench.ipc.storm SECONDS``.

Four producers and four consumers; every 20 ms one of them is killed and another takes its place.  Each keeps
its count in shared memory.  Prints what was put and taken, how many were killed, and the seconds.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import time
from collections.abc import Callable

from procession.ipc.queues import Queue
from procession.ipc.sharedctypes import RawArray

SIDE = 4  # processes on each side
EVERY = 0.02  # seconds between two kills
LIVES = 20_000


def storm(seconds: float) -> dict[str, float]:
    """One storm."""
    queue: Queue[tuple[int, ...]] = Queue()
    put, taken = RawArray("q", LIVES), RawArray("q", LIVES)
    lives: dict[int, tuple[int, bool]] = {}
    dice = random.Random(1)
    killed = {True: 0, False: 0}

    def produce(life: int) -> None:
        for number in range(1 << 60):
            queue.put((number, 2, 3, 4, 5))
            put[life] = number + 1

    def consume(life: int) -> None:
        for number in range(1 << 60):
            queue.get()
            taken[life] = number + 1

    def start(producer: bool) -> None:
        life = len(starts)
        starts.append(producer)
        lives[_fork(produce if producer else consume, life)] = life, producer

    starts: list[bool] = []
    for producer in [True, False] * SIDE:
        start(producer)
    begun = time.perf_counter()
    nothing = select.poll()
    while time.perf_counter() - begun < seconds:
        nothing.poll(EVERY * 1000)
        pid = dice.choice(list(lives))
        _, producer = lives.pop(pid)
        killed[producer] += 1
        _kill(pid)
        start(producer)
    for pid, (_, producer) in list(lives.items()):  # at last the producers, then the rest is taken
        if producer:
            del lives[pid]
            _kill(pid)
    elapsed = time.perf_counter() - begun
    while not queue.empty():
        nothing.poll(5)
    for pid in lives:
        _kill(pid)
    return {
        "seconds": elapsed,
        "put": sum(put),
        "taken": sum(taken),
        "killed_consumers": killed[False] + SIDE,
        "killed_producers": killed[True] + SIDE,
    }


def _fork(work: Callable[[int], None], life: int) -> int:
    pid = os.fork()
    if not pid:
        try:
            work(life)
        finally:
            os._exit(1)
    return pid


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)  # ours and not reaped: the number is its own
    os.waitpid(pid, 0)


if __name__ == "__main__":
    print(json.dumps(storm(float(sys.argv[1]))))
