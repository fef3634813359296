"""Children and fork servers killed at random moments: each process has one outcome, and nothing hangs."""

from __future__ import annotations

import os
import random
import resource
import select
import signal
from typing import Any

import pytest

from procession.errors import ProcessDied
from procession.process.context import get_context
from procession.process.served import server
from tests.contract import processkit

METHODS = ["fork", "spawn", "forkserver"]


def outcome(process: Any, value: object) -> str:
    """``value`` or ``died``; anything else is a failure."""
    try:
        assert process.result(30) == value
    except ProcessDied as death:
        return "died" if death.exit.signal in (signal.SIGKILL, None) else str(death)
    return "value"


def strike(pid: int | None) -> None:
    try:
        if pid:
            os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def storm(method: str, rounds: int, seed: int) -> dict[str, int]:
    chance = random.Random(seed)
    context = get_context(method)
    found = {"value": 0, "died": 0}
    for _ in range(rounds):
        values = [os.urandom(chance.choice([1, 1000, 100_000])) for _ in range(4)]
        processes = [context.Process(target=processkit.give, args=(value,)) for value in values]
        for process in processes:
            process.start()
        select.select([], [], [], chance.random() * (0.1 if method == "spawn" else 0.01))
        if chance.random() < 0.2:
            strike(server._forkserver_pid)
        for process in chance.sample(processes, 2):
            process.kill()
        for process, value in zip(processes, values, strict=True):
            found[outcome(process, value)] += 1
    return found


@pytest.mark.parametrize("method", METHODS)
def test_a_short_storm(method: str) -> None:
    found = storm(method, 3 if method == "spawn" else 10, seed=1)
    assert sum(found.values()) == (12 if method == "spawn" else 40)


@pytest.mark.slow
@pytest.mark.hang_limit(300)
@pytest.mark.parametrize("method", METHODS)
def test_a_long_storm(method: str) -> None:
    found = storm(method, 40 if method == "spawn" else 300, seed=2)
    assert found["value"] > 10
    assert found["died"] > 10


@pytest.mark.parametrize("method", METHODS)
def test_every_number_of_free_descriptors(method: str) -> None:
    """However few there are: a start works or raises, and leaves neither child nor descriptor (the harness)."""
    context = get_context(method)
    warm = context.Process(target=processkit.double, args=(1,))
    warm.start()
    assert warm.result() == 2
    warm.close()
    worked = []
    for free in range(14):
        taken = fill(free)
        process = context.Process(target=processkit.double, args=(free,))
        try:
            process.start()
        except OSError:
            empty(taken)
            assert process.pid is None
            continue
        empty(taken)
        assert process.result() == 2 * free
        process.close()
        worked.append(free)
    assert worked
    assert worked == list(range(worked[0], 14))


def fill(free: int) -> list[int]:
    """Take all descriptors but ``free``."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(highest + 40, soft), hard))
    taken = [soft]
    try:
        while True:
            taken.append(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        pass
    for fd in taken[len(taken) - free :] if free else ():
        os.close(fd)
    return taken[: len(taken) - free] if free else taken


def empty(taken: list[int]) -> None:
    soft, *descriptors = taken
    for fd in descriptors:
        os.close(fd)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
