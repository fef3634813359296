"""``pn run`` and its relatives, as a script meets them: the real program, a daemon of the test's own."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from procession.cli import main
from procession.jobs.places import Places
from tests.harness.program import Program, Ran

Pn = Callable[..., Ran]


@pytest.fixture
def jobs(pn: Program, jobs_place: Places) -> Pn:
    """``pn`` with the jobs of this test."""
    folder = os.path.dirname(jobs_place.state)

    def call(
        *words: str, env: dict[str, str] | None = None, stdin: bytes = b"", cwd: Path | None = None
    ) -> Ran:
        return pn(*words, env={"PN_JOBS": folder, **(env or {})}, stdin=stdin, cwd=cwd)

    return call


@pytest.fixture
def gate(tmp_path: Path) -> str:
    """A pipe: a shell that reads from it stays until the test opens it."""
    path = tmp_path / "gate"
    os.mkfifo(path)
    return str(path)


def ok(ran: Ran) -> str:
    assert (ran.code, ran.err) == (0, ""), ran
    return ran.out


def test_from_the_number_to_the_exit_code(jobs: Pn, tmp_path: Path) -> None:
    assert (
        ok(jobs("run", "--name", "try", "-c", "pwd; umask; echo $A; echo oh >&2; exit 3", env={"A": "b c"}))
        == "1\n"
    )
    ended = jobs("wait", "%try")
    assert (ended.code, ended.out) == (3, "[1] exited with code 3\n")
    home, umask, *rest = ok(jobs("logs")).splitlines()
    assert (home, int(umask, 8), rest) == (
        str(tmp_path / "home"),
        os.umask(os.umask(0o22)) or 0,
        ["b c", "oh"],
    )
    assert "exited with code 3" in ok(jobs("show", "1"))
    found = json.loads(ok(jobs("show", "--json", "1")))
    assert found["runs"][0]["outcome"]["code"] == 3
    (job,) = map(json.loads, ok(jobs("jobs", "--json")).splitlines())
    assert (job["id"], job["mark"], job["state"]["kind"], job["words"]) == (
        1,
        "+",
        "ended",
        "exited with code 3",
    )
    assert re.search(r"1 \+ .*exited with code 3 .*try", ok(jobs("jobs")))
    assert ok(jobs("clean")) == "0 jobs forgotten\n"
    assert ok(jobs("clean", "--failed")) == "1 job forgotten\n"
    assert ok(jobs("jobs")) == ""
    assert "exited with code 3" in ok(jobs("history"))
    assert json.loads(ok(jobs("history", "--json")))["name"] == "try"


def test_signals_and_what_cannot_be_run_have_the_codes_of_a_shell(jobs: Pn) -> None:
    for words, code in (
        (("-c", "kill -9 $$"), 137),
        (("nosuchcommand",), 127),
        (("/etc/passwd",), 126),
        (("true",), 0),
    ):
        number = ok(jobs("run", *words)).strip()
        assert jobs("wait", "-q", f"%{number}").code == code
    assert jobs("run", "--fg", "-c", "echo out; exit 7").code == 7


def test_fg_in_a_script_shows_all_and_ends_as_the_job(jobs: Pn) -> None:
    ran = jobs("run", "--fg", "-c", "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; exit 5")
    assert ran.code == 5
    assert ran.out == "".join(f"line {at}\n" for at in range(3000))
    assert jobs("run", "--fg", "nosuchcommand").code == 127


def test_a_job_that_runs(jobs: Pn, gate: str) -> None:
    number = ok(jobs("run", "--name", "stay", "-c", f"echo begun; read line <{gate}; echo $line")).strip()
    ok(jobs("run", "--after", "stay", "-n", "next", "echo", "last"))
    assert "waiting for job 1" in ok(jobs("jobs", "next"))
    pid = int(ok(jobs("jobs", "-p", "%stay")))
    assert os.readlink(f"/proc/{pid}/exe")
    assert ok(jobs("stop", "%stay")) == ""
    assert "suspended for" in ok(jobs("jobs", "-s"))
    assert ok(jobs("bg", "stay")).startswith("[1] ")
    refused = jobs("fg", "next")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == "pn fg: job 2 is not running: waiting for job 1\n"
    Path(gate).write_text("go on\n")
    assert jobs("wait", f"%{number}", "%next").code == 0
    assert ok(jobs("logs", "stay")) == "begun\ngo on\n"
    assert ok(jobs("logs", "-n", "1", "--grep", "O", "-i", "stay")) == "go on\n"
    assert ok(jobs("logs", "next")) == "last\n"
    assert jobs("logs", "--grep", "nothing", "next").code == 1


def test_a_log_is_followed_from_before_its_beginning_to_its_end(
    pn: Program, jobs: Pn, jobs_place: Places, gate: str
) -> None:
    ok(jobs("run", "-n", "first", "-c", f"read x <{gate}"))
    ok(jobs("run", "-n", "second", "--after", "first", "-r", "1", "-c", "echo a; sleep 0.2; echo b; exit 1"))
    following = pn.start("logs", "-f", "second", env={"PN_JOBS": os.path.dirname(jobs_place.state)})
    Path(gate).write_text("x\n")
    out, err = following.communicate(timeout=40)
    assert (out, err, following.returncode) == (b"a\nb\na\nb\n", b"", 0)


def test_kill_ends_the_whole_tree(jobs: Pn, gate: str) -> None:
    ok(jobs("run", "-n", "tree", "-c", f"setsid sh -c 'echo $$; read x <{gate}' & read x <{gate}"))
    ok(jobs("run", "-n", "deaf", "-c", f"trap '' TERM; read x <{gate}; read x <{gate}"))
    assert jobs("kill", "--wait", "--grace", "0.1", "%tree", "%deaf").code == 0
    assert jobs("wait", "-q", "%tree").code == 128 + signal.SIGTERM
    assert jobs("wait", "-q", "%deaf").code == 128 + signal.SIGKILL
    pid = int(ok(jobs("logs", "tree")))
    assert not os.path.exists(f"/proc/{pid}")


def test_mistakes_are_one_line(jobs: Pn) -> None:
    for words, code in (
        (("run",), 2),
        (("run", "-c", "x", "y"), 2),
        (("run", "--pty", "--no-pty", "true"), 2),
        (("run", "--at", "25:00", "true"), 2),
        (("run", "--limit", "disk=1", "true"), 2),
        (("run", "--cwd", "/nowhere", "true"), 2),
        (("run", "--after", "77", "true"), 1),
        (("show", "77"), 1),
        (("fg", "1", "2"), 2),
        (("wait", "%77"), 1),
        (("wait", "%1", "1"), 2),
        (("kill", "%nobody"), 1),
        (("logs", "nobody"), 1),
        (("logs", "--grep", "("), 2),
        (("group", "--slots", "2"), 2),
        (("edit", "1"), 2),
        (("edit", "1", "-p", "9"), 2),
        (("priority", "x", "1"), 2),
        (("send",), 2),
        (("daemon",), 2),
        (("daemon", "start", "--end-jobs"), 2),
        (("adopt", "x"), 2),
        (("history", "x"), 2),
    ):
        ran = jobs(*words)
        assert (ran.code, ran.out) == (code, ""), words
        assert re.fullmatch(rf"pn {words[0]}: .+\n", ran.err), (words, ran.err)


@pytest.mark.parametrize("verb", [
    "run", "jobs", "show", "logs", "fg", "bg", "send", "restart", "edit", "priority", "group", "clean", "history", "adopt",
    "daemon",
])  # fmt: skip
def test_help_of_every_verb(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([verb, "--help"])
    out, err = capsys.readouterr()
    assert (left.value.code, err) == (0, "")
    assert out.startswith(f"usage: pn {verb}")
    assert "examples:" in out
    assert "exit codes:" in out
