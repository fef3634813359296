"""How a daemon begins: by whom it is started, what it takes over, and when it cannot."""

from __future__ import annotations

import os
import select
import socket
import sqlite3
import threading
from pathlib import Path

import pytest

from procession.errors import DaemonGone
from procession.jobs import Client, outcome
from procession.jobs.daemon import lock
from procession.jobs.job import Ended, Running, Waiting
from procession.jobs.places import Places, prepare
from procession.jobs.quick import ask_table
from tests.harness import processes
from tests.harness.jobs import kill_daemon, pid_of_daemon, pids_of

PATIENCE = 60.0


def until_running(jobs: Client, number: int) -> Running:
    with jobs.watch() as changes:
        while True:
            state = jobs.job(number).state
            if isinstance(state, Running):
                return state
            next(changes)


def test_many_at_once_start_one(jobs_place: Places) -> None:
    pids: list[int] = []

    def ask() -> None:
        with Client() as jobs:
            pids.append(jobs.status()["pid"])

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pids == [pid_of_daemon(jobs_place)] * 8


def test_the_second_daemon_ends_and_takes_its_nursery_along(jobs_place: Places) -> None:
    prepare(jobs_place)
    held = lock(jobs_place)
    assert held is not None
    from procession.jobs.nursery import launch

    launch(jobs_place)
    folder = os.path.dirname(jobs_place.state)
    for pid in pids_of(folder):
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        assert select.select([pidfd], [], [], PATIENCE)[0]
        os.close(pidfd)
    assert pids_of(folder) == []
    os.close(held)


def test_a_socket_that_nobody_listens_on_is_replaced(jobs_place: Places) -> None:
    prepare(jobs_place)
    for path in (jobs_place.socket, f"{jobs_place.runtime}/start.1.sock"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
            dead.bind(path)
    with Client() as jobs:
        assert jobs.status()["pid"] == pid_of_daemon(jobs_place)
    assert [
        name for name in os.listdir(jobs_place.runtime) if name.startswith("start.") and name != "start.lock"
    ] in (
        [],
        ["start.1.sock"],
    )


def test_the_table_starts_it_too(jobs_place: Places) -> None:
    assert ask_table({}) == b""
    assert pid_of_daemon(jobs_place)
    kill_daemon(jobs_place)
    assert ask_table({"long": True}, width=80, colour=True) == b""


def test_a_book_of_a_newer_version_is_said_to_be_one(jobs_place: Places) -> None:
    prepare(jobs_place)
    with sqlite3.connect(jobs_place.book) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with Client() as jobs, pytest.raises(DaemonGone, match="newer version"):
        jobs.status()


def test_a_damaged_book_costs_no_running_job_and_no_log(jobs_place: Places) -> None:
    with Client() as jobs:
        before = jobs.submit("echo hi; sleep 1000")
        keeper = processes.state_and_parent(until_running(jobs, before.id).pid)[1]
        jobs.halt()
        Path(jobs_place.book).write_bytes(b"no book" * 1000)
        for _ in range(2):
            assert jobs.submit("true").id > before.id
            kill_daemon(jobs_place)
        assert Path(f"{jobs_place.book}.damaged-1").read_bytes() == b"no book" * 1000
        assert processes.state_and_parent(keeper)[0] == "S"
        assert Path(jobs_place.log(before.id, 1)).read_bytes() == b"hi\n"
        assert os.path.exists(f"{jobs_place.run(before.id, 1)}/claim")


def test_a_damaged_book_is_said_to_be_one(jobs_place: Places) -> None:
    prepare(jobs_place)
    Path(jobs_place.book).write_bytes(b"no book" * 1000)
    with Client() as jobs:
        (words,) = jobs.status()["warnings"]
        assert "damaged" in words
        assert jobs.submit("true").id == 1


def test_a_client_whose_daemon_has_died_meanwhile_asks_the_next(jobs_place: Places) -> None:
    """Also for what must not be done twice: the dead one cannot have read it."""
    with Client() as jobs:
        job = jobs.submit("sleep 1000")
        until_running(jobs, job.id)
        kill_daemon(jobs_place)
        jobs.stop(job.id)
        kill_daemon(jobs_place)
        jobs.kill(job.id, grace=0)
        assert jobs.wait([job.id], timeout=PATIENCE)[job.id].kind == outcome.STOPPED


def test_after_a_reboot(jobs_place: Places) -> None:
    """The boot that the book knows is another one, and nothing runs any more."""
    with Client() as jobs:
        lost = jobs.submit("sleep 1000")
        again = jobs.submit("sleep 1001", restart="on-failure", restart_delay=0.01)
        waiting = jobs.submit("exit 5", after_any=[lost.id], at=4e9)
        told = jobs.submit("exit 4")
        jobs.wait([told.id], timeout=PATIENCE)
        keepers = [processes.state_and_parent(until_running(jobs, job.id).pid)[1] for job in (lost, again)]
        jobs.halt()
        for pid in keepers:
            processes.kill(pid)
        with sqlite3.connect(jobs_place.book) as db:
            db.execute("UPDATE settings SET value = 'another boot' WHERE name = 'boot'")
        db.close()
        found = jobs.wait([lost.id], timeout=PATIENCE)[lost.id]
        assert (found.kind, found.reason) == (outcome.LOST, "was lost: the machine went down")
        assert isinstance(jobs.job(waiting.id).state, Waiting)
        assert isinstance(jobs.job(told.id).state, Ended)
        until_running(jobs, again.id)
        first = jobs.runs(again.id)[0].outcome
        assert first is not None
        assert first.reason == "was lost: the machine went down"
        kill_daemon(jobs_place)
        assert [run.run for run in jobs.runs(again.id)] == [1, 2]  # one reboot is one


def test_what_an_earlier_one_left_is_removed(jobs_place: Places) -> None:
    with Client() as jobs:
        jobs.status()
        kill_daemon(jobs_place)
    for folder in ("runs/7.1", "logs/7"):
        os.mkdir(f"{jobs_place.state}/{folder}")
        Path(jobs_place.state, folder, "1").write_text("old")
    with Client() as jobs:
        jobs.status()
        assert os.listdir(f"{jobs_place.state}/runs") == os.listdir(f"{jobs_place.state}/logs") == []


def test_an_order_that_cannot_be_given_is_said_and_tried_again(jobs_place: Places) -> None:
    with Client() as jobs:
        jobs.status()
        os.rename(f"{jobs_place.state}/runs", f"{jobs_place.state}/away")
        job = jobs.submit("exit 3")
        (words,) = jobs.status()["warnings"]
        assert f"job {job.id} cannot be begun" in words
        os.rename(f"{jobs_place.state}/away", f"{jobs_place.state}/runs")
        assert jobs.wait([job.id], timeout=PATIENCE)[job.id].code == 3
        assert jobs.status()["warnings"] == []


def test_it_keeps_nothing_open_of_what_is_over(jobs_place: Places) -> None:
    with Client() as jobs:
        jobs.wait([jobs.submit("true").id], timeout=PATIENCE)
        pid = jobs.status()["pid"]
        fds = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
        assert not [name for name in fds if "memfd" in name or "pipe:" in name or "/runs/" in name]


@pytest.mark.slow
def test_it_never_wakes_for_nothing(jobs_place: Places) -> None:
    """Switches of the daemon and its nursery in three seconds, with a job that runs and one that waits: none."""
    with Client() as jobs:
        until_running(jobs, jobs.submit("sleep 1000").id)
        jobs.submit("true", after=[1])
        jobs.submit("true", at=4e9)
        status = jobs.status()
        pids = status["pid"], status["nursery"]
        while {processes.state_and_parent(pid)[0] for pid in pids} != {"S"}:
            pass  # it has answered, and goes back to its poll
        before = [switches(pid) for pid in pids]
        select.select([], [], [], 3.0)
        assert [switches(pid) for pid in pids] == before


def switches(pid: int) -> list[str]:
    lines = processes.read(pid, "status").decode().splitlines()
    return [line for line in lines if "ctxt_switches" in line]
