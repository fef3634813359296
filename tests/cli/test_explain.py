"""``pn explain`` as a person and as a script meet it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import specimens
from tests.harness.places import Unprivileged
from tests.harness.program import PN, Program, clean_environment
from tests.harness.terminal import Starter

# A machine of its own: process 1 of a new pid namespace makes what is wrong, asks pn about it, and ends all.
ROOM = """
import os, signal, subprocess, sys
r, w = os.pipe()
def child(work):
    pid = os.fork()
    if not pid:
        try:
            work()
        finally:
            os._exit(3)
    return pid
def both():
    os.read(r, 1)
if "wrong" in sys.argv[1]:
    dead = child(lambda: None)
    os.waitid(os.P_PID, dead, os.WEXITED | os.WNOWAIT)
    stopped = child(lambda: os.kill(os.getpid(), signal.SIGSTOP))
    os.waitid(os.P_PID, stopped, os.WSTOPPED | os.WNOWAIT)
if "many" in sys.argv[1]:
    for _ in range(6):
        dead = child(lambda: None)
        os.waitid(os.P_PID, dead, os.WEXITED | os.WNOWAIT)
if "ring" in sys.argv[1]:
    a, b = os.pipe(), os.pipe()
    def one(mine, other):
        os.close(mine[1]); os.close(other[0])
        os.read(mine[0], 1)
    ring = child(lambda: one(a, b)), child(lambda: one(b, a))
    for fd in (*a, *b):
        os.close(fd)
    for pid in ring:
        while b"pipe_read" not in open(f"/proc/{pid}/wchan", "rb").read():
            os.sched_yield()
ran = subprocess.run(sys.argv[2:], capture_output=True)
os.write(1, ran.stdout)
os.write(2, ran.stderr)
os._exit(ran.returncode)
"""


def in_a_room(what: str, home: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """``pn explain`` in a pid namespace with what is wrong there."""
    words = [
        "unshare",
        "-pf",
        "--mount-proc",
        sys.executable,
        "-I",
        "-S",
        "-c",
        ROOM,
        what,
        *PN,
        "explain",
        *args,
    ]
    return subprocess.run(
        words, env=clean_environment(home), capture_output=True, text=True, check=False, timeout=50
    )


def test_help_names_the_exit_codes(pn: Program) -> None:
    ran = pn("explain", "--help")
    assert ran.code == 0
    assert "exit codes:" in ran.out
    assert "pn explain --deadlock" in ran.out


def test_by_pid(pn: Program) -> None:
    with specimens.full_pipe() as found:
        ran = pn("explain", str(found.pid), "--for", "0")
        assert (ran.code, ran.err) == (0, "")
        title, headline, why, todo = ran.out.splitlines()
        assert title.startswith(f"pid {found.pid}  ")
        assert headline.startswith("  asleep: writes to pipe ")
        assert f"pid {found['reader']} (" in headline
        assert why.startswith(f"    pid {found['reader']} (")
        assert todo == f"    → see why the reader does not read: pn explain {found['reader']}"


def test_by_name_many_are_cut_short(pn: Program) -> None:
    name = f"pn-{os.getpid()}"[:15]
    code = f"""
def named():
    libc.prctl(15, b"{name}", 0, 0, 0)
    os.write(w, b"x")
    nap()
r, w = os.pipe()
for _ in range(7):
    child(named)
for _ in range(7):
    os.read(r, 1)
pids = list(map(int, open(f"/proc/self/task/{{os.getpid()}}/children").read().split()))
say(it=os.getpid(), **dict(zip("abcdefg", pids)))
nap()
"""
    with specimens.made(code):
        ran = pn("explain", name, "--for", "0")
        assert ran.code == 0
        assert ran.err == f"pn explain: {name} fits 7 processes; here are 5 of them: name one by its pid\n"
        assert ran.out.count("\npid ") == 4
        assert pn("explain", name, "--for", "0", "--json").out.count("\n") == 5


def test_nobody_of_that_name_or_pid(pn: Program) -> None:
    ran = pn("explain", "no such\x1b[31mname", "4194304")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines() == [
        "pn explain: no such?[31mname: there is no process by the name 'no such?[31mname': pn ps lists them",
        "pn explain: 4194304: there is no process with this pid: pn ps lists them",
    ]


@pytest.mark.parametrize("args", [["--for", "x"], ["--for", "-1"], ["--nonsense"]])
def test_usage(pn: Program, args: list[str]) -> None:
    ran = pn("explain", *args)
    assert ran.code == 2
    assert ran.err.startswith("pn explain: ")
    assert ran.err.count("\n") == 1


def test_json_has_the_exact_facts(pn: Program) -> None:
    with specimens.zombie(3) as found:
        ran = pn("explain", "--json", str(found.pid), "--for", "0.01")
        (line,) = ran.out.splitlines()
        facts = json.loads(line)
        assert (facts["pid"], facts["ppid"], facts["state"]) == (found.pid, found["parent"], "Z")
        (one,) = facts["findings"]
        assert (one["kind"], one["severity"], one["pids"]) == ("zombie", "wrong", [found["parent"]])
        assert one["headline"].startswith("a zombie: it ended with exit code 3")


def test_a_name_cannot_attack_the_terminal(pn: Program) -> None:
    with specimens.odd_name(b"\x1b[2J\xff\nx") as found:
        ran = pn("explain", str(found.pid), "--for", "0")
        assert ran.code == 0
        assert "\x1b" not in ran.out
        assert "�" not in ran.out
        json.loads(pn("explain", str(found.pid), "--for", "0", "--json").out)


def test_on_a_terminal_lines_are_folded_and_coloured(pn_tty: Starter) -> None:
    with specimens.zombie(3) as found:
        terminal = pn_tty("explain", str(found.pid), "--for", "0.01")
        assert terminal.wait_exit() == 0
        assert "\x1b[1mpid " in terminal.transcript
        assert "a zombie: it ended with exit code 3" in terminal.text
        assert all(len(line) <= 80 for line in terminal.text.splitlines())


@pytest.mark.root
def test_a_whole_machine_on_which_nothing_is_wrong(tmp_path: Path) -> None:
    ran = in_a_room("nothing", tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == "Nothing is wrong: looked at 2 processes.\n"


@pytest.mark.root
def test_a_whole_machine_with_a_zombie_a_stopped_one_and_a_deadlock(tmp_path: Path) -> None:
    ran = in_a_room("wrong ring", tmp_path)
    assert (ran.returncode, ran.stderr) == (1, "")
    heads = [line for line in ran.stdout.splitlines() if line.startswith(("✗", "!"))]
    assert len(heads) == 3
    assert heads[0].startswith("✗ in a deadlock: pid 4 → pid 5 → pid 4")  # the gravest first
    assert heads[1].startswith("✗ a zombie: it ended with exit code 3, and its parent pid 1 (")
    assert heads[2].startswith("! stopped by a signal")
    assert ran.stdout.endswith("looked at 6 processes.\n")


@pytest.mark.root
def test_many_zombies_of_one_parent_take_one_line_together(tmp_path: Path) -> None:
    ran = in_a_room("many", tmp_path)
    assert ran.returncode == 1
    assert ran.stdout.count("✗ a zombie: ") == 3
    assert ran.stdout.splitlines()[-2] == "and 3 more zombies of pid 1: 5 6 7"


@pytest.mark.root
def test_deadlocks_of_a_whole_machine(tmp_path: Path) -> None:
    ran = in_a_room("wrong", tmp_path, "--deadlock")
    assert (ran.returncode, ran.stdout) == (0, "no deadlock\n")
    ran = in_a_room("ring", tmp_path, "--deadlock", "--json")
    assert ran.returncode == 1
    (line,) = ran.stdout.splitlines()
    assert json.loads(line)["findings"][0]["pids"] == [2, 3]


def test_deadlocks_of_given_processes(pn: Program) -> None:
    with specimens.pipe_deadlock() as found, specimens.idle() as other:
        ran = pn("explain", "--deadlock", str(found["other"]), str(found.pid))
        assert ran.code == 1
        assert ran.out.count("in a deadlock: ") == 1  # one ring, once
        ran = pn("explain", "--deadlock", str(other.pid))
        assert (ran.code, ran.out) == (0, "no deadlock that these are in or wait for\n")


@pytest.mark.root
def test_who_may_not_look_is_told_so(unprivileged: Unprivileged) -> None:
    with specimens.full_pipe() as found:
        ran = unprivileged.pn("explain", str(found.pid), "--for", "0")
        assert ran.returncode == 0
        text = ran.stdout.decode()
        assert "waits for something; the kernel function is" in text or "waits for something" in text
        assert "sudo pn explain" in text
