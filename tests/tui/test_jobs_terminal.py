"""Jobs and real terminals: vim, Python and bash in tmux, left, fetched into another terminal, suspended, resized."""

from __future__ import annotations

import os
import select
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from procession.jobs.places import Places
from tests.harness.tmux import Tmux

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

SHELL = "PS1='ready> ' bash --norc --noprofile"
Shells = Callable[..., Tmux]


@pytest.fixture
def shell(tmp_path: Path, jobs_place: Places) -> Iterator[Shells]:
    """``shell(columns, rows)``: another terminal of the same user, with ``pn`` in its path."""
    program = tmp_path / "bin" / "pn"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m procession "$@"\n')
    program.chmod(0o755)
    made: list[Tmux] = []

    def start(columns: int = 100, rows: int = 24) -> Tmux:
        made.append(
            Tmux(
                tmp_path, SHELL, size=(columns, rows), name=f"tmux{len(made)}",
                PN_JOBS=os.path.dirname(jobs_place.state), PATH=f"{program.parent}:{os.environ['PATH']}",
            )
        )  # fmt: skip
        made[-1].wait_for("ready>")
        return made[-1]

    yield start
    for each in made:
        each.close()


def type_in(terminal: Tmux, line: str) -> None:
    terminal.send("-l", line)
    terminal.send("Enter")


def fetch(terminal: Tmux, line: str, shown: str) -> str:
    """On a cleared screen, until it shows this: from then on the keys are the job's."""
    type_in(terminal, f"clear; {line}")
    return terminal.wait_until(lambda pane: shown in pane and "clear;" not in pane, f"{shown!r} did not come")


@pytest.mark.skipif(shutil.which("vim") is None, reason="vim is not installed")
def test_vim_is_left_fetched_elsewhere_suspended_and_ended(shell: Shells, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("one\ntwo\n")
    one, two = shell(100, 24), shell(60, 30)
    type_in(one, f"pn run --fg --name edit vim -u NONE -N {note}")
    one.wait_for("one\ntwo\n~")
    one.send("o", "three")
    one.wait_for("-- INSERT --")
    first = one.wait_for("three")
    assert first.splitlines()[:3] == ["one", "three", "two"]
    one.send("C-\\")
    pane = one.wait_for("[1] left running: pn fg 1")
    assert "three" not in pane  # the other screen is gone
    type_in(two, "pn fg")
    pane = two.wait_until(
        lambda pane: pane.splitlines()[29:] == ["-- INSERT --"], "the size has not followed"
    )
    assert pane.splitlines()[:3] == ["one", "three", "two"]
    two.ask("resize-window", "-x", "70", "-y", "20")
    two.wait_until(lambda pane: pane.splitlines()[19:] == ["-- INSERT --"], "vim does not follow")
    two.send("Escape", "C-z")
    two.wait_for("[1]+ suspended")
    type_in(two, "pn jobs -s")
    two.wait_for("suspended for")
    type_in(one, "clear; pn fg %edit")
    one.wait_until(lambda pane: pane.splitlines()[:3] == ["one", "three", "two"], "vim does not paint")
    type_in(one, ":wq")
    one.wait_for("~\n", gone=True)
    one.wait_for("ready>")
    type_in(one, "echo ended with $?")
    one.wait_for("ended with 0")
    assert note.read_text() == "one\nthree\ntwo\n"


def test_python_is_interrupted_suspended_and_goes_on_in_the_background(shell: Shells) -> None:
    one, two = shell(), shell()
    python = shlex.quote(sys.executable)
    type_in(one, f"pn run --fg --name py {python} -q")
    one.wait_for(">>>")
    type_in(one, "import os; print('on', os.isatty(0), os.get_terminal_size())")
    one.wait_for("on True os.terminal_size(columns=100, lines=24)")
    type_in(one, "import time; print('lo' + 'op'); time.sleep(300)")
    one.wait_for("\nloop")
    one.send("C-c")
    one.wait_for("KeyboardInterrupt")
    one.send("C-z")
    one.wait_for("[1]+ suspended")
    type_in(one, "pn bg")
    one.wait_for("&")
    type_in(two, "pn fg --read-only")
    two.wait_for("KeyboardInterrupt")
    fetch(one, "pn fg 1", "\nKeyboardInterrupt\n>>>")
    type_in(one, "print(6 * 7)")
    one.wait_for("\n42")
    two.wait_for("\n42")  # who watches sees it, too
    two.send("x", "C-c")
    two.wait_for("left running")
    type_in(
        one, "import signal; os.kill(os.getpid(), signal.SIGKILL)"
    )  # exit(5) is 1 from the prompt of 3.13
    one.wait_for("\nready>")
    type_in(one, "echo ended with $?")
    one.wait_for("ended with 137")
    assert "KeyboardInterrupt" in fetch(two, "pn logs --grep 'Interrupt|42' 1", "\n42")


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_has_its_own_job_control_in_it(shell: Shells) -> None:
    one = shell()
    fetch(one, "pn run --fg --env PS1='inner'_ bash --norc --noprofile -i", "inner_")
    type_in(one, "sleep 300")
    one.wait_for("inner_sleep 300\n")
    one.send("C-z")
    one.wait_for("Stopped")  # the sleep, told by the inner shell; the job goes on
    type_in(one, "jobs")
    one.wait_for("[1]+  Stopped                 sleep 300\ninner_")
    type_in(one, "clear; kill -KILL %1; while jobs %1; do :; done; exit 3")
    one.wait_for("\nready>")
    type_in(one, "echo ended with $?")
    one.wait_for("ended with 3")


def last_below(pid: int) -> int:
    """The process at the end of a line of only children."""
    while children := Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        pid = int(children[0])
    return pid


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, 137)]
)
def test_the_terminal_is_in_order_whatever_ends_the_viewer(
    shell: Shells, number: signal.Signals, code: int
) -> None:
    one = shell()
    modes = "\\033[?1049h\\033[?25l\\033[?2004h"
    type_in(one, f"stty -a >before; pn run --fg -n modes -c 'printf \"{modes}de%sp\" e; read x'")
    one.wait_for("deep")
    viewer = os.pidfd_open(last_below(int(one.ask("display-message", "-p", "#{pane_pid}"))))
    try:
        signal.pidfd_send_signal(viewer, number)
        assert select.select([viewer], [], [], 40)[0]  # it reads what is typed no more
    finally:
        os.close(viewer)
    type_in(one, "echo it was $?")
    one.wait_for(f"it was {code}")
    if number != signal.SIGKILL:  # of that nobody can clean up, but the job does not care
        type_in(one, "stty -a | cmp - before && echo in order")
        one.wait_for("in order")
        assert one.ask("display-message", "-p", "#{cursor_flag} #{alternate_on}") == "1 0\n"
    type_in(one, "clear; pn jobs")
    one.wait_for("running for")


def test_a_job_without_a_terminal_has_three_keys(shell: Shells) -> None:
    one = shell()
    type_in(
        one,
        "clear; pn run --fg --no-pty -n plain -c \"trap 'echo in''terrupted' INT; echo be''gun; while :; do sleep 0.1; done\"",
    )
    one.wait_for("begun")
    one.send("x", "C-c")
    one.wait_for("interrupted")
    one.send("C-z")
    one.wait_for("[1]+ suspended")
    fetch(one, "pn fg", "\nbegun\ninterrupted")
    one.send("C-\\")
    one.wait_for("[1] left running")
    type_in(one, "clear; stty -a | grep -w isig; pn run --fg --after plain true")
    one.wait_for("[2] waiting for job 1; Ctrl-C")
    one.send("C-c")
    type_in(one, "echo code $?; pn kill %plain; pn wait %plain")
    one.wait_for("code 130")
    one.wait_for("[1] ended by pn kill")
