"""What the processes of tests/pains do: importable, so that each start method finds it."""

from __future__ import annotations

import os
import signal
import time
from typing import Any


class HardToLoad(Exception):
    """Pickles, and does not unpickle: its constructor wants two arguments and says nothing of it."""

    def __init__(self, first: object, second: object) -> None:
        super().__init__(f"{first} and {second}")


class Bare(BaseException):
    """Not an Exception."""


def die_if_three(number: int) -> int:
    """Task 3 kills its worker."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def work_a_little(number: int) -> int:
    """A tenth of a millisecond."""
    until = time.perf_counter() + 1e-4
    while time.perf_counter() < until:
        pass
    return number


def spin_if_three(number: int) -> int:
    """Task 3 holds the GIL for good."""
    if number == 3:
        10 ** (10**9) % 7
    return number


def hold_then_spin(ready: Any, lock: Any) -> None:
    with lock:
        ready.send_bytes(str(os.getpid()).encode())
        10 ** (10**9) % 7


def put_into(queue: Any, number: int) -> None:
    queue.put(number)


def pool_of_its_own(numbers: list[int]) -> list[int]:
    """A task that has a pool."""
    from procession import Pool

    with Pool(2) as pool:
        return pool.map(double, numbers)


def seven_into(array: Any) -> tuple[int, Any]:
    """Writes into what it was given, and returns it."""
    before = int(array[0])
    array[0] = 7
    return before, array


def raise_hard(*_: object) -> None:
    raise HardToLoad("this", "that")


def raise_bare(*_: object) -> None:
    raise Bare("neither caught nor lost")


def hold_and_die(lock: Any) -> None:
    lock.acquire()
    os.kill(os.getpid(), signal.SIGKILL)


def wait_for_ever(ready: Any) -> None:
    ready.send_bytes(b"!")
    signal.pause()


def spin(ready: Any) -> None:
    """Holds the GIL for good: no thread of this process will ever run again."""
    ready.send_bytes(b"!")
    10 ** (10**9) % 7


def spin_until_stopped(ready: Any) -> None:
    ready.send_bytes(b"!")
    while True:
        time.monotonic()


def put_many(queue: Any, count: int) -> None:
    for number in range(count):
        queue.put((number, b"x" * 100))


def echo(queue: Any, answers: Any) -> None:
    """Takes what a queue that came through a queue holds."""
    inner, lock = queue.get()
    with lock:
        answers.put(inner.get())


def have_a_child(answers: Any) -> None:
    """A child with a child."""
    from procession import Process

    child = Process(target=put_many, args=(answers, 1))
    child.start()
    child.join(20)


def nothing(*_: object) -> None:
    pass


def double(number: int) -> int:
    return 2 * number


def length_of(array: Any) -> int:
    return int(array.nbytes)
