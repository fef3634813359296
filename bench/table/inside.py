"""What is measured, inside a pid namespace: ``python -m bench.table.inside PLAN`` prints the figures as JSON."""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from bench.kit.rounds import WARM_UP, rotated, rounds
from bench.table.crowd import crowd
from bench.table.plan import AGAIN, FIELDS, OURS, PSUTIL, REAL, Plan
from bench.table.watching import watched
from procession.table import files
from procession.table.follow import Follower
from procession.table.snapshot import snapshot
from procession.table.ttys import tty_name
from procession.table.users import user_name


def theirs() -> int:
    """Psutil's way: all of ``FIELDS``."""
    return sum(1 for one in psutil.process_iter(FIELDS) if one.info["cpu_times"])


def ours() -> int:
    """The same fields of a snapshot, each decoded; the user is the effective one, as in ps."""
    return _decoded(snapshot((files.CMDLINE,)).records, lambda one: one.uid)


def ours_real() -> int:
    """The same with the real user, as psutil has it, for whom status has to be read."""
    return _decoded(snapshot((files.STATUS, files.CMDLINE)).records, lambda one: one.uids[0])


def _decoded(records: Sequence[Any], user: Callable[[Any], int]) -> int:
    for one in records:
        (
            one.pid, one.ppid, one.comm, one.state, user_name(user(one)), tty_name(one.tty_nr), one.nice,
            one.num_threads, one.created, one.utime, one.stime, one.cutime, one.cstime, one.rss, one.vsize,
            one.arguments,
        )  # fmt: skip
    return len(records)


def snapshots(count: int, times: int) -> dict[str, list[float]]:
    """Milliseconds of each, in turns."""
    with crowd(count), Follower(raise_limit=True) as follower:
        contestants: dict[str, Callable[[], int]] = {
            OURS: ours,
            REAL: ours_real,
            AGAIN: lambda: _decoded(follower.refresh().records, lambda one: one.uid),
            PSUTIL: theirs,
        }
        return _in_turns(contestants, times)


def listings(count: int, times: int) -> dict[str, list[float]]:
    """Milliseconds of whole programs, their output into a pipe that is read."""
    lines = {
        "pn ps -elf": [str(Path(sys.executable).parent / "pn"), "ps", "-elf"],
        "ps -elf": ["ps", "-elf"],
        "python3 -c pass": [sys.executable, "-c", "pass"],
    }

    def runs(line: list[str]) -> Callable[[], int]:
        return lambda: len(subprocess.run(line, stdout=subprocess.PIPE, check=True).stdout.splitlines())

    with crowd(count):
        return _in_turns({name: runs(line) for name, line in lines.items()}, times)


def _in_turns(contestants: dict[str, Callable[[], int]], times: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in contestants}
    for number in rounds(times):
        for name in rotated(list(contestants), number):
            gc.collect()  # what the one before has left is not charged to the next
            begun = time.perf_counter()
            contestants[name]()
            if number != WARM_UP:
                found[name].append((time.perf_counter() - begun) * 1000)
    return found


def watching(count: int, seconds: float) -> dict[str, float]:
    """CPU seconds that each needs to watch so many processes in the same stretch of time."""
    pn = str(Path(sys.executable).parent / "pn")
    lines = {"pn top -d 1": [pn, "top", "-d", "1"], "top -d 1": ["top", "-d", "1"]}
    if shutil.which("htop"):
        lines["htop -d 10"] = ["htop", "-d", "10"]
    with crowd(count):
        return watched(lines, seconds)


def main(words: Sequence[str]) -> int:
    plan = Plan(**json.loads(words[0]))
    found: dict[str, Any] = {"versions": versions()}
    found["snapshots"] = {str(size): snapshots(size, plan.rounds) for size in plan.sizes}
    found["listings"] = listings(plan.listed, plan.rounds)
    found["watching"] = watching(plan.watched, plan.seconds) if plan.watched else {}
    json.dump(found, sys.stdout)
    return 0


def versions() -> dict[str, str]:
    """Of the peers."""
    found = {"psutil": psutil.__version__}
    for program in ("ps", "htop"):
        if shutil.which(program):
            said = subprocess.run(
                [program, "--version"], stdout=subprocess.PIPE, text=True, check=False
            ).stdout
            found[program] = said.splitlines()[0].removeprefix("ps from ")
    return found


if __name__ == "__main__":
    os.environ.pop("PS_FORMAT", None)
    sys.exit(main(sys.argv[1:]))
