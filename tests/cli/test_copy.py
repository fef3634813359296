"""``pn copy`` as a person and as a script meet it."""

from __future__ import annotations

import itertools
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from procession.cli.copy import COMMAND
from tests.faults.copy_trees import CHILD
from tests.fs import trees
from tests.harness.program import Program
from tests.harness.terminal import Starter, Terminal

GOLDEN = Path(__file__).with_name("golden")
STOPPED = (sys.executable, str(CHILD), "pn")  # pn copy, waiting at files named gate*


class Gate:
    """A FIFO that holds a copy at each file named ``gate*`` until it is opened."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self.environment = {"GATE": str(path), "PYTHONPATH": os.pathsep.join(sys.path)}

    def open(self) -> None:
        """Let pass whoever waits, now and later."""
        self._descriptor = os.open(self.path, os.O_RDWR)

    def close(self) -> None:
        if hasattr(self, "_descriptor"):
            os.close(self._descriptor)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path / "gate-fifo")
    yield gate
    gate.close()


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """Folders to copy, one with a file that is held up at the gate."""
    world = tmp_path / "world"
    for name in ("small", "slow"):
        (world / name / "sub").mkdir(parents=True)
        for number in range(7):
            trees.write(world / name / f"sub/file-{number}", b"x" * 1000)
    trees.write(world / "slow/gate", b"y" * 5_000_000)
    (world / "small/link").symlink_to("file-1")
    return world


# -- for scripts ------------------------------------------------------------------------------------


def test_a_copy_says_one_line_when_piped(pn: Program, world: Path) -> None:
    ran = pn("copy", "small", "new", cwd=world)
    assert (ran.code, ran.err) == (0, "")
    assert re.fullmatch(
        rf"copied 7 files in 2 folders, 1 link: 7\.0 kB in \d\.\d s \(.*/s\) -> {world}/new\n", ran.out
    )
    again = pn("copy", "-T", "small", "new", cwd=world)
    assert again.code == 0
    assert "copied 0 files in 2 folders: 0 B in" in again.out
    assert "; 8 were there already (7.0 kB)" in again.out


def test_quiet_says_nothing_but_errors(pn: Program, world: Path) -> None:
    ran = pn("copy", "--quiet", "small", "new", cwd=world)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    (world / "other/small/sub").mkdir(parents=True)
    (world / "other/small/sub/file-3").mkdir()
    ran = pn("copy", "-q", "small", "other", cwd=world)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        "pn copy: 1 path not copied:\n  small/sub/file-3: a folder stands at its place in the target\n"
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "what is to be copied is missing: pn copy SOURCE... [TARGET]"),
        (["none", "new"], "none does not exist"),
        (["small", "small"], "lies inside small"),
        (["small", "small/sub/file-1"], "stands there and is no folder"),
        (["--workers", "0", "small"], "invalid number above 0 value: '0': see pn copy --help"),
        (["--wrong"], "unrecognized arguments: --wrong: see pn copy --help"),
        (["a\nb", "new"], r"a\nb does not exist"),
    ],
)
def test_what_cannot_begin_is_one_line_and_code_2(
    pn: Program, world: Path, words: list[str], says: str
) -> None:
    before = trees.picture(world)
    ran = pn("copy", *words, cwd=world)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("pn copy: ")
    assert ran.err.endswith(f"{says}\n") or says in ran.err
    assert ran.err.count("\n") == 1
    assert trees.picture(world) == before


def test_json_events_add_up(pn: Program, world: Path) -> None:
    (world / "other/small").mkdir(parents=True)
    (world / "other/small/sub").write_text("in the way")
    ran = pn("copy", "--json", "--workers", "2", "small", "slow", "other", cwd=world)
    assert (ran.code, ran.err) == (1, "")
    plan, *between, done = map(json.loads, ran.out.splitlines())
    assert plan["event"] == "plan"
    assert (plan["sources"], plan["workers"]) == (["small", "slow"], 2)
    assert plan["targets"] == done["targets"] == [f"{world}/other/small", f"{world}/other/slow"]
    assert done["event"] == "done"
    errors = [event for event in between if event["event"] == "error"]
    assert [{"path": e["path"], "cause": e["cause"]} for e in errors] == done["failed"]
    assert [failure["path"] for failure in done["failed"]] == ["small/sub"]
    assert (done["files"], done["links"], done["folders"], done["bytes"]) == (8, 1, 3, 5_007_000)


def test_json_progress_while_it_runs(world: Path, gate: Gate, pn_tty: Starter) -> None:
    terminal = pn_tty("--json", "slow", "new", cwd=world, env=gate.environment, program=STOPPED, columns=500)
    terminal.wait_for('"event": "plan"')
    terminal.wait_for('"scanned": true')
    gate.open()
    terminal.wait_for('"event": "done"')
    assert terminal.wait_exit() == 0
    events = [json.loads(line) for line in terminal.text.splitlines()]
    looks = [event for event in events if event["event"] == "progress"]
    assert looks
    for look in looks:
        assert 0 <= look["entries"] <= 8
        assert look["bytes"] <= 5_007_000
        assert (look["fraction"] is None) == (not look["scanned"])
        assert not look["scanned"] or (look["found_entries"], look["found_bytes"]) == (8, 5_007_000)
    seconds = [look["seconds"] for look in looks]
    assert all(later - earlier > 0.2 for earlier, later in itertools.pairwise(seconds))
    assert any("gate" in worker["entry"] for look in looks for worker in look["workers"])
    assert (events[-1]["files"], events[-1]["bytes"]) == (8, 5_007_000)


def test_nobody_reads_to_the_end(pn: Program, world: Path) -> None:
    program = pn.start("copy", "--json", world / "small", world / "new")
    assert program.stdout is not None
    program.stdout.close()
    program.stdout = None
    assert program.communicate()[1] == b""
    assert program.returncode == 0
    assert trees.picture(world / "new") == trees.picture(world / "small")


def test_help_is_the_page_that_we_know(pn: Program) -> None:
    # UPDATE_GOLDEN=1 writes the page anew.
    ran = pn("copy", "--help", env={"COLUMNS": "100"})
    assert (ran.code, ran.err) == (0, "")
    text = re.sub(r"-w N, --workers N", "-w, --workers N", ran.out)  # as Python 3.13 has it
    text = re.sub(r" {2,}", "  ", text)
    golden = GOLDEN / "copy-help.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()
    for option in COMMAND.options:
        assert all(flag in text for flag in option.flags)


# -- on a terminal ----------------------------------------------------------------------------------


def until_held(terminal: Terminal) -> None:
    """Wait until the display shows the file that is held at the gate."""
    terminal.wait_for(re.compile(r"gate"))


def test_a_copy_that_takes_its_time_is_shown_while_it_runs(world: Path, gate: Gate, pn_tty: Starter) -> None:
    terminal = pn_tty("slow", "new", cwd=world, env=gate.environment, program=STOPPED)
    terminal.wait_for(" of 8 files")
    until_held(terminal)
    assert "\x1b[?25l" in terminal.transcript  # the cursor is hidden
    gate.open()
    terminal.wait_for("copied 8 files in 2 folders: 5.0 MB")
    assert terminal.wait_exit() == 0
    shown = terminal.transcript
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
    # The display has wiped its lines before the summary was printed.
    assert "\x1b[2K" in shown[: shown.index("copied 8")].split("gate")[-1]
    assert trees.picture(world / "new") == trees.picture(world / "slow")


def test_a_quick_copy_shows_its_summary_alone(world: Path, pn_tty: Starter) -> None:
    terminal = pn_tty("copy", "small", "new", cwd=world)
    assert terminal.wait_exit() == 0
    assert terminal.text.startswith("copied 7 files in 2 folders, 1 link")
    assert terminal.transcript.count("\n") == 1
    assert "\x1b" not in terminal.transcript


@pytest.mark.parametrize(
    "environment", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["colours", "NO_COLOR", "dumb"]
)
def test_colours(world: Path, gate: Gate, pn_tty: Starter, environment: dict[str, str]) -> None:
    (world / "slow/none").symlink_to("x")
    terminal = pn_tty("slow", "new", cwd=world, env=gate.environment | environment, program=STOPPED)
    if "TERM" not in environment:
        until_held(terminal)
    gate.open()
    assert terminal.wait_exit() == 0
    coloured = re.search(r"\x1b\[[0-9;]*3[0-7]", terminal.transcript) is not None
    assert coloured == (not environment)
    assert ("\x1b" in terminal.transcript) == ("TERM" not in environment)


@pytest.mark.parametrize(("rows", "columns"), [(24, 20), (3, 80), (2, 3), (1, 1)])
def test_a_tiny_terminal(world: Path, gate: Gate, pn_tty: Starter, rows: int, columns: int) -> None:
    terminal = pn_tty(
        "-w", "4", "slow", "new", cwd=world, env=gate.environment, program=STOPPED, rows=rows, columns=columns
    )
    terminal.wait_for(re.compile(r"\S"))
    terminal.resize(10, 40)
    gate.open()
    terminal.wait_for("copied 8 files")
    assert terminal.wait_exit() == 0
    assert "Traceback" not in terminal.text


def test_names_on_the_screen_are_harmless(world: Path, gate: Gate, pn_tty: Starter) -> None:
    os.rename(world / "slow/gate", os.fsencode(world) + b"/slow/gate\x1b]0;owned\x07\n\xff[b]")
    (world / "new/slow/sub/file-1").mkdir(parents=True)
    os.rename(world / "slow/sub/file-1", world / "slow/sub/evil\x1b[2J")
    (world / "new/slow/sub/evil\x1b[2J").mkdir()
    terminal = pn_tty("slow", "new", cwd=world, env=gate.environment, program=STOPPED)
    terminal.wait_for(r"gate\x1b]0;owned\x07\n\xff[b]")
    gate.open()
    terminal.wait_for(r"sub/evil\x1b[2J: a folder stands at its place in the target")
    assert terminal.wait_exit() == 1
    assert "\x1b]0;" not in terminal.transcript
    assert "\x1b[2J" not in terminal.transcript


def test_ctrl_c_finishes_what_is_in_flight(world: Path, gate: Gate, pn_tty: Starter) -> None:
    for number in range(2000):
        (world / f"slow/more-{number}").touch()
    terminal = pn_tty("-w", "1", "slow", "new", cwd=world, env=gate.environment, program=STOPPED)
    until_held(terminal)
    terminal.send("ctrl-c")
    terminal.wait_for("finishing the files in flight; Ctrl-C again stops at once")
    gate.open()
    terminal.wait_for("; interrupted: the same command finishes the rest")
    assert terminal.wait_exit() == 130
    assert trees.litter(world / "new") == []
    trees.assert_whole(world / "slow", world / "new")
    assert (world / "new/gate").stat().st_size == 5_000_000


def test_ctrl_c_twice_stops_at_once(world: Path, gate: Gate, pn_tty: Starter) -> None:
    terminal = pn_tty("slow", "new", cwd=world, env=gate.environment, program=STOPPED)
    until_held(terminal)
    terminal.send("ctrl-c")
    terminal.wait_for("finishing the files in flight")
    terminal.send("ctrl-c")
    terminal.wait_for("; interrupted: the same command finishes the rest")
    assert terminal.wait_exit() == 130
    assert sorted(os.listdir(world)) in (["new", "slow", "small"], ["slow", "small"])
    assert not (world / "new").exists() or trees.litter(world / "new") == []
    assert not (world / "new/gate").exists()


# -- when it asks -----------------------------------------------------------------------------------


def test_alone_it_asks_and_completes_names(world: Path, pn_tty: Starter) -> None:
    terminal = pn_tty("copy", cwd=world)
    terminal.wait_for("Folder to copy: ")
    terminal.send("sma", "tab")
    terminal.wait_for("small/")
    terminal.send("enter")
    terminal.wait_for("Copy to (Enter: a sibling beside it): ")
    terminal.send("enter")
    terminal.wait_for(f"-> {world}/small.copy")
    assert terminal.wait_exit() == 0
    assert trees.picture(world / "small.copy") == trees.picture(world / "small")


def test_it_asks_again_when_there_is_no_such_folder(world: Path, pn_tty: Starter) -> None:
    terminal = pn_tty("copy", cwd=world)
    terminal.send("nonesuch", "enter")
    terminal.wait_for("nonesuch does not exist")
    terminal.wait_for("Folder to copy: ")
    terminal.send("small", "enter", "target of it", "enter")
    assert terminal.wait_exit() == 0
    assert (world / "target of it/sub").is_dir()


def test_a_name_that_is_not_utf_8_can_be_completed(world: Path, pn_tty: Starter) -> None:
    os.rename(world / "small", os.fsencode(world) + b"/caf\xe9")
    terminal = pn_tty("copy", cwd=world)
    terminal.wait_for("Folder to copy: ")
    terminal.send("caf", "tab", "enter")
    terminal.wait_for("Copy to")
    terminal.send("new", "enter")
    assert terminal.wait_exit() == 0
    assert (world / "new/sub").is_dir()


@pytest.mark.parametrize(
    "keys",
    [["ctrl-d"], ["ctrl-c"], ["small", "enter", None, "ctrl-c"], ["small", "enter", None, "ctrl-d"]],
    ids=str,
)
def test_leaving_the_questions(world: Path, pn_tty: Starter, keys: list[str | None]) -> None:
    before = sorted(os.listdir(world))
    terminal = pn_tty("copy", cwd=world)
    terminal.wait_for("Folder to copy: ")
    for key in keys:
        if key is None:
            terminal.wait_for("Copy to (Enter: a sibling beside it): ")
        else:
            terminal.send(key)
    if not terminal.has_ended(3):  # CPython hears a Ctrl-C between its prompt and its select at the next key
        terminal.send(*filter(None, keys[-1:]))
    assert terminal.wait_exit() == 130
    assert "Traceback" not in terminal.text
    assert sorted(os.listdir(world)) == before
