"""The end of a program with a pool: Ctrl-C, exit, atexit, SIGKILL.  Nobody is left, and one traceback at most."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import procession
from tests.harness.places import ROOT
from tests.harness.program import clean_environment
from tests.harness.terminal import Terminal

METHODS = ["fork", pytest.param("spawn", marks=pytest.mark.slow), "forkserver"]
PATIENCE = 20

methods = pytest.mark.parametrize("method", METHODS)
Start = Callable[..., Terminal]


def words(name: str, method: str) -> tuple[str, ...]:
    return sys.executable, "-m", "tests.faults.pool_programs", name, method


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return clean_environment(tmp_path, PYTHONPATH=f"{Path(procession.__path__[0]).parent}:{ROOT}")


@pytest.fixture
def start(tmp_path: Path, environment: dict[str, str]) -> Iterator[Start]:
    """Start a program on a terminal of its own."""
    started: list[Terminal] = []

    def begin(name: str, method: str) -> Terminal:
        started.append(Terminal(words(name, method), cwd=tmp_path, env=environment))
        return started[-1]

    yield begin
    for terminal in started:
        terminal.close()


# ── Ctrl-C ────────────────────────────────────────────────────────────────────────────────────────


@methods
@pytest.mark.parametrize(
    "name", ["mapping", "spinning", "reading", "applying", "direct", "joining", "feeding", "executing"]
)
def test_ctrl_c_ends_all_with_one_traceback(name: str, method: str, start: Start) -> None:
    terminal = start(name, method)
    for _ in range(2):
        terminal.wait_for("ready", PATIENCE)
    terminal.send("ctrl-c")
    assert terminal.wait_exit(PATIENCE) == -signal.SIGINT
    assert terminal.text.count("Traceback (most recent call last)") == 1, terminal.text
    assert terminal.text.count("KeyboardInterrupt") == 1, terminal.text
    assert "in say_and_" not in terminal.text


@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_an_impatient_ctrl_c_ends_all_too(method: str, start: Start) -> None:
    terminal = start("mapping", method)
    for _ in range(2):
        terminal.wait_for("ready", PATIENCE)
    terminal.send("ctrl-c", "ctrl-c", "ctrl-c")
    assert terminal.wait_exit(PATIENCE) == -signal.SIGINT
    # The last one may fall into the interpreter's own last words, which it then says in another way.
    assert terminal.text.count("Traceback (most recent call last)") <= 3
    assert "KeyboardInterrupt" in terminal.text
    assert "in say_and_" not in terminal.text


# ── the end of a program ──────────────────────────────────────────────────────────────────────────


def run(name: str, method: str, environment: dict[str, str]) -> tuple[int, str, str]:
    done = subprocess.run(
        words(name, method), env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    return done.returncode, done.stdout, done.stderr


@methods
def test_a_program_may_leave_its_pool_open(method: str, environment: dict[str, str]) -> None:
    assert run("left_open", method, environment) == (0, "[0, 2, 4]\n", "")


@methods
def test_a_program_may_end_while_its_pool_is_busy(method: str, environment: dict[str, str]) -> None:
    code, out, err = run("left_busy", method, environment)
    assert (code, err) == (0, "")
    assert "at its end" in out


@methods
def test_what_runs_at_exit_may_use_the_pool(method: str, environment: dict[str, str]) -> None:
    assert run("used_at_exit", method, environment) == (0, "at exit [0, 2, 4]\n", "")


@methods
def test_an_executor_does_what_was_submitted_before_the_end(method: str, environment: dict[str, str]) -> None:
    code, out, err = run("executor_left_open", method, environment)
    assert (code, err) == (0, "")
    assert sorted(map(int, out.split())) == list(range(0, 40, 2))


@methods
def test_a_with_block_that_is_left_ends_its_workers(method: str, environment: dict[str, str]) -> None:
    code, _, err = run("exits_in_a_with_block", method, environment)
    assert (code, err) == (4, "")
    code, _, err = run("raises_in_a_with_block", method, environment)
    assert code == 1
    assert err.count("Traceback") == 1
    assert err.endswith("LookupError: in the block\n")


@methods
def test_a_killed_parent_leaves_no_worker(method: str, environment: dict[str, str]) -> None:
    with subprocess.Popen(words("killed", method), env=environment, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        pidfds = []
        for _ in range(2):
            word, pid = program.stdout.readline().split()
            assert word == b"worker"
            pidfds.append(os.pidfd_open(int(pid)))
        program.kill()
    for pidfd in pidfds:
        assert select.select([pidfd], [], [], PATIENCE)[0], "a worker is left"
        os.close(pidfd)
