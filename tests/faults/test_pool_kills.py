"""Random kills under a pool: nothing is lost, nothing is repeated, and whoever failed was at a killed worker.

``PN_KILL_SEED=N`` repeats the choices of a failed run (not its moments).
"""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from procession import Pool, get_context
from procession.errors import WorkerDied
from tests.faults.crewkit import Ledger, leave_a_line
from tests.faults.killkit import Stranger

SIZES = [
    pytest.param(5_000, 20, 40.0, id="quick"),
    pytest.param(100_000, 500, 40.0, marks=[pytest.mark.slow, pytest.mark.hang_limit(600)], id="full"),
]


def spin(task: tuple[str, int]) -> int:
    """0 to 0.3 ms of work, and a line in the middle of it."""
    ledger, number = task
    for _ in range(number * 7919 % 2000):
        pass
    leave_a_line(ledger, number)
    for _ in range(number * 104_729 % 2000):
        pass
    return number


class Tasks:
    """At least so many, and more until so many workers were killed."""

    def __init__(self, ledger: Ledger, least: int, kills: int, killer: Stranger) -> None:
        self.given = 0
        self._ledger = str(ledger.path)
        self._least = least
        self._kills = kills
        self._killer = killer

    def __iter__(self) -> Iterator[tuple[str, int]]:
        for number in count():
            if number % 16 == 0:
                self._killer.look()
            if number >= self._least and len(self._killer.pids) >= self._kills:
                return
            self.given = number + 1
            yield self._ledger, number


class Storm:
    """A map of tasks under a killer."""

    def __init__(self, ledger: Ledger, least: int, kills: int, pause: float) -> None:
        self.seed = int(os.environ.get("PN_KILL_SEED", random.SystemRandom().getrandbits(48)))
        self.ledger = ledger
        self.killer = Stranger(random.Random(self.seed), pause)
        self.tasks = Tasks(ledger, least, kills, self.killer)
        self.lost: dict[int, WorkerDied] = {}

    def rage(self, **options: Any) -> Counter[int]:
        """How often each task that had a result had one."""
        done: Counter[int] = Counter()
        pool = Pool(3, context=get_context("fork"))
        try:
            for result in pool.imap_unordered(spin, self.tasks, errors="return", **options):
                if isinstance(result, WorkerDied):
                    assert result.task not in self.lost
                    self.lost[result.task] = result
                else:
                    assert type(result) is int, result
                    done[result] += 1
        finally:
            self.killer.close()
            pool.terminate()
            pool.join()
        return done


@pytest.mark.parametrize(("tasks", "kills", "pause"), SIZES)
def test_each_task_is_done_once_or_was_at_a_killed_worker(
    tasks: int, kills: int, pause: float, tmp_path: Path
) -> None:
    storm = Storm(Ledger(tmp_path / "ledger"), tasks, kills, pause)
    try:
        done = storm.rage()
        check_once(storm, done)
    except BaseException as error:
        error.add_note(f"again with PN_KILL_SEED={storm.seed}")
        raise


def check_once(storm: Storm, done: Counter[int]) -> None:
    everything = set(range(storm.tasks.given))
    assert done == Counter(everything - set(storm.lost))
    assert len(storm.lost) <= len(storm.killer.pids)
    written = storm.ledger.lines()
    lines = Counter(number for number, _ in written)
    assert [number for number, times in lines.items() if times > 1] == [], "ran twice"
    assert set(lines) >= set(done), "done and never run"
    assert set(lines) <= everything
    pids = dict(written)
    for number, error in storm.lost.items():
        assert error.exit.signal == signal.SIGKILL
        assert error.pid in storm.killer.pids
        assert pids.get(number, error.pid) == error.pid, "it was somebody else's"


@pytest.mark.parametrize(("tasks", "kills", "pause"), SIZES)
def test_with_retries_everything_is_done(tasks: int, kills: int, pause: float, tmp_path: Path) -> None:
    storm = Storm(Ledger(tmp_path / "ledger"), tasks, kills, pause)
    try:
        done = storm.rage(retries=3)
        check_all(storm, done)
    except BaseException as error:
        error.add_note(f"again with PN_KILL_SEED={storm.seed}")
        raise


def check_all(storm: Storm, done: Counter[int]) -> None:
    assert storm.lost == {}
    assert done == Counter(range(storm.tasks.given))
    runs: dict[int, list[int]] = {}
    for number, pid in storm.ledger.lines():
        runs.setdefault(number, []).append(pid)
    assert set(runs) == set(done)
    for number, pids in runs.items():
        assert set(pids[:-1]) <= set(storm.killer.pids), f"{number} ran again after a worker that was not hit"
    assert sum(map(len, runs.values())) - len(runs) <= len(storm.killer.pids)
