"""The daemon killed at each of its fault points: no job, outcome or line of a log is lost, and nothing runs twice."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from procession import jobs as package
from procession.errors import DaemonGone, JobsError
from procession.jobs import Client, outcome
from procession.jobs.job import Running
from procession.jobs.places import Places
from tests.harness import processes
from tests.harness.jobs import kill_daemon, pid_of_daemon, pids_of

PATIENCE = 60.0
T = TypeVar("T")

# Those that are passed while a daemon serves, and those while it begins or ends.
SERVING = ("received", "before-commit", "stored", "folder", "heard-keeper", "forgotten")
SERVING_TOO = ("accepted", "before-act", "acted", "ordered", "answered", "notified", "told-keeper")
BEGINNING = ("locked", "opened", "listening", "connected")
OTHERS = ("void", "halting", "unlocked")  # each has a test of its own


def test_every_point_is_tried() -> None:
    folder = Path(package.__file__).parent
    found = {
        name
        for path in folder.rglob("*.py")
        for name in re.findall(r'faults\.point\("([a-z-]+)"\)', path.read_text(encoding="utf-8"))
    }
    assert found == {*SERVING, *SERVING_TOO, *BEGINNING, *OTHERS}


class Scene:
    """Some jobs, and what must have become of them."""

    def __init__(self, jobs: Client, folder: Path) -> None:
        self.jobs, self.folder = jobs, folder
        self.gate = folder / "gate"
        os.mkfifo(self.gate)

    def line(self, name: str, code: int) -> str:
        """A command that leaves a line for each time that it is run, and says something."""
        return f"echo x >> {self.folder}/{name}; echo {name}; exit {code}"

    def play(self) -> None:
        jobs = self.jobs
        self.slow = jobs.submit(f"echo x >> {self.folder}/slow; read x < {self.gate}; exit 3", name="slow")
        told = f"echo told >> {self.folder}/told"
        self.after = jobs.submit(self.line("after", 4), after_failed=[self.slow.id], notify=told)
        self.twice = jobs.submit(self.line("twice", 5), retries=1, backoff=0.01)
        self.ended = jobs.submit("sleep 1000")
        again(lambda: jobs.request("touch", job=self.twice.id))
        until_running(jobs, self.slow.id)
        until_running(jobs, self.ended.id)
        again(lambda: kill(jobs, self.ended.id))
        # A writer that finds no reader waits: it is there before and after whatever dies.
        self.gate.write_text("go\n")

    def check(self) -> None:
        found = self.jobs.wait(
            [job.id for job in (self.slow, self.after, self.twice, self.ended)], timeout=PATIENCE
        )
        codes = [found[job.id].code for job in (self.slow, self.after, self.twice)]
        assert codes == [3, 4, 5]
        assert found[self.ended.id].kind == outcome.STOPPED
        for name, job, times in (("slow", self.slow, 1), ("after", self.after, 1), ("twice", self.twice, 2)):
            assert (self.folder / name).read_text() == "x\n" * times, name
            runs = self.jobs.runs(job.id)
            assert all(run.outcome is not None for run in runs)
            began = [run for run in runs if run.outcome is not None and run.outcome.began is not None]
            assert len(began) == times
        for run in self.jobs.runs(self.after.id):
            if run.outcome is not None and run.outcome.began is not None:
                assert b"".join(self.jobs.logs(self.after.id, run.run)) == b"after\n"


def kill(jobs: Client, number: int) -> None:
    try:
        jobs.kill(number)
    except JobsError as error:
        if isinstance(error, DaemonGone) or "has ended already" not in str(error):
            raise


def until_running(jobs: Client, number: int) -> None:
    with jobs.watch() as changes:
        while not isinstance(jobs.job(number).state, Running):
            next(changes)


def again(act: Callable[[], T]) -> T:
    """As often as the daemon dies under it."""
    while True:
        try:
            return act()
        except DaemonGone:
            pass


def scene_in(jobs: Client, folder: Path) -> Scene:
    folder.mkdir()
    return Scene(jobs, folder)


@pytest.mark.parametrize("points", [SERVING, pytest.param(SERVING_TOO, marks=pytest.mark.slow)])
def test_killed_while_it_serves(jobs_place: Places, tmp_path: Path, points: tuple[str, ...]) -> None:
    with Client() as jobs:
        for point in points:
            scene = scene_in(jobs, tmp_path / point)
            before = jobs.status()["pid"]
            count = 2 if point in ("answered", "before-commit", "stored") else 1
            jobs.request("fault", point=point, count=count)
            scene.play()
            scene.check()
            while point == "notified" and jobs.status()["pid"] == before:
                pass  # the notice comes after all answers
            assert jobs.status()["pid"] != before, point
            again(lambda: jobs.clean(failed=True))
        assert not os.listdir(f"{jobs_place.state}/runs")


def test_killed_while_it_begins(jobs_place: Places, tmp_path: Path) -> None:
    with Client() as jobs:
        slow = jobs.submit("sleep 1000")
        until_running(jobs, slow.id)
        for point in BEGINNING:
            scene = scene_in(jobs, tmp_path / point)
            fault = Path(jobs_place.runtime, "fault")
            fault.write_text(f"{point}:1")
            kill_daemon(jobs_place)
            scene.play()
            assert not fault.exists(), point
            scene.check()
        again(lambda: kill(jobs, slow.id))


def test_an_order_that_nobody_got_is_given_again(jobs_place: Places, tmp_path: Path) -> None:
    """Killed with the folder made and no order given; and again when it had just made that order void."""
    with Client() as jobs:
        scene = Scene(jobs, tmp_path)
        jobs.status()
        Path(jobs_place.runtime, "fault").write_text("void:1")
        jobs.request("fault", point="folder", count=1)
        scene.play()
        scene.check()
        assert not Path(jobs_place.runtime, "fault").exists()


def test_killed_while_it_ends(jobs_place: Places) -> None:
    with Client() as jobs:
        job = jobs.submit("exit 3")
        jobs.wait([job.id], timeout=PATIENCE)
        jobs.request("fault", point="halting", count=1)
        with pytest.raises(DaemonGone):
            jobs.halt()
        assert jobs.runs(job.id)[0].outcome is not None


def nursery_of(places: Places) -> int:
    return processes.state_and_parent(pid_of_daemon(places))[1]


@pytest.mark.parametrize("point", ["", "unlocked"])
def test_the_nursery_killed(jobs_place: Places, tmp_path: Path, point: str) -> None:
    """Its daemon starts another and ends; killed just then, the next command starts them."""
    with Client() as jobs:
        scene = Scene(jobs, tmp_path)
        before = jobs.status()
        if point:
            jobs.request("fault", point=point, count=1)
        processes.kill(before["nursery"])
        scene.play()
        scene.check()
        after = jobs.status()
        assert before["pid"] != after["pid"]
        assert before["nursery"] != after["nursery"]


def test_the_keeper_killed(jobs_place: Places) -> None:
    """Its tree goes with it, and the job is said to be lost."""
    with Client() as jobs:
        job = jobs.submit("setsid sleep 1000 & exec sleep 1001")
        until_running(jobs, job.id)
        state = jobs.job(job.id).state
        assert isinstance(state, Running)
        processes.kill(processes.state_and_parent(state.pid)[1])
        found = jobs.wait([job.id], timeout=PATIENCE)[job.id]
        assert (found.kind, found.reason) == (outcome.LOST, "was lost: its keeper was killed")
        left = [processes.cmdline(pid) for pid in pids_of(os.path.dirname(jobs_place.state))]
        assert not [words for words in left if words.startswith("sleep")]


def test_daemon_and_keeper_killed(jobs_place: Places) -> None:
    with Client() as jobs:
        job = jobs.submit("setsid sleep 1000 & exec sleep 1001", restart="on-failure", restart_delay=0.01)
        until_running(jobs, job.id)
        state = jobs.job(job.id).state
        assert isinstance(state, Running)
        Path(jobs_place.runtime, "fault").write_text("locked:1")
        kill_daemon(jobs_place)
        processes.kill(processes.state_and_parent(state.pid)[1])
        while len(jobs.runs(job.id)) < 2:
            jobs.close()
        first = jobs.runs(job.id)[0].outcome
        assert first is not None
        assert first.kind == outcome.LOST
        until_running(jobs, job.id)
        jobs.kill(job.id, grace=0)
        jobs.wait([job.id], timeout=PATIENCE)


@pytest.mark.slow
@pytest.mark.hang_limit(1200)
def test_killed_at_each_passing_of_any_point(jobs_place: Places, tmp_path: Path) -> None:
    """The first, the second ... of all that one scene has, until a scene is over before its turn has come."""
    for count in itertools.count(1):
        folder = tmp_path / str(count)
        folder.mkdir()
        with Client() as jobs:
            scene = Scene(jobs, folder)
            before = jobs.status()["pid"]
            jobs.request("fault", point="any", count=count)
            scene.play()
            scene.check()
            if jobs.status()["pid"] == before:
                break
            jobs.halt()
            again(lambda jobs=jobs: jobs.clean(failed=True))  # type: ignore[misc]
    assert count > 100
