"""The disk of the book is full: requests are refused in words, jobs go on, and what ended is stored when there is room."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from procession.errors import JobsError
from procession.jobs import Client
from procession.jobs.job import Running
from procession.jobs.places import Places
from tests.harness.jobs import end_all, kill_daemon

PATIENCE = 60.0


@pytest.fixture
def full(small_tmpfs: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Places]:
    folder = small_tmpfs("4M")
    folder.chmod(0o700)
    monkeypatch.setenv("PN_JOBS", str(folder))
    yield Places(f"{folder}/state", f"{folder}/run")
    end_all(folder)


def fill(places: Places) -> Path:
    """Not one more page."""
    path = Path(places.runtime, "full")
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            pass
    return path


def test_a_full_disk(full: Places, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    with Client() as jobs:
        job = jobs.submit(f"read x < {gate}; exit 3")
        after = jobs.submit("exit 4", after_failed=[job.id])
        with jobs.watch() as changes:
            while not isinstance(jobs.job(job.id).state, Running):
                next(changes)
        filler = fill(full)
        refused = 0
        with pytest.raises(JobsError, match=r"cannot be stored: .*full"):
            for _ in range(2000):  # what the journal has room for already
                jobs.submit("true", after=[after.id], env={"A": "x" * 10_000, "B": str(refused)})
                refused += 1
        before = [found.id for found in jobs.jobs()]
        assert jobs.status()["warnings"]
        gate.write_text("go\n")
        while not jobs.status()["unstored"]:
            pass
        assert isinstance(jobs.job(job.id).state, Running)
        filler.unlink()
        found = jobs.wait([job.id, after.id], timeout=PATIENCE)
        assert [found[number].code for number in (job.id, after.id)] == [3, 4]
        assert [each.id for each in jobs.jobs()] == before
        assert not jobs.status()["warnings"]
        assert jobs.submit("true").id == before[-1] + 1


def test_a_daemon_that_dies_with_what_it_could_not_store(full: Places, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    with Client() as jobs:
        job = jobs.submit(f"read x < {gate}; exit 3")
        with jobs.watch() as changes:
            while not isinstance(jobs.job(job.id).state, Running):
                next(changes)
        filler = fill(full)
        with pytest.raises(JobsError, match="cannot be stored"):
            for number in range(2000):
                jobs.submit("true", at=4e9, env={"A": "x" * 10_000, "B": str(number)})
        gate.write_text("go\n")
        while not jobs.status()["unstored"]:
            pass
        filler.unlink()
        kill_daemon(full)
        assert jobs.wait([job.id], timeout=PATIENCE)[job.id].code == 3
