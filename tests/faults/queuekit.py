"""Producers and consumers that are killed, and a ledger in shared memory that says what became of each item.

A cell of the ledger is a plain store of one process, before and after each step, so that a kill leaves at
most one item of that process in doubt.
"""

from __future__ import annotations

import mmap
import os
import random
import signal
import zlib
from collections.abc import Callable
from typing import Any

from procession.ipc.queues import Queue

ITEMS = 3000  # of one producer at most


class Ledger:
    """Who has put and who has got what; ``lives`` producers at most."""

    def __init__(self, lives: int) -> None:
        self.lives = lives
        self._memory = mmap.mmap(-1, 8 * lives * 2 + lives * ITEMS + 4096)
        words = memoryview(self._memory)
        self.announced = words[: 8 * lives].cast("q")
        self.put = words[8 * lives : 16 * lives].cast("q")
        self.got = words[16 * lives : 16 * lives + lives * ITEMS]
        self.torn = words[16 * lives + lives * ITEMS :]

    def missing(self, life: int) -> list[int]:
        """Items of a producer whose put had returned and that nobody got."""
        return [n for n in range(self.put[life]) if not self.got[life * ITEMS + n]]

    def doubled(self) -> int:
        """Items that came more than once."""
        return sum(count > 1 for count in self.got)


def item(life: int, number: int) -> tuple[int, int, bytes, int]:
    """Most fit into a record, some go to a region; the checksum would show a tear."""
    body = bytes([(life + number) % 251]) * ((life * 31 + number * 7) % 300 if number % 40 else 5000)
    if number % 400 == 399:
        body *= 20  # mapped by its receiver
    return life, number, body, zlib.crc32(body, life * 65_536 + number)


def produce(queue: Queue[Any], ledger: Ledger, life: int) -> None:
    """Put until the numbers are used up."""
    for number in range(ITEMS):
        ledger.announced[life] = number + 1
        queue.put(item(life, number))
        ledger.put[life] = number + 1
    queue.close()


def consume(queue: Queue[Any], ledger: Ledger) -> None:
    """Take until nobody can put any more; check each item and the order of each producer."""
    last: dict[int, int] = {}
    for life, number, body, check in queue:
        cell = life * ITEMS + number
        ledger.got[cell] = min(ledger.got[cell] + 1, 255)
        if check != zlib.crc32(body, life * 65_536 + number):
            ledger.torn[0] = 1
        if last.get(life, -1) >= number:
            ledger.torn[1] = 1
        last[life] = number


def fork(function: Callable[..., object], *args: object) -> int:
    """Run it in a forked child; the pid."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            function(*args)
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)
    return pid


def kill(pid: int) -> int:
    """SIGKILL a child of ours and reap it; how it ended."""
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def storm(queue: Queue[Any], producers: int, consumers: int, kills: int, seed: int) -> tuple[Ledger, int]:
    """Kill at random moments, and start another one for each; the ledger, and how many consumers were killed."""
    chance = random.Random(seed)
    ledger = Ledger(producers + kills)
    lives = iter(range(ledger.lives))
    working: dict[int, str] = {}

    def start(kind: str) -> None:
        args = (produce, queue, ledger, next(lives)) if kind == "p" else (consume, queue, ledger)
        working[fork(*args)] = kind

    for kind in "p" * producers + "c" * consumers:
        start(kind)
    struck = 0
    for _ in range(kills):
        # Moments are drawn by the progress of the work, not by a clock.
        goal = sum(ledger.put) + chance.randrange(400)
        while sum(ledger.put) < goal and any(_runs(pid) for pid, kind in working.items() if kind == "p"):
            os.sched_yield()
        pid = chance.choice(list(working))
        kind = working.pop(pid)
        if kill(pid) == -signal.SIGKILL and kind == "c":
            struck += 1
        start(kind)
    queue.close()
    for pid in working:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    return ledger, struck


def _runs(pid: int) -> bool:
    return not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
