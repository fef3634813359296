"""Adopted processes, and the nursery: who comes and goes, and that nobody wakes up for nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from procession.linux.procfs import start_time
from tests.contract.keeperkit import PATIENCE, Room, Run, is_dead, room, wait_until
from tests.harness import processes


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sh", "-c", "read x; exit 5"], stdin=subprocess.PIPE) as made:
        yield made
        if made.poll() is None:
            made.kill()


def adopt(jobs: Room, pid: int) -> Run:
    return jobs.keep(adopt=pid, adopt_start=start_time(pid))


def test_an_adopted_process_tells_how_it_ended(jobs: Room, process: subprocess.Popen[bytes]) -> None:
    run = adopt(jobs, process.pid)
    assert run.began()["pid"] == process.pid
    process.communicate(b"\n")
    outcome = run.ended()
    assert (outcome.kind, outcome.code) in (("failed", 5), ("unknown", None))
    if os.uname().release.startswith("6.18"):
        assert outcome.code == 5


def test_an_adopted_process_can_be_ended(jobs: Room, process: subprocess.Popen[bytes]) -> None:
    run = adopt(jobs, process.pid)
    run.began()
    run.say("stop")
    assert run.event("suspended")["why"] == "by SIGSTOP"
    run.say("cont")
    run.event("continued")
    run.say("end", grace=PATIENCE)
    assert process.wait() == -signal.SIGTERM
    assert run.ended().kind in ("stopped", "unknown")


def test_a_signal_for_it_alone(jobs: Room, process: subprocess.Popen[bytes]) -> None:
    run = adopt(jobs, process.pid)
    run.began()
    run.say("signal", signal=int(signal.SIGUSR1), tree=False)
    assert process.wait() == -signal.SIGUSR1
    assert run.ended().kind in ("killed", "unknown")


def test_a_keeper_that_is_told_to_end_leaves_the_adopted_alone(
    jobs: Room, process: subprocess.Popen[bytes]
) -> None:
    run = adopt(jobs, process.pid)
    run.began()
    os.kill(run.keeper, signal.SIGTERM)
    outcome = run.ended()
    assert outcome.kind == "unknown"
    assert "not watched any more" in outcome.reason
    assert process.poll() is None


def test_a_process_that_is_gone_cannot_be_adopted(jobs: Room) -> None:
    with subprocess.Popen(["true"]) as gone:
        start = start_time(gone.pid)
        gone.wait()
    outcome = jobs.keep(adopt=gone.pid, adopt_start=start).ended()
    assert outcome.kind == "unstarted"
    assert str(gone.pid) in outcome.reason


def test_another_one_with_the_same_number_is_not_it(jobs: Room, process: subprocess.Popen[bytes]) -> None:
    outcome = jobs.keep(adopt=process.pid, adopt_start=start_time(process.pid) - 1).ended()
    assert outcome.kind == "unstarted"


def test_where_an_adopted_process_prints(jobs: Room) -> None:
    with (
        open(f"{jobs.top}/printed", "w") as file,
        subprocess.Popen(["sleep", "1000"], stdout=file) as process,
    ):
        run = adopt(jobs, process.pid)
        assert run.began()["level"] == f"its output goes to {jobs.top}/printed"
        process.kill()
        process.wait()
        run.ended()


# ── the nursery ──


def test_the_next_daemon_finds_the_keepers() -> None:
    with room() as jobs:
        run = jobs.keep("sleep", "1000")
        run.began()
        before = jobs.daemon_pid
        run.sock.close()
        jobs.line.close()
        jobs.daemon.close()
        processes.kill(before)
        jobs.meet()
        assert jobs.daemon_pid != before
        line = run.connect()
        line.say("watch")
        assert line.event("state")["pid"] == run.pid
        line.say("end", grace=0)
        assert line.event("ended")["outcome"]["kind"] == "stopped"


def test_an_order_of_a_daemon_that_died_is_carried_out() -> None:
    with room() as jobs:
        os.kill(jobs.nursery_pid, signal.SIGSTOP)
        run = jobs.keep("sh", "-c", "exit 3")
        jobs.line.close()
        jobs.daemon.close()
        processes.kill(jobs.daemon_pid)
        os.kill(jobs.nursery_pid, signal.SIGCONT)
        jobs.meet()
        assert run.ended().code == 3


def test_a_daemon_that_goes_for_good_takes_the_nursery_along_and_no_keeper() -> None:
    with room() as jobs:
        run = jobs.keep("sleep", "1000")
        run.began()
        jobs.send({"do": "end"})
        jobs.daemon.close()
        wait_until(lambda: is_dead(jobs.nursery_pid), "the nursery ends")
        assert not is_dead(run.keeper)
        run.say("end", grace=0)
        assert run.ended().kind == "stopped"


def test_a_nursery_that_is_told_to_end_tells_the_daemon() -> None:
    with room() as jobs:
        run = jobs.keep("sh", "-c", "read x; exit 8", pty=True)
        run.began()
        os.kill(jobs.nursery_pid, signal.SIGTERM)
        wait_until(lambda: is_dead(jobs.nursery_pid) and is_dead(jobs.daemon_pid), "both end")
        run.say("type", text="\n")
        assert run.ended().code == 8


def test_what_the_nursery_holds(jobs: Room) -> None:
    links = {
        os.readlink(f"/proc/{jobs.nursery_pid}/fd/{fd}") for fd in os.listdir(f"/proc/{jobs.nursery_pid}/fd")
    }
    assert {link for link in links if not link.startswith(("socket:", "pipe:", "anon_inode:"))} == {
        "/dev/null",
        f"{jobs.places.runtime}/daemon.log",
    }
    assert os.readlink(f"/proc/{jobs.nursery_pid}/cwd") == "/"
    assert os.getsid(jobs.nursery_pid) == jobs.nursery_pid
    assert processes.read(jobs.nursery_pid, "comm") == b"pn-nursery\n"


@pytest.mark.parametrize("seconds", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_nobody_wakes_up_for_nothing(jobs: Room, seconds: int) -> None:
    runs = [jobs.keep("sleep", "1000", pty=pty) for pty in (False, True)]
    for run in runs:
        run.began()
    idle = [*(run.keeper for run in runs), jobs.nursery_pid]
    wait_until(lambda: all(_waits(pid) for pid in idle), "all wait")
    before = {pid: _switches(pid) for pid in idle}
    time.sleep(seconds)  # what is measured: that nothing happens in this time
    assert {pid: _switches(pid) for pid in idle} == before
    for run in runs:
        run.say("end", grace=0)
        run.ended()


def _waits(pid: int) -> bool:
    before = _switches(pid)
    time.sleep(0.1)
    return processes.state_and_parent(pid)[0] == "S" and _switches(pid) == before


def _switches(pid: int) -> tuple[int, int]:
    """How often it has run: each time it gives the processor up counts (proc_pid_status(5))."""
    lines = processes.read(pid, "status").decode().splitlines()
    numbers = [int(line.split()[1]) for line in lines if "voluntary_ctxt_switches" in line]
    return numbers[0], numbers[1]


def test_the_memory_of_many_keepers(jobs: Room) -> None:
    runs = [jobs.keep("sleep", "1000") for _ in range(30)]
    for run in runs:
        run.began()
    sizes = sorted(_pss(run.keeper) for run in runs)
    assert sizes[-1] <= 3 << 10, sizes
    for run in runs:
        run.say("end", grace=0)
    for run in runs:
        run.ended()


def _pss(pid: int) -> int:
    """KiB."""
    for line in processes.read(pid, "smaps_rollup").decode().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise AssertionError
