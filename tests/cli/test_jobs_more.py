"""The rarer verbs of jobs: changing them, groups, typing, adopting, the daemon; and jobs among processes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from procession.jobs.places import Places
from tests.harness.jobs import kill_daemon
from tests.harness.program import Program
from tests.harness.terminal import Starter

Pn = Callable[..., str]


@pytest.fixture
def jobs(pn: Program, jobs_place: Places) -> Pn:
    """``pn`` with the jobs of this test; stdout of what must go well."""
    folder = os.path.dirname(jobs_place.state)

    def call(*words: str, code: int = 0, env: dict[str, str] | None = None) -> str:
        ran = pn(*words, env={"PN_JOBS": folder, **(env or {})})
        assert ran.code == code, ran
        return ran.err if code else ran.out

    return call


@pytest.fixture
def stays() -> Iterator[subprocess.Popen[bytes]]:
    """A process of somebody else, as far as jobs are concerned."""
    with subprocess.Popen(["sleep", "300"]) as program:
        yield program
        program.kill()


def test_a_job_that_waits_is_changed(jobs: Pn) -> None:
    jobs("run", "--in", "1h", "-n", "late", "false")
    assert "not before" in jobs("jobs", "late")
    jobs("edit", "late", "echo", "changed")
    jobs("edit", "--now", "%late")
    jobs("wait", "-q", "%late")
    assert jobs("logs", "late") == "changed\n"
    assert "pn edit: " in jobs("edit", "--at", "23:00", "77", code=1)


def test_slots_and_priorities_decide_who_is_next(jobs: Pn, tmp_path: Path) -> None:
    assert jobs("group", "one", "--slots", "1", "--pause") == "one: 1 slot, paused\n"
    order = tmp_path / "order"
    for name in "abc":
        jobs("run", "-q", "-g", "one", "-n", name, "-c", f"echo {name} >>{order}")
    assert "group one is paused" in jobs("jobs", "a")
    jobs("priority", "-5", "a")
    jobs("priority", "7", "%c")
    assert json.loads(jobs("group", "one", "--resume", "--json"))["paused"] is False
    jobs("wait", "-q", "%a", "%b", "%c")
    assert order.read_text().split() == ["c", "b", "a"]
    assert jobs("group", "one", "--remove", code=0) == ""


def test_what_is_typed_reaches_a_job_with_a_terminal_only(jobs: Pn) -> None:
    jobs("run", "--pty", "-n", "ask", "-c", "read a; read b; echo got $a $b; cat; echo end")
    jobs("send", "ask", "one", "1")
    jobs("send", "-e", "ask", "two\\n\\x04")
    jobs("wait", "-q", "%ask")
    log = jobs("logs", "ask")
    assert "got one 1 two\r\n" in log
    assert log.endswith("end\r\n")
    jobs("run", "--no-pty", "-n", "mute", "sleep", "300")
    assert "has no terminal" in jobs("send", "mute", "x", code=1)


def test_restart_is_another_run_under_the_same_number(jobs: Pn, tmp_path: Path) -> None:
    jobs("run", "-n", "again", "-c", f"echo x >>{tmp_path}/runs; exit $(wc -l <{tmp_path}/runs)")
    assert jobs("wait", "-q", "%again", code=1) == ""
    assert jobs("restart", "again").startswith("[1] ")
    assert jobs("wait", "-q", "%again", code=2) == ""
    assert jobs("logs", "--run", "2", "again") == ""
    assert "has no run 3" in jobs("logs", "--run", "3", "again", code=1)


def test_a_process_that_runs_already_is_adopted(jobs: Pn, stays: subprocess.Popen[bytes]) -> None:
    assert jobs("adopt", str(stays.pid)) == "1\n"
    assert int(jobs("jobs", "-p", "%sleep")) == stays.pid
    assert jobs("fg", "1", code=1) == "pn fg: job 1: it was adopted: its terminal is where it was started\n"
    jobs("stop", "%1")
    assert "suspended" in jobs("jobs", "-s")
    jobs("cont", "%1")
    jobs("kill", "%1")
    assert stays.wait(30) == -15
    jobs("wait", "-q", "%1", code=143)


def test_jobs_are_named_among_processes(jobs: Pn) -> None:
    jobs("run", "-n", "nap", "-c", "echo begun; sleep 300 & wait")
    pid = jobs("jobs", "-p", "nap").strip()
    assert 'ours: job 1 "nap"' in jobs("explain", pid)
    assert jobs("ps", "-o", "role", "--no-headers", "-p", pid) == 'job 1 "nap"\n'
    tree = jobs("tree", "-p", pid)
    assert '[job 1 "nap"] /bin/sh' in tree
    assert "[keeper of job 1]" in tree


def test_the_daemon_is_stopped_started_replaced_and_killed_and_jobs_go_on(
    jobs: Pn, jobs_place: Places
) -> None:
    assert "does not run" in jobs("daemon", "stop")
    assert jobs("daemon", "status", "--json", code=1) == ""
    jobs("run", "-n", "stay", "sleep", "300")
    pid = jobs("jobs", "-p")
    first = json.loads(jobs("daemon", "status", "--json"))
    assert first["running"] is True
    jobs("daemon", "restart")
    second = json.loads(jobs("daemon", "status", "--json"))
    assert second["pid"] != first["pid"]
    kill_daemon(jobs_place)
    assert jobs("jobs", "-p") == pid
    jobs("daemon", "stop")
    assert "the daemon runs: pid" in jobs("daemon", "start", "--idle", "never")
    assert jobs("jobs", "-p") == pid
    jobs("daemon", "stop", "--end-jobs")
    assert "ended" in jobs("jobs")


def test_the_unit_is_written_where_systemd_looks(jobs: Pn, tmp_path: Path) -> None:
    out = jobs("daemon", "install", env={"XDG_CONFIG_HOME": str(tmp_path / "config")})
    unit = tmp_path / "config/systemd/user/procession.service"
    assert str(unit) in out
    assert "systemctl --user enable --now procession.service" in out
    assert "daemon start\n" in unit.read_text()


def test_what_may_become_of_jobs_is_said_on_a_terminal(jobs: Pn, jobs_place: Places, pn_tty: Starter) -> None:
    Path(jobs_place.state).mkdir(mode=0o700, parents=True)
    Path(jobs_place.book).write_bytes(b"no book" * 1000)
    terminal = pn_tty("run", "true", env={"PN_JOBS": os.path.dirname(jobs_place.state)})
    terminal.wait_for("pn run: the book of the jobs was damaged")
    assert terminal.wait_exit() == 0
    assert Path(f"{jobs_place.book}.damaged-1").exists()
    assert jobs("run", "true").strip().isdecimal()  # and in a script the number alone
