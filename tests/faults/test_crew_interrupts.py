"""Ctrl-C on a terminal reaches parent and workers alike: only the parent hears it, and nobody is left."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import procession
from tests.harness.places import ROOT
from tests.harness.program import clean_environment
from tests.harness.terminal import Terminal
from tests.unit.pool.kit import METHODS

Start = Callable[..., Terminal]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the program of ``interrupted.py`` on a terminal of its own."""
    started: list[Terminal] = []
    environment = clean_environment(tmp_path, PYTHONPATH=f"{Path(procession.__path__[0]).parent}:{ROOT}")

    def begin(*arguments: str) -> Terminal:
        words = (sys.executable, "-m", "tests.faults.interrupted", *arguments)
        started.append(Terminal(words, cwd=tmp_path, env=environment))
        return started[-1]

    yield begin
    for terminal in started:
        terminal.close()


@pytest.mark.parametrize("method", METHODS)
def test_ctrl_c_is_for_the_parent_and_ends_all(method: str, start: Start) -> None:
    terminal = start(method, "long tasks")
    terminal.wait_for("ready")
    terminal.send("ctrl-c")
    terminal.wait_for("KeyboardInterrupt, left: []")
    assert terminal.wait_exit() == 0
    assert "Traceback" not in terminal.text


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("times", [1, 4])
def test_ctrl_c_that_nobody_catches_shows_one_traceback(method: str, times: int, start: Start) -> None:
    terminal = start(method, "long tasks", "uncaught")
    terminal.wait_for("ready")
    terminal.send(*["ctrl-c"] * times)
    assert terminal.wait_exit() == -signal.SIGINT
    # Each further one may interrupt the end that the first one has begun; no worker adds its own.
    assert terminal.text.count("Traceback (most recent call last)") <= times
    assert "in stay" not in terminal.text
    assert not terminal.text.count("Process ")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("readies", [1, 2, 3])
def test_ctrl_c_at_any_moment_of_a_crews_life(method: str, readies: int, start: Start) -> None:
    terminal = start(method, "many crews")
    for _ in range(readies):
        terminal.wait_for("ready")
    terminal.send("ctrl-c")
    terminal.wait_for("KeyboardInterrupt, left: []")
    assert terminal.wait_exit() == 0
    assert "Traceback" not in terminal.text
