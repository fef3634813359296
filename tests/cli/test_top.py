"""``pn top``: its words, its text, and the screen on a real terminal."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from procession.cli.options import parse
from procession.cli.top import COMMAND, normal
from procession.table.board.keys import KEYS
from tests.harness.pages import run_page
from tests.harness.places import ROOT
from tests.harness.program import Program, clean_environment
from tests.harness.terminal import Starter

HEADINGS = ["PID", "USER", "PR", "NI", "VIRT", "RES", "SHR", "S", "%CPU", "%MEM", "TIME+", "COMMAND"]
needs_top = pytest.mark.skipif(shutil.which("top") is None, reason="top of procps is not installed")


def rows(text: str) -> dict[int, list[str]]:
    """Of one refresh, by pid."""
    _, _, table = text.partition("COMMAND\n")
    return {int(line.split()[0]): line.split(None, 11) for line in table.splitlines() if line.strip()}


# ── words ─────────────────────────────────────────────────────────────────────────────────────────


def test_help(pn: Program) -> None:
    ran = pn("top", "--help")
    assert ran.code == 0
    for words in ("-b", "--readonly", "examples:", "exit codes:"):
        assert words in ran.out


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["-b", "-n", "2", "-d", "0.5"], {"batch": True, "number": 2, "delay": 0.5}),
        (["-bn2", "-d1"], {"batch": True, "number": 2, "delay": 1.0}),
        (["-p", "1,2", "-p3"], {"pids": (1, 2, 3)}),
        (["-w", "-b"], {"width": 512, "batch": True}),
        (["-w", "80", "-1"], {"width": 80, "cores": True}),
        (["-o", "-PID"], {"sort": "-PID"}),
        (["-E", "G", "-e", "m"], {"summary_unit": "g", "task_unit": "m"}),
        (["--readonly", "--", "-x"], {"readonly": True, "words": ["-x"]}),
        (["-Hic"], {"threads": True, "busy": True, "whole": True}),
    ],
)
def test_words_are_read_as_top_reads_them(words: list[str], names: dict[str, object]) -> None:
    options = parse(COMMAND, normal(words))
    assert {name: options[name] for name in names} == names


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["-b", "-o", "nosuch"], "there is no column 'nosuch'"),
        (["-b", "-u", "no-such-user"], "there is no user 'no-such-user'"),
        (["-b", "-n", "0"], "number above 0"),
        (["-b", "-d", "-1"], "delay"),
        (["-b", "-p", "x"], "list of pids"),
        (["-E", "q"], "unit"),
        ([], "needs a terminal"),
    ],
)
def test_a_mistake_is_told_in_one_line(pn: Program, words: list[str], wrong: str) -> None:
    ran = pn("top", *words)
    assert ran.code == 2
    assert ran.err.startswith("pn top: ")
    assert wrong in ran.err
    assert ran.err.count("\n") == 1


def test_the_columns_can_be_listed(pn: Program) -> None:
    ran = pn("top", "-O")
    assert ran.code == 0
    assert [line.split()[0] for line in ran.out.splitlines()][:2] == ["PID", "PPID"]


def test_without_textual_it_says_how_to_get_it(tmp_path: Path, pn_tty: Starter) -> None:
    (tmp_path / "textual.py").write_text("raise ImportError")
    hide = "import sys, importlib.util as u; f = u.find_spec; u.find_spec = lambda n, *a: None if n == 'textual' else f(n, *a); "
    go = "from procession.cli import main; sys.exit(main(['top']))"
    terminal = pn_tty(program=(sys.executable, "-c", hide + go))
    terminal.wait_for("pip install 'procession[top]'")
    assert terminal.wait_exit() == 1


# ── text ──────────────────────────────────────────────────────────────────────────────────────────


def test_one_refresh_has_every_process_and_no_escape(pn: Program) -> None:
    ran = pn("top", "-b", "-n", "1")
    assert (ran.code, ran.err) == (0, "")
    found = rows(ran.out)
    assert os.getpid() in found
    assert ran.out.replace("\n", "").isprintable()
    load, tasks, cpu, memory, swap, empty, heading = ran.out.splitlines()[:7]
    assert re.fullmatch(r"top - \d\d:\d\d:\d\d up .*,  load average: [\d.]+, [\d.]+, [\d.]+", load)
    assert int(tasks.split()[1]) == len(found)
    assert cpu.startswith("%Cpu(s):")
    assert memory.startswith("MiB Mem :")
    assert swap.startswith("MiB Swap:")
    assert empty == ""
    assert heading.split() == HEADINGS


def test_two_refreshes_are_parted_by_an_empty_line(pn: Program) -> None:
    ran = pn("top", "-b", "-n", "2", "-d", "0.1", "-p", str(os.getpid()))
    first, second = ran.out.split("\n\ntop - ")
    assert list(rows(first)) == list(rows(second)) == [os.getpid()]


def test_a_busy_process_has_the_share_that_it_uses(pn: Program, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True)\nwhile True: pass"], stdout=subprocess.PIPE
    ) as busy:
        try:
            assert busy.stdout is not None
            busy.stdout.readline()
            ran = pn("top", "-b", "-n", "1", "-p", f"{busy.pid},{os.getpid()}")
            found = rows(ran.out)
            assert next(iter(found)) == busy.pid
            assert float(found[busy.pid][8]) > 10
        finally:
            busy.kill()


def test_choices(pn: Program) -> None:
    mine = str(os.getpid())
    by_user = pn("top", "-b", "-n1", "-u", str(os.geteuid()))
    assert os.getpid() in rows(by_user.out)
    other = pn("top", "-b", "-n1", "-u", "12345")
    assert rows(other.out) == {}
    backwards = list(rows(pn("top", "-b", "-n1", "-o", "+PID").out))
    assert backwards == sorted(backwards, reverse=True)
    whole = rows(pn("top", "-b", "-n1", "-c", "-p", mine).out)[int(mine)][11]
    assert "pytest" in whole
    threads = pn("top", "-b", "-n1", "-H", "-p", mine)
    assert threads.out.splitlines()[1].startswith("Threads:")
    narrow = pn("top", "-b", "-n1", "-w", "40")
    assert max(map(len, narrow.out.splitlines())) == 40
    gibi = pn("top", "-b", "-n1", "-E", "g", "-e", "m", "-p", mine)
    assert gibi.out.splitlines()[3].startswith("GiB Mem")
    assert rows(gibi.out)[int(mine)][5].endswith("m")
    word = pn("top", "-b", "-n1", f" {mine}"[1:])
    assert int(mine) in rows(word.out)


def test_it_runs_until_it_is_told_to_stop(pn: Program) -> None:
    program = pn.start("top", "-b", "-d", "0.1", "-p", str(os.getpid()))
    assert program.stdout is not None
    seen = 0
    while seen < 3:
        seen += program.stdout.readline().startswith(b"top - ")
    program.send_signal(signal.SIGINT)
    _, err = program.communicate(timeout=30)
    assert (program.returncode, err) == (130, b"")


def test_a_reader_that_has_enough_is_no_mistake(pn: Program) -> None:
    program = pn.start("top", "-b", "-d", "0.1")
    assert program.stdout is not None
    program.stdout.readline()
    program.stdout.close()
    assert program.wait(30) == 0


def shape(line: str) -> str:
    """A line with its figures and their padding taken out."""
    return re.sub(r"\s*\d[\d.:]*", " N", line)


@needs_top
@pytest.mark.parametrize("options", [[], ["-E", "g"], ["-E", "k"], ["-H"], ["-c"]])
def test_the_layout_is_that_of_top(pn: Program, options: list[str], tmp_path: Path) -> None:
    words = ["-b", "-n", "1", "-w", "500", *options]
    env = clean_environment(tmp_path)  # no toprc of anybody's
    done = subprocess.run(["top", *words], capture_output=True, text=True, check=True, env=env)
    theirs, ours = done.stdout.splitlines(), pn("top", *words).out.splitlines()
    users = r"\d+ users?"
    assert (
        re.sub(users, "U", shape(ours[0])).split(",")[-3:]
        == re.sub(users, "U", shape(theirs[0])).split(",")[-3:]
    )
    for mine, other in zip(ours[1:5], theirs[1:5], strict=True):
        assert shape(mine).rstrip() == shape(other).rstrip()
        assert len(mine) == len(other) or mine.startswith(("Tasks", "Threads"))
    assert ours[5] == theirs[5] == ""
    assert ours[6].rstrip() == theirs[6].rstrip()


@needs_top
def test_what_stays_the_same_is_what_top_shows(pn: Program, tmp_path: Path) -> None:
    """Processes that sleep: pid, owner, priority, nice, address space, time, name."""
    with subprocess.Popen(["sleep", "1000"]) as sleeper:
        try:
            words = ["-b", "-n", "1", "-w", "500", "-p", f"1,{sleeper.pid}"]
            done = subprocess.run(
                ["top", *words], capture_output=True, text=True, check=True, env=clean_environment(tmp_path)
            )
            theirs, ours = rows(done.stdout), rows(pn("top", *words).out)
            assert set(ours) == set(theirs) == {1, sleeper.pid}
            assert ours[sleeper.pid] == theirs[sleeper.pid]
            assert ours[1][:4] == theirs[1][:4]
        finally:
            sleeper.kill()


# ── the screen, on a real terminal ────────────────────────────────────────────────────────────────


def test_the_screen_comes_up_shows_and_is_left(pn_tty: Starter) -> None:
    terminal = pn_tty("top", "-d", "0.5", rows=30, columns=100)
    terminal.wait_for("COMMAND", 40)
    terminal.send("w")
    terminal.wait_for("Load average", 30)
    terminal.send("escape")
    terminal.wait_for("COMMAND", 30)
    terminal.send("q")
    assert terminal.wait_exit(30) == 0
    assert "\x1b[?1049l" in terminal.transcript  # the screen of before is back


def test_a_number_of_refreshes_ends_it(pn_tty: Starter) -> None:
    terminal = pn_tty("top", "-d", "0.1", "-n", "2")
    terminal.wait_for("COMMAND", 40)
    assert terminal.wait_exit(40) == 0


def test_a_signal_reaches_the_process_that_was_chosen_and_no_other(pn_tty: Starter) -> None:
    with subprocess.Popen(["sleep", "1000"]) as first, subprocess.Popen(["sleep", "1000"]) as second:
        try:
            terminal = pn_tty("top", "-d", "0.5", "-p", str(first.pid), rows=30, columns=100)
            terminal.wait_for("COMMAND", 40)
            terminal.wait_for(str(first.pid), 30)
            terminal.send("k")
            terminal.wait_for(f"Send to {first.pid} sleep", 30)
            terminal.send("enter")
            assert first.wait(30) == -signal.SIGTERM
            assert second.poll() is None
            terminal.send("q")
            assert terminal.wait_exit(30) == 0
        finally:
            first.kill()
            second.kill()


def test_sigterm_leaves_the_terminal_as_it_was(pn_tty: Starter) -> None:
    terminal = pn_tty("top")
    terminal.wait_for("COMMAND", 40)
    terminal.signal(signal.SIGTERM)
    assert terminal.wait_exit(30) == 128 + signal.SIGTERM
    assert "\x1b[?1049l" in terminal.transcript


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("OSError(5, 'Input/output error')", "is /proc mounted?"),
        ("ValueError('odd')", "PN_DEBUG=1 shows where"),
    ],
)
def test_what_goes_wrong_is_told_in_a_line_and_not_in_a_traceback(
    pn_tty: Starter, failure: str, words: str
) -> None:
    lines = (
        "import sys, procession.table.board.frame as frame",
        "def refresh(*_):",
        f"    raise {failure}",
        "frame.Watcher.refresh = refresh",
        "from procession.cli import main",
        "sys.exit(main(['top']))",
    )
    terminal = pn_tty(program=(sys.executable, "-c", "\n".join(lines)))
    assert terminal.wait_exit(40) == 1
    assert "pn top: " in terminal.text
    assert words in terminal.text
    assert "Traceback" not in terminal.text


def test_what_is_kept_is_used_the_next_time(pn_tty: Starter, tmp_path: Path) -> None:
    terminal = pn_tty("top", rows=30, columns=100)
    terminal.wait_for("COMMAND", 40)
    terminal.send("M", "W")
    terminal.wait_for("kept in", 30)
    terminal.send("q")
    assert terminal.wait_exit(30) == 0
    kept = json.loads((tmp_path / "home/.config/procession/top.json").read_text())
    assert kept["sort"] == "mem"


# ── the page about it ─────────────────────────────────────────────────────────────────────────────

PAGE = ROOT / "docs/how-to/top.md"


def test_the_commands_of_the_page_work(tmp_path: Path) -> None:
    program = tmp_path / "pn"
    program.write_text(
        f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m procession "$@"\n', encoding="utf-8"
    )
    program.chmod(0o755)
    environment = clean_environment(tmp_path)
    environment["PATH"] = f"{tmp_path}:{environment['PATH']}"
    assert run_page(PAGE.read_text(encoding="utf-8"), tmp_path, environment) > 0


def test_the_keys_of_the_page_are_those_that_there_are() -> None:
    known = {word for key in KEYS for word in (key.shown or "").split()} | {"Tab", "Enter", "Esc", "Space"}
    _, _, table = PAGE.read_text(encoding="utf-8").partition("| You want | Keys |")
    table = table.partition("\n\n")[0]
    told = set(re.findall(r"`([^`]+)`", table))
    assert len(told) > 20
    assert told <= known
