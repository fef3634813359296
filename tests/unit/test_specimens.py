"""The specimens are in the states that they stand for, and leave nothing (the leak check sees to that)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.harness import specimens
from tests.harness.processes import read, state_and_parent
from tests.harness.specimens import Specimen

STATES = {
    "zombie": "Z",
    "orphan": "S",
    "double_fork": "S",
    "setsid_tree": "S",
    "stopped": "T",
    "pipe_deadlock": "S",
    "full_pipe": "S",
    "futex_deadlock": "S",
    "child_waiter": "S",
    "busy": "R",
    "idle": "S",
}


@pytest.mark.parametrize("name", STATES)
def test_states(name: str) -> None:
    make: type[AbstractContextManager[Specimen]] = getattr(specimens, name)
    with make() as found:
        assert state_and_parent(found.pid)[0] == STATES[name]


@pytest.mark.parametrize("how", ["flock", "posix"])
def test_one_waits_for_a_lock(tmp_path: Path, how: str) -> None:
    with specimens.lock_waiter(tmp_path / "lock", how) as found:
        assert found.pid != found["holder"]
        assert state_and_parent(found.pid)[0] == "S"


def test_asleep_and_deaf(tmp_path: Path) -> None:
    with specimens.disk_sleep(tmp_path) as found:
        assert state_and_parent(found.pid)[0] == "D"
        assert state_and_parent(found["child"])[1] == found.pid


def test_threads_names_and_niceness() -> None:
    with (
        specimens.threads(3) as three,
        specimens.odd_name(b") R 1 (\n\xff") as odd,
        specimens.niced(7) as nice,
    ):
        assert b"Threads:\t3\n" in read(three.pid, "status")
        assert read(odd.pid, "comm") == b") R 1 (\n\xff\n"
        assert read(nice.pid, "stat").rpartition(b")")[2].split()[16] == b"7"
