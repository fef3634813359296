"""What waits for a time begins at it, whichever daemon is there then."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from procession.jobs import Client, outcome
from procession.jobs.job import Resting, Waiting
from procession.jobs.places import Places
from tests.harness.jobs import kill_daemon

PATIENCE = 60.0


def test_the_daemon_is_killed_before_the_time(jobs_place: Places) -> None:
    at = time.time() + 1.0
    with Client() as jobs:
        job = jobs.submit("true", at=at)
        assert isinstance(job.state, Waiting)
    kill_daemon(jobs_place)  # its nursery starts the next one, and nobody asks that one for anything
    with Client() as jobs:
        found = jobs.wait([job.id], timeout=PATIENCE)[job.id]
    assert found.began is not None
    assert found.began >= at


def test_the_daemon_is_killed_before_a_restart(jobs_place: Places, tmp_path: Path) -> None:
    count = tmp_path / "count"
    with Client() as jobs:
        job = jobs.submit(
            f"echo x >> {count}; [ $(wc -l < {count}) -ge 3 ]", restart="on-failure", restart_delay=0.6
        )
        with jobs.watch() as changes:
            while not isinstance(jobs.job(job.id).state, Resting):
                next(changes)
    kill_daemon(jobs_place)
    with Client() as jobs:
        found = jobs.wait([job.id], timeout=PATIENCE)[job.id]
        assert found.kind == outcome.DONE
        assert [run.run for run in jobs.runs(job.id)] == [1, 2, 3]
    assert count.read_text() == "x\n" * 3


@pytest.mark.root
def test_a_clock_that_is_set_wakes_the_daemon(jobs_place: Places) -> None:
    """Set to what it is already; the daemon looks again, and waits on."""
    at = time.time() + 1.0
    with Client() as jobs:
        job = jobs.submit("true", at=at)
        try:
            time.clock_settime_ns(time.CLOCK_REALTIME, time.clock_gettime_ns(time.CLOCK_REALTIME))
        except PermissionError:
            pytest.skip("the clock may not be set here")
        found = jobs.wait([job.id], timeout=PATIENCE)[job.id]
    assert found.began is not None
    assert found.began >= at
