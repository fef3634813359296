"""The screen inside tmux, driven as a person would: its keys, its sizes, its end."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.tmux import Tmux

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


TOP = f"{shlex.quote(sys.executable)} -m procession top -d 0.5"


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    made = Tmux(tmp_path, f"{TOP}; echo left with $?; read end")
    yield made
    made.close()


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Tmux]:
    made = Tmux(tmp_path, "PS1='ready> ' bash --norc --noprofile")
    yield made
    made.close()


def test_a_person_looks_around_and_leaves(tmux: Tmux) -> None:
    tmux.wait_for("COMMAND")
    pane = tmux.wait_for("F10Quit").rstrip()
    assert "F10Quit" in pane.splitlines()[-1]
    tmux.send("t", "c")
    tmux.wait_for("└─")
    tmux.send("\\", "procession top")
    tmux.send("Enter")
    pane = tmux.wait_for("filter: procession top")
    assert "COMMAND" in pane
    assert "kthreadd" not in pane
    tmux.send("Down", "Enter")  # one of those that run it: with memory of its own
    tmux.wait_for("overview")
    tmux.send("3")
    tmux.wait_for("segment")
    tmux.send("Escape")
    tmux.wait_for("COMMAND")
    tmux.ask("resize-window", "-x", "80", "-y", "24")
    pane = tmux.wait_for("F10Quit")
    tmux.send("F1")
    tmux.wait_for("this page")
    tmux.send("q")
    tmux.wait_for("this page", gone=True)
    tmux.send("q")
    tmux.wait_for("left with 0")


def test_ctrl_c_leaves_too_and_the_terminal_is_as_it_was(tmux: Tmux) -> None:
    tmux.wait_for("COMMAND")
    tmux.send("C-c")
    pane = tmux.wait_for("left with")
    assert "left with 130" in pane
    assert tmux.ask("display-message", "-p", "#{alternate_on} #{cursor_flag} #{mouse_any_flag}").split() == [
        "0",
        "1",
        "0",
    ]


def test_after_ctrl_z_and_fg_all_of_the_screen_is_there_again(shell: Tmux) -> None:
    shell.wait_for("ready>")
    shell.send(TOP, "Enter")
    shell.wait_for("F10Quit")
    shell.send("C-z")
    shell.wait_for("Stopped")
    shell.send("fg", "Enter")
    pane = shell.wait_for("F10Quit")
    while "COMMAND" not in pane or " tasks " not in pane or " swap " not in pane:
        pane = shell.wait_for_more()
    shell.send("q")
    shell.wait_for("ready>")
