"""One pool and many threads: whatever they do at once, each gets exactly what is its own."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest

from procession.errors import TaskCancelled
from tests.contract import poolkit

MakePool = Callable[..., Any]
ROUNDS = 25


def apply_many(pool: Any, chance: random.Random) -> None:
    for _ in range(ROUNDS * 4):
        number = chance.randrange(1000)
        assert pool.apply(poolkit.double, (number,)) == 2 * number


def apply_async_many(pool: Any, chance: random.Random) -> None:
    for _ in range(ROUNDS):
        numbers = [chance.randrange(1000) for _ in range(chance.randint(1, 20))]
        results = [pool.apply_async(poolkit.double, (number,)) for number in numbers]
        assert [result.get(poolkit.PATIENCE) for result in results] == [2 * number for number in numbers]


def map_many(pool: Any, chance: random.Random) -> None:
    for _ in range(ROUNDS):
        numbers = range(chance.randrange(300))
        size = chance.choice([None, 1, 10])
        assert pool.map(poolkit.double, numbers, size) == [2 * number for number in numbers]


def imap_many(pool: Any, chance: random.Random) -> None:
    for _ in range(ROUNDS):
        numbers = range(chance.randrange(300))
        many = chance.choice([pool.imap, pool.imap_unordered])
        results = list(many(poolkit.double, iter(numbers), buffersize=chance.choice([None, 2, 50])))
        assert sorted(results) == [2 * number for number in numbers]


def fail_many(pool: Any, chance: random.Random) -> None:
    for _ in range(ROUNDS):
        number = -chance.randint(1, 1000)
        with pytest.raises(ValueError, match=f"{number} is negative"):
            pool.apply(poolkit.refuse_negative, (number,))


def cancel_many(pool: Any, chance: random.Random) -> None:
    for _ in range(ROUNDS):
        results = [pool.apply_async(poolkit.double, (number,)) for number in range(5)]
        results.append(pool.map_async(poolkit.double, range(50)))
        cancelled = [result.cancel() for result in results]
        for number, (result, was) in enumerate(zip(results, cancelled, strict=True)):
            try:
                value = result.get(poolkit.PATIENCE)
            except TaskCancelled:
                assert was
            else:
                assert value == (2 * number if number < 5 else list(range(0, 100, 2)))


def run_all(pool: Any, *works: Callable[[Any, random.Random], None]) -> None:
    """Each in a thread of its own; raises what the first of them has raised."""
    failures: list[BaseException] = []

    def guarded(work: Callable[[Any, random.Random], None], seed: int) -> None:
        try:
            work(pool, random.Random(seed))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(work, seed)) for seed, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_threads_get_what_is_their_own(our_pool: MakePool) -> None:
    pool = our_pool()
    run_all(pool, apply_many, apply_many, apply_async_many, map_many, imap_many, imap_many, fail_many)
    assert pool.stats().failed == ROUNDS
    assert pool.stats().replaced == ()


def test_threads_that_cancel_hit_nobody_else(our_pool: MakePool) -> None:
    run_all(our_pool(), apply_many, map_many, imap_many, cancel_many, cancel_many)


def test_threads_share_an_iterator(our_pool: MakePool) -> None:
    results = our_pool().imap(poolkit.double, iter(range(3000)))
    seen: list[list[int]] = []

    def read(*_: Any) -> None:
        mine = list(results)
        assert mine == sorted(mine)
        seen.append(mine)

    run_all(None, read, read, read)
    assert sorted(value for mine in seen for value in mine) == list(range(0, 6000, 2))


def test_threads_share_a_result(our_pool: MakePool) -> None:
    pool = our_pool()
    result = pool.map_async(poolkit.double, range(1000))

    def get(*_: Any) -> None:
        assert result.get(poolkit.PATIENCE)[999] == 1998

    run_all(None, get, get, get, get)


def test_a_terminate_in_another_thread_ends_every_wait(our_pool: MakePool) -> None:
    pool = our_pool()
    begun = threading.Barrier(5)

    def until_terminated(work: Callable[[], object]) -> Callable[..., None]:
        def loop(*_: Any) -> None:
            begun.wait(poolkit.PATIENCE)
            with pytest.raises(
                (TaskCancelled, ValueError), match=r"terminated|not running|cancelled|given up"
            ):
                while True:
                    work()

        return loop

    def terminate(*_: Any) -> None:
        begun.wait(poolkit.PATIENCE)
        pool.map(poolkit.double, range(10))
        pool.terminate()

    run_all(
        pool,
        until_terminated(lambda: pool.apply(poolkit.double, (1,))),
        until_terminated(lambda: pool.map(poolkit.double, range(100))),
        until_terminated(lambda: list(pool.imap(poolkit.double, iter(range(100))))),
        until_terminated(lambda: pool.apply_async(poolkit.double, (1,)).get()),
        terminate,
    )
