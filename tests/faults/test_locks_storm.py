"""Processes that use every primitive at once and are killed at random: two are never inside, nobody hangs."""

from __future__ import annotations

import random
import signal
import time
from threading import BrokenBarrierError
from typing import Any

import pytest

from procession.ipc.locks import Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore
from procession.ipc.sharedctypes import RawArray
from tests.unit.ipc.lockkit import Child, Ear, family

SEATS = 8
EXCLUSIVE = 4
LIVES = 20_000


class Gear:
    """What all of them share.  ``inside[n]``: the life that is inside exclusive lock n."""

    def __init__(self) -> None:
        self.semaphores = [BoundedSemaphore(1), Semaphore(1)]
        self.exclusive: list[Any] = [Lock(), RLock(), *self.semaphores]
        self.condition = Condition(Lock())
        self.wide = BoundedSemaphore(3)
        self.event = Event()
        self.barrier = Barrier(2)
        self.over = Event()
        self.inside = RawArray("q", EXCLUSIVE + 1)
        self.broken = RawArray("q", EXCLUSIVE + 1)
        self.rounds = RawArray("q", LIVES)


def lives(ear: Ear, gear: Gear, life: int) -> None:
    dice = random.Random(life)
    while not gear.over.is_set():
        gear.rounds[life] += 1
        match dice.randrange(8):
            case n if n < EXCLUSIVE:
                with gear.exclusive[n]:
                    alone(gear, n, life, gear.exclusive[n])
            case 4:
                with gear.condition:
                    alone(gear, EXCLUSIVE, life, gear.condition)
                    if dice.random() < 0.5:
                        gear.condition.wait(dice.random() * 0.02)
                    else:
                        gear.condition.notify(dice.randrange(1, 4))
            case 5:
                assert gear.wide.acquire(timeout=30)
                gear.wide.release()
            case 6:
                gear.event.set()
                gear.event.clear()
                gear.event.wait(dice.random() * 0.005)
            case _:
                try:
                    gear.barrier.wait(dice.random() * 0.02)
                except BrokenBarrierError:
                    gear.barrier.reset()


def alone(gear: Gear, n: int, life: int, lock: Any) -> None:
    """A kill between the two stores leaves the mark of the dead, and then the lock must have been recovered."""
    if gear.inside[n] and not lock.recovered:
        gear.broken[n] += 1
    gear.inside[n] = life
    for _ in range(life % 7):
        if gear.inside[n] != life:
            gear.broken[n] += 1
    gear.inside[n] = 0
    lock.recovered = False


def storm(seconds: float, seed: int) -> None:
    dice, gear, killed = random.Random(seed), Gear(), 0
    with family() as start:
        zombies: list[Child] = []
        seats = [start("fork", lives, gear, life) for life in range(1, SEATS + 1)]
        life, ends_at = SEATS, time.monotonic() + seconds
        while time.monotonic() < ends_at and life < LIVES - 1:
            seat = dice.randrange(SEATS)
            seats[seat].ear.listen_for(dice.random() * 0.02)
            seats[seat].kill()
            zombies.append(seats[seat])
            while len(zombies) > dice.randrange(8):  # the others find out about zombies, and about the gone
                assert zombies.pop(0).join() == -signal.SIGKILL
            killed += 1
            life += 1
            seats[seat] = start("fork", lives, gear, life)
        gear.over.set()
        for child in seats:
            assert child.join() == 0, "it hung, or failed"
        assert not any(gear.broken), f"two were inside at once: {list(gear.broken)}"
        assert killed > 5 * seconds
        assert sum(bool(rounds) for rounds in gear.rounds) > killed / 2
        for lock in (*gear.exclusive, gear.condition):
            assert lock.acquire(timeout=5)
            lock.release()
        for _ in range(3):
            assert gear.wide.acquire(timeout=5), "a unit is lost"
        assert not gear.wide.acquire(False)
        assert all(semaphore.get_value() == 1 for semaphore in gear.semaphores)
        gear.barrier.reset()
        assert gear.barrier.n_waiting == 0


def test_a_short_storm() -> None:
    storm(2.5, 1)


@pytest.mark.slow
@pytest.mark.hang_limit(150)
@pytest.mark.parametrize("seed", [2, 3])
def test_a_minute_of_storm(seed: int) -> None:
    storm(60, seed)
