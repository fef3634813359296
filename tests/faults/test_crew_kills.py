"""Random kills: whoever is hit and whenever, the account of the tasks is exact and nobody is left.

A few rounds run always; 200 of them with ``pytest tests/faults/test_crew_kills.py``, the slow ones included.
A failure names the seed of its round: ``PN_KILL_SEED=N`` repeats its choices (not its moments, which are
the machine's).
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from procession.errors import CrewBroken
from procession.pool.crew import Crew, Portion
from procession.pool.outcomes import Lost, Outcome
from tests.faults.crewkit import Ledger, count_and_spin
from tests.faults.killkit import InParent, Stranger
from tests.unit.pool.kit import children

TASKS = 2000
KILLS = 3  # a round goes on until there were so many
# Mean milliseconds between two kills: from "hardly anybody gets to work" to "now and then".
PAUSES = {"fork": (2.0, 30.0), "spawn": (20.0, 100.0)}
ROUNDS = {"fork": 160, "spawn": 40}
QUICK = {"fork": 6, "spawn": 2}


def all_rounds() -> Iterator[Any]:
    for method, rounds in ROUNDS.items():
        for number in range(rounds):
            killer = InParent if number % 4 == 0 else Stranger
            marks = [pytest.mark.slow] if number >= QUICK[method] else []
            yield pytest.param(method, killer, marks=marks, id=f"{method}-{killer.__name__}-{number}")


class Numbers:
    """0, 1, 2, ...: at least TASKS of them, and more until KILLS workers were killed."""

    def __init__(self, killer: InParent | Stranger) -> None:
        self.taken = 0
        self._numbers = count()
        self._killer = killer

    def take(self, limit: int) -> Portion | None:
        self._killer.look()
        if self.taken >= TASKS and len(self._killer.pids) >= KILLS:
            return None
        self.taken += limit
        return Portion(tuple(next(self._numbers) for _ in range(limit)))


@pytest.mark.parametrize(("method", "kind"), list(all_rounds()))
def test_whoever_is_killed_every_task_has_one_outcome(
    method: str, kind: type[InParent | Stranger], tmp_path: Path
) -> None:
    seed = int(os.environ.get("PN_KILL_SEED", random.SystemRandom().getrandbits(48)))
    try:
        one_round(method, kind, random.Random(seed), Ledger(tmp_path / "ledger"))
    except BaseException as error:
        error.add_note(f"again with PN_KILL_SEED={seed}")
        raise


def one_round(method: str, kind: type[InParent | Stranger], chance: random.Random, ledger: Ledger) -> None:
    outcomes: list[Outcome] = []
    workers = chance.randint(1, 4)
    killer = kind(chance, chance.uniform(*PAUSES[method]))
    numbers = Numbers(killer)
    broken = ""

    def deliver(outcome: Outcome) -> None:
        outcomes.append(outcome)
        killer.look()

    try:
        with Crew(count_and_spin, workers=workers, start_method=method, setup=str(ledger.path)) as crew:
            try:
                crew.run(numbers, deliver)
            except CrewBroken as error:
                broken = str(
                    error
                )  # three in a row were hit before they could begin: rare, and no less exact
    finally:
        killer.close()
    assert children() == []
    assert not broken or "SIGKILL" in broken
    kinds = ledger.check(outcomes, numbers.taken)
    assert kinds["failed"] == set()
    assert broken or kinds["not run"] == set()
    assert broken or len(kinds["done"]) + len(kinds["lost"]) >= TASKS
    assert len(kinds["lost"]) <= len(killer.pids)
    for outcome in outcomes:
        if isinstance(outcome, Lost):
            assert outcome.error.exit.signal == signal.SIGKILL
            assert outcome.error.pid in killer.pids
