"""Programs for the tests of a pool's end: ``python -m tests.faults.pool_programs NAME METHOD``."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import NoReturn

from procession import Pool, get_context
from procession.pool.executor import PoolExecutor


def double(number: int) -> int:
    return 2 * number


def say_and_stay(word: str) -> NoReturn:
    """Tell, by one write to our stdout, and never return."""
    os.write(1, f"{word} {os.getpid()}\n".encode())
    while True:
        signal.pause()


def say_and_spin(word: str) -> NoReturn:
    os.write(1, f"{word} {os.getpid()}\n".encode())
    while True:
        pass


def own_pool(method: str) -> Pool:
    return Pool(2, context=get_context(method))


# ── interrupted ───────────────────────────────────────────────────────────────────────────────────


def mapping(method: str) -> None:
    with own_pool(method) as pool:
        pool.map(say_and_stay, ["ready"] * 6, 1)


def spinning(method: str) -> None:
    with own_pool(method) as pool:
        pool.map(say_and_spin, ["ready"] * 6, 1)


def reading(method: str) -> None:
    with own_pool(method) as pool:
        for _ in pool.imap_unordered(say_and_stay, iter(["ready"] * 6)):
            pass


def applying(method: str) -> None:
    with own_pool(method) as pool:
        other = pool.apply_async(say_and_stay, ("ready",))
        assert not other.ready()
        pool.apply(say_and_stay, ("ready",))


def direct(method: str) -> None:
    """The caller is at its worker's channel itself."""
    with own_pool(method) as pool:
        pool.apply(double, (1,))
        os.write(1, b"ready\n")
        pool.apply(say_and_stay, ("ready",))


def joining(method: str) -> None:
    pool = own_pool(method)
    pool.map_async(say_and_stay, ["ready"] * 2, 1)
    pool.close()
    pool.join()


def feeding(method: str) -> None:
    """Interrupted in the iterable of a map, which the caller's thread reads."""

    def items() -> Iterator[int]:
        yield 1
        os.write(1, b"ready\nready\n")
        signal.pause()

    with own_pool(method) as pool:
        pool.map(double, items())


def executing(method: str) -> None:
    with PoolExecutor(2, get_context(method)) as executor:
        try:
            futures = [executor.submit(say_and_stay, "ready") for _ in range(4)]
            futures[0].result()
        except KeyboardInterrupt:
            executor._pool.terminate()
            raise


# ── at the end of a program ───────────────────────────────────────────────────────────────────────


def left_open(method: str) -> None:
    """Neither closed nor terminated."""
    pool = own_pool(method)
    globals()["kept"] = pool
    print(pool.map(double, range(3)))


def left_busy(method: str) -> None:
    """The same in the middle of tasks, and of an iterable that never ends."""
    pool = own_pool(method)
    globals()["kept"] = pool
    result = pool.map_async(say_and_stay, ["ready"] * 4, 1)
    blocked = pool.imap(double, iter(threading.Event().wait, True))
    globals()["results"] = result, blocked
    print("at its end", flush=True)


def used_at_exit(method: str) -> None:
    """What was registered after the pool was made runs before the pool's end."""
    pool = own_pool(method)
    atexit.register(lambda: print("at exit", pool.map(double, range(3)), flush=True))


def executor_left_open(method: str) -> None:
    """What was submitted is done."""
    executor = PoolExecutor(2, get_context(method))
    globals()["kept"] = executor
    for number in range(20):
        executor.submit(double, number).add_done_callback(lambda f: os.write(1, b"%d\n" % f.result()))


def exits_in_a_with_block(method: str) -> None:
    with own_pool(method) as pool:
        pool.apply_async(say_and_stay, ("ready",))
        sys.exit(4)


def raises_in_a_with_block(method: str) -> None:
    with own_pool(method) as pool:
        pool.apply_async(say_and_stay, ("ready",))
        raise LookupError("in the block")


# ── killed ────────────────────────────────────────────────────────────────────────────────────────


def killed(method: str) -> None:
    """Says its workers' pids (by themselves), and waits for the end."""
    pool = own_pool(method)
    pool.map(say_and_spin, ["worker"] * 2, 1)


PROGRAMS: dict[str, Callable[[str], None]] = {
    program.__name__: program
    for program in (
        mapping, spinning, reading, applying, direct, joining, feeding, executing, left_open, left_busy, used_at_exit,
        executor_left_open, exits_in_a_with_block, raises_in_a_with_block, killed,
    )
}  # fmt: skip

if __name__ == "__main__":
    from tests.faults import pool_programs  # by its importable name, for spawned workers

    pool_programs.PROGRAMS[sys.argv[1]](sys.argv[2])
