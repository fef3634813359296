"""The daemon, from submit to outcome: what people ask of it over its socket, with real keepers and commands."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from procession.errors import JobsError, NoSuchJob
from procession.jobs import AsyncClient, Client, outcome
from procession.jobs.job import Ended, Resting, Running, Suspended, Waiting
from procession.jobs.places import Places
from procession.jobs.quick import ask_table
from tests.harness.jobs import kill_daemon, pid_of_daemon

PATIENCE = 60.0


@pytest.fixture
def jobs(jobs_place: Places) -> Iterator[Client]:
    with Client() as client:
        yield client


def until(jobs: Client, number: int, kind: type) -> object:
    """The state of the job once it is of this kind."""
    with jobs.watch() as changes:
        while True:
            state = jobs.job(number).state
            if isinstance(state, kind):
                return state
            next(changes)


def test_a_job_has_a_number_an_outcome_and_a_log(jobs: Client) -> None:
    job = jobs.submit(
        ["sh", "-c", "echo out; echo $PN_X; exit 3"], name="three", env={"PN_X": "x", "PATH": os.defpath}
    )
    found = jobs.wait([job.id], timeout=PATIENCE)[job.id]
    assert (job.id, found.kind, found.code) == (1, outcome.FAILED, 3)
    assert b"".join(jobs.logs("three")) == b"out\nx\n"
    assert [run.outcome for run in jobs.runs(1)] == [found]
    assert jobs.words("%+") == "exited with code 3"
    assert ask_table({}, words=["three"]).decode().splitlines()[1].startswith("  1 +")


def test_the_number_is_in_the_book_before_it_is_told(jobs: Client, jobs_place: Places) -> None:
    job = jobs.submit("sleep 1000")
    kill_daemon(jobs_place)
    assert jobs.job(job.id).spec.command == ("sleep 1000",)


def test_a_token_makes_one_job(jobs: Client) -> None:
    first = jobs.submit("true", token="abc")
    assert jobs.submit("true", token="abc").id == first.id
    assert jobs.submit("true").id != first.id
    gone = jobs.submit("true", token="rm", remove=True)
    jobs.wait([gone.id], timeout=PATIENCE)
    again = jobs.submit("true", token="rm", remove=True)
    assert again.id == gone.id
    assert isinstance(again.state, Ended)
    assert again.state.outcome.kind == outcome.DONE


def test_jobs_wait_for_others(jobs: Client, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    first = jobs.submit(f"read x < {gate}; exit 1")
    bad = jobs.submit("true", after_failed=[first.id])
    well = jobs.submit("true", after=[first.id])
    any_ = jobs.submit("true", after_any=[first.id])
    assert jobs.words(well.id) == "waiting for job 1"
    gate.write_text("go\n")
    found = jobs.wait([bad.id, well.id, any_.id], timeout=PATIENCE)
    assert [found[job.id].kind for job in (bad, well, any_)] == [
        outcome.DONE,
        outcome.UNSTARTED,
        outcome.DONE,
    ]


def test_a_group_has_slots_and_can_pause(jobs: Client, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    jobs.group("g", slots=1)
    first, second = (jobs.submit(f"read x < {gate}", group="g") for _ in range(2))
    until(jobs, first.id, Running)
    assert isinstance(jobs.job(second.id).state, Waiting)
    jobs.group("g", paused=True)
    gate.write_text("go\n")
    jobs.wait([first.id], timeout=PATIENCE)
    assert jobs.words(second.id) == "group g is paused"
    jobs.group("g", paused=False)
    until(jobs, second.id, Running)
    with pytest.raises(JobsError, match="1 job of it has not ended"):
        jobs.group("g", remove=True)
    gate.write_text("go\n")
    jobs.wait([second.id], timeout=PATIENCE)
    assert jobs.group("g", remove=True) == []


def test_what_fails_is_repeated_and_then_given_up(jobs: Client, tmp_path: Path) -> None:
    log = tmp_path / "runs"
    job = jobs.submit(f"echo x >> {log}; exit 1", retries=2, backoff=0.01)
    assert jobs.wait([job.id], timeout=PATIENCE)[job.id].code == 1
    assert log.read_text() == "x\n" * 3
    assert [run.run for run in jobs.runs(job.id)] == [1, 2, 3]


def test_a_clock_time_is_waited_for(jobs: Client) -> None:
    import time

    jobs.status()
    job = jobs.submit("true", at=time.time() + 0.5)
    assert isinstance(job.state, Waiting)
    found = jobs.wait([job.id], timeout=PATIENCE)[job.id]
    assert found.began is not None
    assert found.began >= job.spec.at  # type: ignore[operator]


def test_stop_cont_kill_restart(jobs: Client) -> None:
    job = jobs.submit(["sleep", "1000"])
    until(jobs, job.id, Running)
    jobs.stop(job.id)
    until(jobs, job.id, Suspended)
    jobs.cont(job.id)
    until(jobs, job.id, Running)
    jobs.restart(job.id)
    jobs.kill(job.id)
    found = jobs.wait([job.id], timeout=PATIENCE)[job.id]
    assert found.kind in (outcome.STOPPED, outcome.UNSTARTED)
    with pytest.raises(JobsError, match="has ended already"):
        jobs.kill(job.id)
    jobs.restart(job.id)
    until(jobs, job.id, Running)
    jobs.kill(job.id, signal=signal.SIGKILL)
    assert jobs.wait([job.id], timeout=PATIENCE)[job.id].signal == signal.SIGKILL


def test_wait_for_any_and_time_that_is_over(jobs: Client) -> None:
    slow, quick = jobs.submit(["sleep", "1000"]), jobs.submit("exit 4")
    assert list(jobs.wait([slow.id, quick.id], any=True, timeout=PATIENCE)) == [quick.id]
    with pytest.raises(TimeoutError):
        jobs.wait([slow.id, quick.id], timeout=0.05)
    with pytest.raises(NoSuchJob, match="there is no job 99"):
        jobs.wait([99])


def test_watch_tells_every_change(jobs: Client) -> None:
    with jobs.watch() as changes:
        job = jobs.submit("true")
        kinds = []
        for event in changes:
            if event.kind == "job" and event.id == job.id:
                assert event.job is not None
                kinds.append(type(event.job.state).__name__)
                if isinstance(event.job.state, Ended):
                    break
    assert kinds == ["Starting", "Running", "Ended"]


def test_edit_and_words(jobs: Client) -> None:
    job = jobs.submit("exit 9", after_any=[jobs.submit(["sleep", "1000"]).id])
    assert jobs.edit(job.id, command=("exit 5",), priority=3).spec.command == ("exit 5",)
    with pytest.raises(JobsError, match="colour"):
        jobs.edit(job.id, colour="red")
    jobs.kill(1)
    assert jobs.wait([job.id], timeout=PATIENCE)[job.id].code == 5


def test_clean_forgets_and_history_remembers(jobs: Client, jobs_place: Places) -> None:
    well, bad = jobs.submit("echo hi", name="well"), jobs.submit("exit 1", env={"A": "b"})
    jobs.wait([well.id, bad.id], timeout=PATIENCE)
    assert jobs.clean(older=1000) == []
    assert jobs.clean() == [well.id]
    assert [job.id for job in jobs.jobs()] == [bad.id]
    assert not os.path.exists(os.path.dirname(jobs_place.log(well.id, 1)))
    assert jobs.clean(failed=True) == [bad.id]
    assert sorted(run.job for run in jobs.history()) == [well.id, bad.id]
    assert jobs.request("history", limit=9)["runs"][-1].keys() >= {"name", "command", "outcome"}
    assert jobs.wait([well.id])[well.id].kind == outcome.DONE
    assert jobs.submit("true").id == 3


def test_a_notice_is_given(jobs: Client, tmp_path: Path) -> None:
    told = tmp_path / "told"
    os.mkfifo(told)
    jobs.submit(
        "exit 7", name="n", notify=f'echo "$PN_JOB_ID $PN_JOB_NAME $PN_JOB_OUTCOME $PN_JOB_CODE" > {told}'
    )
    assert told.read_text() == "1 n failed 7\n"


def test_the_environment_is_told_only_who_asks(jobs: Client) -> None:
    job = jobs.submit("true", env={"SECRET": "hush"})
    assert "hush" not in str(jobs.request("show", job=job.id))
    assert jobs.request("show", job=job.id, env=True)["env"] == {"SECRET": "hush"}


def test_the_book_and_the_sockets_are_ours_alone(jobs: Client, jobs_place: Places) -> None:
    jobs.wait([jobs.submit("true").id], timeout=PATIENCE)
    for folder, _, files in os.walk(os.path.dirname(jobs_place.state)):
        assert stat.S_IMODE(os.lstat(folder).st_mode) == 0o700
        for name in files:
            assert not stat.S_IMODE(os.lstat(f"{folder}/{name}").st_mode) & 0o077, name


def test_halt_leaves_the_jobs_and_the_next_daemon_finds_them(
    jobs: Client, jobs_place: Places, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    job = jobs.submit(f"read x < {gate}; exit 6")
    until(jobs, job.id, Running)
    jobs.halt()
    gate.write_text("go\n")
    assert jobs.wait([job.id], timeout=PATIENCE)[job.id].code == 6


def test_halt_can_end_the_jobs(jobs: Client) -> None:
    job = jobs.submit(["sleep", "1000"])
    jobs.halt(end_jobs=True)
    state = jobs.job(job.id).state
    assert isinstance(state, Ended)
    assert state.outcome.kind in (outcome.STOPPED, outcome.UNSTARTED)


def test_another_daemon_takes_over(jobs: Client, jobs_place: Places, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    job = jobs.submit(f"read x < {gate}; exit 6")
    until(jobs, job.id, Running)
    before = jobs.status()
    jobs.request("replace")
    after = jobs.status()
    assert (before["pid"], before["nursery"]) != (after["pid"], after["nursery"])
    gate.write_text("go\n")
    assert jobs.wait([job.id], timeout=PATIENCE)[job.id].code == 6


def test_it_ends_when_idle(jobs: Client, jobs_place: Places) -> None:
    jobs.configure(idle=0.05)
    pidfd = os.pidfd_open(pid_of_daemon(jobs_place))
    jobs.close()
    import select

    assert select.select([pidfd], [], [], PATIENCE)[0]
    os.close(pidfd)
    assert jobs.status()["idle"] == 0.05


def test_nobody_is_started_who_need_not(jobs_place: Places) -> None:
    with Client(may_start=False) as client, pytest.raises(JobsError, match="does not run"):
        client.status()


def test_asyncio(jobs_place: Places) -> None:
    async def main() -> None:
        async with AsyncClient() as jobs:
            changes = jobs.watch()
            numbers = [job.id for job in await asyncio.gather(*(jobs.submit(f"exit {n}") for n in range(5)))]
            found = await jobs.wait(numbers)
            assert [found[number].code for number in numbers] == list(range(5))
            slow = await jobs.submit(["sleep", "1000"])
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(jobs.wait([slow.id]), 0.05)
            waiting = asyncio.ensure_future(changes.__anext__())
            await jobs.kill(slow.id, grace=0)
            assert (await waiting).kind in ("job", "run")
            assert (await jobs.wait([slow.id]))[slow.id].kind in (outcome.STOPPED, outcome.UNSTARTED)
            with pytest.raises(NoSuchJob):
                await jobs.job(77)
            assert len(await jobs.history()) == 6
            await changes.aclose()

    asyncio.run(main())


def test_resting_jobs_wake(jobs: Client) -> None:
    job = jobs.submit("exit 1", retries=1, backoff=1000.0)
    state = until(jobs, job.id, Resting)
    assert isinstance(state, Resting)
    jobs.kill(job.id)
    assert jobs.wait([job.id], timeout=PATIENCE)[job.id].kind == outcome.STOPPED
