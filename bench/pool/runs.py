"""One run of one contestant, in an interpreter of its own: its figure."""

from __future__ import annotations

import mmap
import os
import random
import select
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from bench.kit.stats import summarise
from bench.kit.stuck import Stuck
from bench.pool.contestants import WORKERS, Standard
from bench.pool.tasks import doomed, nap, one_more, same

ARRAY = 8 << 20  # bytes
PACE = 3.0  # seconds after which a slow contestant has shown its rate
BASE, LONG, EVERY = 0.001, 0.1, 100  # seconds of the short and the long naps; one in so many is long
SEEDS = 3
LULL = 0.005  # seconds from the first words of a task to its SIGKILL
PATIENCE = 2.0  # seconds in which somebody has to notice a death
HANGS = "hangs"


@contextmanager
def warm(contestant: Standard, *, in_order: bool = True) -> Iterator[Any]:
    """A pool whose workers are there, and have imported the tasks."""
    pool = contestant.open()
    try:
        few = range(8 * WORKERS)
        # mpire cannot go over from one to the other.
        list(contestant.map(pool, same, few, 1) if in_order else contestant.unordered(pool, same, few))
        yield pool
    finally:
        contestant.close(pool)


def tiny(contestant: Standard, count: int, chunksize: int | None) -> float:
    """Tasks a second that do nothing, by map."""
    with warm(contestant) as pool:
        begun = time.perf_counter()
        results = contestant.map(pool, same, range(count), chunksize)
        seconds = time.perf_counter() - begun
        _expect(len(results) == count and results[-1] == count - 1)
        return count / seconds


def unordered(contestant: Standard, count: int) -> float:
    """The same by imap_unordered, without a chunksize."""
    with warm(contestant, in_order=False) as pool:
        begun = time.perf_counter()
        total = sum(contestant.unordered(pool, same, range(count)))
        seconds = time.perf_counter() - begun
        _expect(total == count * (count - 1) // 2)
        return count / seconds


def round_trips(contestant: Standard, count: int) -> float:
    """Microseconds for one task, there and back, when the next is asked for after that."""
    with warm(contestant) as pool:
        call = contestant.call
        return _paced(lambda number: _expect(call(pool, same, number) == number), count)


def submitted_one_by_one(contestant: Standard, count: int) -> float:
    """The same, by ``submit(...).result()``."""
    with warm(contestant) as pool:
        submit = contestant.submitter(pool)
        return _paced(lambda number: _expect(submit(same, number)() == number), count)


def submitted(contestant: Standard, count: int) -> float:
    """Tasks a second, when all are handed in one by one and then all results are fetched."""
    with warm(contestant) as pool:
        submit = contestant.submitter(pool)
        begun = time.perf_counter()
        fetch = [submit(same, number) for number in range(count)]
        total = sum(each() for each in fetch)
        seconds = time.perf_counter() - begun
        _expect(total == count * (count - 1) // 2)
        return count / seconds


def arrays(contestant: Standard, count: int, seconds: float) -> float:
    """Arrays a second: ``count`` of 8 MiB, there and back, again and again for so many seconds."""
    import numpy as np

    given = [np.arange(number, number + ARRAY // 8, dtype=np.int64) for number in range(count)]
    with warm(contestant) as pool:
        contestant.map(pool, one_more, given[:WORKERS], 1)
        done, begun = 0, time.perf_counter()
        while not done or time.perf_counter() - begun < seconds:
            results = contestant.map(pool, one_more, given, None)
            done += count
            _expect(
                all(
                    (ours[::512] == array[::512] + 1).all()
                    for ours, array in zip(results, given, strict=True)
                )
            )
            del results
        return done / (time.perf_counter() - begun)


def start(contestant: Standard, method: str) -> float:
    """Milliseconds from nothing to a pool and the result of its first task."""
    begun = time.perf_counter()
    pool = contestant.open(method)
    result = contestant.call(pool, abs, -1)
    seconds = time.perf_counter() - begun
    contestant.close(pool)
    _expect(result == 1)
    return seconds * 1000


def uneven(contestant: Standard, count: int) -> float:
    """How many times longer than the ideal it takes."""
    spent = best = 0.0
    with warm(contestant) as pool:
        for seed in range(SEEDS):
            naps = uneven_naps(count, seed)
            begun = time.perf_counter()
            slept = contestant.map(pool, nap, naps, None)
            spent += time.perf_counter() - begun
            best += ideal(slept, WORKERS)
    return spent / best


def uneven_naps(count: int, seed: int) -> list[float]:
    """Seconds of each task: one in a hundred is long, wherever chance puts it."""
    naps = [BASE] * count
    for index in random.Random(seed).sample(range(count), count // EVERY):
        naps[index] = LONG
    return naps


def ideal(seconds: Sequence[float], workers: int) -> float:
    """The time that no distribution over the workers can be below."""
    return max(sum(seconds) / workers, *seconds)


def kills(contestant: Standard, count: int) -> float:
    """Milliseconds, in the median, from the SIGKILL of a worker at work to the failed result."""
    figures = []
    with tempfile.TemporaryDirectory(prefix="bench-pool-") as folder, _striker(folder) as (fifo, struck):
        pool = None
        for _ in range(count):
            if pool is None:
                pool = contestant.open()
            contestant.call(pool, same, 0)
            begun = time.perf_counter_ns()
            told = _told_at(contestant, pool, fifo)
            _expect(begun < struck[0] < told)
            figures.append((told - struck[0]) / 1e6)
            if not contestant.survives:
                contestant.close(pool)
                pool = None
        if pool is not None:
            contestant.close(pool)
    return summarise(figures).median


class _Hangs(BaseException):
    """No ``except Exception`` of a contestant may swallow it."""


def _told_at(contestant: Standard, pool: Any, fifo: str) -> int:
    """When the caller of a task that is killed hears of it."""

    def alarm(_number: int, _frame: FrameType | None) -> None:
        raise _Hangs

    signal.signal(signal.SIGALRM, alarm)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        contestant.call(pool, doomed, fifo)
    except Exception:
        return time.perf_counter_ns()
    except _Hangs:
        raise Stuck(HANGS) from None  # and so may close(): the interpreter is ended with all of its group
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    raise Stuck("a killed task came to its end")


@contextmanager
def _striker(folder: str) -> Iterator[tuple[str, memoryview]]:
    """A process that kills whoever writes its pid into the fifo, and notes when: its clock is everybody's.

    A thread for that would compete for the GIL with those who have to notice the death.
    """
    fifo = str(Path(folder) / "doomed")
    os.mkfifo(fifo)
    struck = memoryview(mmap.mmap(-1, 8)).cast("q")
    pid = os.fork()
    if pid == 0:
        try:
            while True:
                with open(fifo, "rb") as file:
                    victim = int(file.read())
                select.select((), (), (), LULL)
                struck[0] = time.perf_counter_ns()
                os.kill(victim, signal.SIGKILL)
        finally:
            os._exit(1)
    try:
        yield fifo, struck
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _paced(step: Callable[[int], object], count: int) -> float:
    """Microseconds a step: ``count`` of them, or as many as fit."""
    begun = now = time.perf_counter()
    done = 0
    while not done or (done < count and now - begun < PACE):
        step(done)
        done += 1
        now = time.perf_counter()
    return (now - begun) / done * 1e6


def _expect(well: bool) -> None:
    if not well:
        raise Stuck("a result is not what it has to be")
