"""Busy days on which the daemon is killed again and again: nothing is lost, nothing is done twice.

A quick check has a few short days; ``-m slow`` has three hundred, of a hundred jobs each.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from procession.jobs import places as jobs_places
from procession.jobs.places import Places
from tests.harness.busyday import Task, day, faults_of
from tests.harness.stubborn import Stubborn

DAEMON, POINTS, NURSERY = "daemon", "fault points", "nursery too"
ENVIRONMENT = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}


class Killer(threading.Thread):
    """Kills the daemon at random instants, or has it kill itself behind a random write, until it is told to stop."""

    def __init__(self, places: Places, how: str, chance: random.Random) -> None:
        super().__init__(name="killer")
        self._places, self._how, self._chance = places, how, chance
        self._over = threading.Event()
        self.kills = 0

    def run(self) -> None:
        last = 0
        # A nursery and its daemon are two programs to start: give them a chance.
        longest = 0.25 if self._how != NURSERY else 0.8
        while not self._over.wait(self._chance.uniform(0.0, longest)):
            pid = daemon_of(self._places)
            if pid is None or pid == last:
                continue
            if self._how == POINTS:
                self._arm()
            else:
                self._strike(pid)
            last = pid

    def _strike(self, pid: int) -> None:
        victims = [pid]
        if self._how == NURSERY and self._chance.random() < 0.3:
            parent = parent_of(pid)
            # Whoever is pid 1 or we ourselves is nobody to be killed.
            victims += [parent] if parent not in (None, 1, os.getpid()) else []
        for victim in victims:
            try:
                fd = os.pidfd_open(victim)
            except ProcessLookupError:
                continue
            try:
                if victim != pid or daemon_of(self._places) == pid:
                    signal.pidfd_send_signal(fd, signal.SIGKILL)
                    self.kills += 1
            except ProcessLookupError:
                pass
            finally:
                os.close(fd)

    def _arm(self) -> None:
        client = Stubborn(self._places, patience=5.0)
        try:
            client.ask("fault", point="any", count=self._chance.randrange(1, 50))
            self.kills += 1
        except TimeoutError:
            pass
        finally:
            client.close()

    def stop(self) -> None:
        self._over.set()
        self.join()


def daemon_of(places: Places) -> int | None:
    """The pid in the lock, if its holder is a daemon of ours that lives."""
    try:
        pid = int(Path(places.lock).read_text().split()[0])
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError, IndexError):
        return None
    return pid if b"procession.jobs.daemon" in words else None


def parent_of(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def spend(places: Places, folder: Path, seed: int, how: str, size: tuple[int, int]) -> int:
    """One day of ``size`` (jobs, MB of the loudest); returns how often somebody was killed.  Raises AssertionError with all that is wrong."""
    chance = random.Random(seed)
    folder.mkdir()
    tasks = day(*size, folder, chance)
    client = Stubborn(places)
    killer = Killer(places, how, chance)
    killer.start()
    try:
        numbers: dict[int, int] = {}
        for task in tasks:
            numbers[task.key] = client.submit(spec_of(task, numbers, folder), ENVIRONMENT)
        assert len(set(numbers.values())) == len(tasks)
        outcomes = client.ask("wait", jobs=list(numbers.values()), any=False)["outcomes"]
    finally:
        killer.stop()
        client.close()
    ledger = (folder / "ledger").read_text()
    wrong = faults_of(ledger, tasks)
    for task in tasks:
        number = numbers[task.key]
        wrong += compared(task, number, outcomes[str(number)], places, client)
    assert not wrong, f"seed {seed}, {how}, {killer.kills} kills: {wrong[:20]}"
    client.ask("clean", jobs=list(numbers.values()))
    client.close()
    return killer.kills


def spec_of(task: Task, numbers: dict[int, int], folder: Path) -> dict[str, Any]:
    named = {
        name: [numbers[key] for key in getattr(task, name)] for name in ("after", "after_any", "after_failed")
    }
    return {"command": [task.script], "shell": True, "cwd": str(folder), **named, **task.options}


def compared(task: Task, number: int, outcome: dict[str, Any], places: Places, client: Stubborn) -> list[str]:
    """What differs from what had to come."""
    wrong = []
    found = (outcome["code"], outcome["signal"], outcome["kind"] == "unstarted")
    if found != (task.code, task.signal, not task.starts):
        wrong.append(f"task {task.key} ({task.kind}, job {number}) ended so: {outcome}")
    if task.starts:
        run = client.ask("show", job=number)["job"]["runs"]
        try:
            printed = Path(places.log(number, run)).read_bytes()
        except FileNotFoundError:
            printed = b"(no log)"
        if printed != task.printed or outcome["log_bytes"] != len(task.printed) or outcome["log_lost"]:
            wrong.append(
                f"the log of task {task.key} ({task.kind}, job {number}, run {run}): {printed[:99]!r}"
            )
    return wrong


@pytest.mark.parametrize("how", [DAEMON, POINTS, NURSERY])
def test_a_short_day(how: str, jobs_place: Places, tmp_path: Path) -> None:
    kills = spend(jobs_place, tmp_path / "day", 1, how, (25, 3))
    assert kills > 0


@pytest.mark.slow
@pytest.mark.hang_limit(7200)
def test_three_hundred_busy_days(jobs_place: Places, tmp_path: Path) -> None:
    first = int(os.environ.get("PN_SWEEP_FIRST", "0"))
    rounds = int(os.environ.get("PN_SWEEP_ROUNDS", "300"))
    kills = 0
    began = time.monotonic()
    for number in range(first, first + rounds):
        how = (DAEMON, POINTS, NURSERY)[number % 3]
        kills += spend(jobs_place, tmp_path / str(number), number, how, (100, 50))
        print(f"day {number} ({how}): {kills} kills, {time.monotonic() - began:.0f} s", flush=True)
    assert kills > rounds


def test_places_are_those_of_the_test(jobs_place: Places) -> None:
    assert jobs_places.places() == jobs_place
