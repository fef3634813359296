"""``pn tree`` as a person and as a script meet it."""

from __future__ import annotations

import json
import re

import pytest

from tests.harness import specimens
from tests.harness.processes import read
from tests.harness.program import Program
from tests.harness.terminal import Starter


def test_help(pn: Program) -> None:
    ran = pn("tree", "--help")
    assert ran.code == 0
    assert "MEMORY is the process's own" in ran.out


def test_a_chain_and_its_sums(pn: Program) -> None:
    with specimens.setsid_tree(3) as found:
        lines = [json.loads(line) for line in pn("tree", "--json", str(found.pid)).out.splitlines()]
        pids = [found.pid, found["1"], found["2"], found["3"]]
        assert [line["pid"] for line in lines] == pids
        assert [line["depth"] for line in lines] == [0, 1, 2, 3]
        assert [line["branch_processes"] for line in lines] == [4, 3, 2, 1]
        for at, line in enumerate(lines):
            assert line["branch_memory"] == sum(below["memory"] for below in lines[at:])
            assert line["marks"] == []
        shown = pn("tree", str(found.pid)).out.splitlines()
        assert re.match(r" +PID S +AGE +MEMORY +BRANCH  COMMAND$", shown[0])
        assert [int(line.split()[0]) for line in shown[1:]] == pids
        assert ["└─" in line for line in shown[1:]] == [False, True, True, True]


def test_memory_with_shared_pages_in_parts(pn: Program) -> None:
    with specimens.idle() as found:
        (line,) = pn("tree", "--json", "--pss", str(found.pid)).out.splitlines()
        assert 0 < json.loads(line)["memory"] <= int(read(found.pid, "statm").split()[1]) * 4096


def test_depth_counts_what_it_hides(pn: Program) -> None:
    with specimens.setsid_tree(3) as found:
        shown = pn("tree", "-L", "2", str(found.pid)).out.splitlines()
        assert len(shown) == 3
        assert shown[2].endswith(" (+2 processes below)")


def test_the_way_down(pn: Program) -> None:
    with specimens.setsid_tree(2) as found:
        lines = [json.loads(line) for line in pn("tree", "-p", "--json", str(found["2"])).out.splitlines()]
        assert [line["pid"] for line in lines[-3:]] == [found.pid, found["1"], found["2"]]
        assert lines[0]["ppid"] == 0


@pytest.mark.parametrize(
    ("specimen", "mark"),
    [
        ("zombie", "zombie, not reaped"),
        ("stopped", "stopped"),
        ("orphan", "orphan of session {leader}, whose leader has ended"),
    ],
)
def test_what_is_marked(pn: Program, specimen: str, mark: str) -> None:
    with getattr(specimens, specimen)() as found:
        (line,) = pn("tree", "--json", str(found.pid)).out.splitlines()
        assert json.loads(line)["marks"] == [mark.format(**found.parts)]
        assert pn("tree", str(found.pid)).out.rstrip("\n").endswith("  ← " + mark.format(**found.parts))


def test_names_and_nobody(pn: Program) -> None:
    with specimens.odd_name(b"\x1b[2Jpn-tree") as found:
        ran = pn("tree", "[2Jpn-tree", "nobody-at-all")
        assert ran.code == 1
        assert ran.err == "pn tree: nobody-at-all: there is no such process: pn ps lists them\n"
        assert f"{found.pid} S" in ran.out
        assert "\x1b" not in ran.out


def test_usage(pn: Program) -> None:
    assert pn("tree", "-L", "0").code == 2


def test_a_terminal_cuts_lines_and_a_pipe_does_not(pn: Program, pn_tty: Starter) -> None:
    with specimens.zombie() as found:
        assert (
            max(map(len, pn("tree", str(found["parent"])).out.splitlines())) > 200
        )  # the program is an argument
        terminal = pn_tty("tree", str(found["parent"]))
        assert terminal.wait_exit() == 0
        lines = terminal.text.splitlines()
        assert len(lines) == 3
        assert all(len(line) <= 80 for line in lines)
        assert lines[2].rstrip().endswith("← zombie, not reaped")


def test_all_of_the_machine_has_us_in_it(pn: Program) -> None:
    lines = [json.loads(line) for line in pn("tree", "--json").out.splitlines()]
    assert any(line["command"].endswith("procession tree --json") for line in lines)
    depths = {line["pid"]: line["depth"] for line in lines}
    for line in lines:
        if line["ppid"] in depths:
            assert line["depth"] == depths[line["ppid"]] + 1
