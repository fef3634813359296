"""``pn stop``, ``pn cont`` and ``pn nice``: one process, and a tree."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.places import Unprivileged
from tests.harness.processes import kill, state_and_parent
from tests.harness.program import Program
from tests.harness.specimens import asleep

TREE = """
import os, signal, threading
if not os.fork():
    os.setsid()
    if not os.fork():
        print(os.getpid(), os.getppid(), flush=True)
    signal.pause()
thread = threading.Thread(target=signal.pause, daemon=True)
thread.start()
thread.join()
"""


class Tree:
    def __init__(self) -> None:
        self.root = subprocess.Popen([sys.executable, "-c", TREE], stdout=subprocess.PIPE)
        assert self.root.stdout is not None
        self.pids = [self.root.pid, *map(int, self.root.stdout.readline().split())]
        for pid in self.pids:
            asleep(pid)

    def states(self) -> str:
        return "".join(state_and_parent(pid)[0] for pid in self.pids)

    def close(self) -> None:
        for pid in self.pids[1:]:
            kill(pid)
        self.root.kill()
        self.root.communicate()


@pytest.fixture
def tree() -> Iterator[Tree]:
    made = Tree()
    yield made
    made.close()


def test_one_is_stopped_and_goes_on(pn: Program, tree: Tree) -> None:
    assert pn("stop", str(tree.root.pid)).code == 0
    asleep(tree.root.pid, "T")
    assert tree.states() == "TSS"
    assert pn("cont", str(tree.root.pid)).code == 0
    asleep(tree.root.pid)


def test_a_tree_is_stopped_and_goes_on(pn: Program, tree: Tree) -> None:
    assert pn("stop", "--tree", str(tree.root.pid)).code == 0
    for pid in tree.pids:
        asleep(pid, "T")
    assert pn("cont", "--tree", str(tree.root.pid)).code == 0
    for pid in tree.pids:
        asleep(pid)


def nices(pid: int) -> set[int]:
    tids = map(int, os.listdir(f"/proc/{pid}/task"))
    return {os.getpriority(os.PRIO_PROCESS, tid) for tid in tids}


def test_the_nice_value_of_all_threads(pn: Program, tree: Tree) -> None:
    base = os.getpriority(os.PRIO_PROCESS, 0)
    pid = str(tree.root.pid)
    for words, value in (
        (["+3"], base + 3),
        (["-n", "7"], 7),
        (["-n", "+1"], 8),
        ([], 18),
        (["-n19"], 19),
        (["+5"], 19),
    ):
        assert pn("nice", *words, pid).code == 0
        assert nices(tree.root.pid) == {value}, words
    assert nices(tree.pids[1]) == {base}


def test_the_nice_value_of_a_tree(pn: Program, tree: Tree) -> None:
    assert pn("nice", "-n", "11", "--tree", str(tree.root.pid)).code == 0
    assert [nices(pid) for pid in tree.pids] == [{11}] * 3


@pytest.mark.root
def test_less_nice_takes_a_right(pn: Program, tree: Tree, unprivileged: Unprivileged) -> None:
    assert pn("nice", "-n", "=-3", str(tree.root.pid)).code == 0
    assert nices(tree.root.pid) == {-3}
    ran = unprivileged.pn("nice", "-5", str(tree.root.pid))
    assert ran.returncode == 1
    assert b"belongs to root" in ran.stderr
    with subprocess.Popen(["/bin/sleep", "600"], user=unprivileged.uid) as theirs:
        ran = unprivileged.pn("nice", "-5", str(theirs.pid))
        theirs.kill()
    assert ran.returncode == 1
    assert b"RLIMIT_NICE" in ran.stderr


def test_the_io_class(pn: Program, tree: Tree) -> None:
    assert pn("nice", "--io", "idle", str(tree.root.pid)).code == 0
    import ctypes

    number = {"x86_64": 252, "aarch64": 31}[os.uname().machine]
    for tid in os.listdir(f"/proc/{tree.root.pid}/task"):
        assert ctypes.CDLL(None).syscall(number, 1, int(tid)) >> 13 == 3


def test_who_cannot_be_stopped(pn: Program) -> None:
    for verb in ("stop", "cont"):
        ran = pn(verb, "1", str(os.getpid()))
        assert ran.code == 1
        assert "pid 1 is the first process" in ran.err
        assert "runs this command" in ran.err


@pytest.mark.parametrize("verb", ["stop", "cont", "nice"])
def test_mistakes_and_help(pn: Program, verb: str) -> None:
    for words in ([], ["--nosuch", "1"]):
        ran = pn(verb, *words)
        assert (ran.code, ran.out) == (2, "")
        assert re.fullmatch(rf"pn {verb}: .+\n", ran.err)
    assert pn(verb, "nobody-has-this").code == 1
    assert "examples:" in pn(verb, "--help").out


def test_mistakes_of_nice(pn: Program, tmp_path: Path) -> None:
    for words in (
        ["-n", "x", "1"],
        ["-n"],
        ["--io", "nosuch", "1"],
        ["--io", "idle:3", "1"],
        ["--io", "best-effort:8", "1"],
    ):
        assert pn("nice", *words).code == 2, words
