"""Twenty processes, SIGKILL at random, queues, locks, events and pipes in use: nothing hangs, nothing is torn,
and what is missing is counted to the item.

The minute of the issue is the slow one: ``pytest -m slow tests/faults/test_storm.py``.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from procession.ipc.connection import Connection, Pipe, wait
from procession.process.process import Process
from tests.faults.stormkit import ITEMS, LIVES, SEATS, Gear, consume, produce


class Storm:
    """The test's side: who lives in which seat, and what their pipes have told."""

    def __init__(self, method: str, seed: int) -> None:
        self.method = method
        self.dice = random.Random(seed)
        self.gear = Gear(LIVES)
        self.seats: dict[int, tuple[int, Process, Connection]] = {}
        self.lives = 0
        self.killed_consumers: list[int] = []
        self.killed_producers: list[int] = []
        self.told: dict[int, int] = {}

    def seat(self, seat: int) -> None:
        life, self.lives = self.lives, self.lives + 1
        ours, theirs = Pipe()
        main = consume if seat % 2 else produce
        process = Process(target=main, args=(life, self.gear, theirs), name=f"life {life}")
        process._start_method = self.method
        process.start()
        theirs.close()
        self.seats[seat] = life, process, ours

    def strike(self) -> None:
        seat = self.dice.choice(list(self.seats))
        life, process, pipe = self.seats.pop(seat)
        process.kill()
        self.hear_out(pipe)
        process.join(20)
        if process.exitcode == -signal.SIGKILL:
            (self.killed_consumers if seat % 2 else self.killed_producers).append(life)
        else:  # it had come to its end by itself just before
            assert process.exitcode == 0, process
        process.close()
        self.seat(seat)

    def hear(self, pipe: Any) -> bool:
        """One message; False at the end of the pipe."""
        try:
            life, number, body = pipe.recv()
        except (EOFError, ConnectionResetError):
            return False
        assert body == b"x" * (number % 1000)
        assert number > self.told.get(life, -1)
        self.told[life] = number
        return True

    def hear_out(self, pipe: Connection) -> None:
        """The dead's last words, then the end: it must come, however it died."""
        while pipe.poll(20) and self.hear(pipe):
            pass
        pipe.close()

    def listen(self, seconds: float) -> bool:
        """Take in what the living say for a while; True when all have ended before it is over."""
        pipes: list[Any] = [pipe for _, _, pipe in self.seats.values()]
        ends_at = time.monotonic() + seconds
        while pipes and (left := ends_at - time.monotonic()) > 0:
            for ready in wait(pipes, left):
                if not self.hear(ready):
                    pipes.remove(ready)
        return not pipes

    def end(self) -> None:
        """Let everybody finish: producers stop at the gate, consumers at the end of the queue."""
        self.gear.gate.set()
        self.gear.queue.close()
        assert self.listen(45), [process for _, process, _ in self.seats.values()]
        for _, process, pipe in self.seats.values():
            process.join(20)
            assert process.exitcode == 0, process
            pipe.close()
            process.close()


@pytest.fixture
def storm(request: pytest.FixtureRequest) -> Iterator[Storm]:
    method, seed = request.param
    made = Storm(method, seed)
    yield made
    for _, process, pipe in made.seats.values():
        pipe.close()
        try:
            process.kill()
            process.join()
        except ValueError:
            continue  # closed: it ended in order
        process.close()
    vars(made).clear()  # pytest holds on to what a fixture has yielded


def rage(storm: Storm, seconds: float) -> None:
    for seat in range(SEATS):
        storm.seat(seat)
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at and storm.lives < LIVES - 1:
        storm.listen(storm.dice.uniform(0.005, 0.1))
        storm.strike()
    storm.end()
    account(storm)


def account(storm: Storm) -> None:
    """Every item that was put is received once, or was in the hands of a consumer that was killed."""
    ledger = storm.gear.ledger
    missing: list[tuple[int, int]] = []
    for life in range(storm.lives):
        assert ledger.put[life] <= ledger.announced[life] <= ledger.put[life] + 1
        row = bytes(ledger.received[life * ITEMS : (life + 1) * ITEMS])
        assert max(row) <= 1, f"life {life}: item {row.index(max(row))} came twice"
        assert not any(row[ledger.announced[life] :]), "an item that nobody has put"
        missing += [(life, number) for number in range(ledger.put[life]) if not row[number]]
    assert len(missing) <= len(storm.killed_consumers), (missing, storm.killed_consumers)
    assert not any(ledger.torn), "torn messages"
    assert not any(ledger.broken), "two processes inside the lock"
    # A round that was cut between its two stores is counted by its life alone.
    in_doubt = sum(ledger.rounds) - ledger.inside[1]
    assert 0 <= in_doubt <= len(storm.killed_consumers) + len(storm.killed_producers)
    assert sum(ledger.put) > 0


@pytest.mark.parametrize("storm", [("fork", 1), ("forkserver", 2)], indirect=True, ids=lambda p: p[0])
def test_a_short_storm(storm: Storm) -> None:
    rage(storm, 3)


@pytest.mark.slow
@pytest.mark.hang_limit(200)
@pytest.mark.parametrize(
    "storm", [(m, s) for m in ("fork", "spawn", "forkserver") for s in (11, 12)], indirect=True, ids=str
)
def test_a_minute_of_storm(storm: Storm) -> None:
    rage(storm, 60)
