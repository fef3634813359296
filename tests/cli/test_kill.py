"""``pn kill`` as a person and as a script meet it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.places import Unprivileged
from tests.harness.processes import kill, state_and_parent
from tests.harness.program import Program
from tests.harness.specimens import asleep, disk_sleep, until, zombie
from tests.harness.terminal import Starter

Start = Callable[..., subprocess.Popen[bytes]]

STUBBORN = (
    "import os, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.write(1, b'.'); signal.pause()"
)
ZOMBIE = "import os, signal; print(os.fork() or os._exit(0), flush=True); signal.pause()"
QUEUED = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN + 1])
os.write(1, b'.')
found = signal.sigwaitinfo([signal.SIGRTMIN + 1])
os.write(1, b'%d %d' % (found.si_code, found.si_pid))
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """A program of a test, under the name ``name`` if one is given; ``ready``: it writes a dot first."""
    begun: list[subprocess.Popen[bytes]] = []

    def begin(*words: str, name: str = "", ready: bool = False, **more: object) -> subprocess.Popen[bytes]:
        program = words[0]
        if name:
            link = tmp_path / name
            if not link.exists():
                link.symlink_to(program)
            program = str(link)
        made = subprocess.Popen([program, *words[1:]], stdout=subprocess.PIPE, **more)  # type: ignore[call-overload]
        begun.append(made)
        assert made.stdout is not None
        if ready:
            assert made.stdout.read(1) == b"."
        return made  # type: ignore[no-any-return]

    yield begin
    for each in begun:
        if each.poll() is None:
            each.kill()
        each.wait()
        assert each.stdout is not None
        each.stdout.close()


def sleeper(start: Start, name: str = "") -> subprocess.Popen[bytes]:
    return start("/bin/sleep", "600", name=name)


def test_all_spellings_end_it(pn: Program, start: Start) -> None:
    for words in (["-9"], ["-KILL"], ["-s", "kill"], ["--signal=SIGKILL"]):
        one = sleeper(start)
        ran = pn("kill", *words, str(one.pid))
        assert (ran.code, ran.out, ran.err) == (0, "", "")
        assert one.wait() == -signal.SIGKILL
    one = sleeper(start)
    assert "SIGTERM to pid" in pn("kill", "-e", str(one.pid)).out
    assert one.wait() == -signal.SIGTERM


def test_listings_mistakes_and_help(pn: Program) -> None:
    assert pn("kill", "-l", "9", "TERM", "130").out.split() == ["KILL", "15", "INT"]
    assert pn("kill", "-l", "nosuch").code == 1
    assert pn("kill", "-L").out.startswith(" 1 HUP")
    shown = pn("kill", "--help")
    assert (shown.code, shown.err) == (0, "")
    assert "examples:" in shown.out
    for words in (
        [],
        ["-s", "NOSUCH", "1"],
        ["--nosuch", "1"],
        ["-f", "["],
        ["-u", "nosuchuser"],
        ["-n", "1"],
    ):
        ran = pn("kill", *words)
        assert (ran.code, ran.out) == (2, ""), words
        assert re.fullmatch(r"pn kill: .+: see pn kill --help\n", ran.err), ran.err


def test_who_is_never_signalled(pn: Program) -> None:
    # This test is the parent of pn; it goes on, and so does process 1.
    ran = pn("kill", "-9", "1", str(os.getpid()))
    assert ran.code == 1
    assert "pid 1 is the first process" in ran.err
    assert f"pid {os.getpid()} (" in ran.err
    assert "runs this command" in ran.err
    assert pn("kill", "-0", str(os.getpid())).code == 0


def test_a_name_is_meant_exactly_and_a_pattern_is_not(pn: Program, start: Start) -> None:
    one, other = sleeper(start, "pn-exact"), sleeper(start, "pn-exactly")
    assert pn("kill", "pn-exact").code == 0
    assert one.wait() == -signal.SIGTERM
    assert other.poll() is None
    assert pn("kill", "pn-exact").code == 1
    assert pn("kill", "-f", f"{os.fsdecode(other.args[0])}.*60[0]").code == 0  # type: ignore[index,arg-type]
    assert other.wait() == -signal.SIGTERM


def test_criteria_choose_among_names(pn: Program, start: Start) -> None:
    one = sleeper(start, "pn-chosen")
    assert pn("kill", "--older-than", "1h", "pn-chosen").code == 1
    assert pn("kill", "-u", "nobody", "pn-chosen").code == 1
    assert (
        pn("kill", "--user", str(os.geteuid()), "--older-than", "0", "-P", str(os.getpid()), "pn-chosen").code
        == 0
    )
    assert one.wait() == -signal.SIGTERM


def test_a_dry_run_shows_and_sends_nothing(pn: Program, start: Start) -> None:
    one = sleeper(start, "pn-dry")
    ran = pn("kill", "--dry-run", "-9", "--tree", "pn-dry")
    assert ran.code == 0
    assert re.search(rf"^ *{one.pid} +\S+ +[\d.]+ s .*pn-dry 600$", ran.out, re.MULTILINE)
    assert one.poll() is None


def test_what_is_not_there(pn: Program) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    ran = pn("kill", str(gone.pid))
    assert (ran.code, ran.err) == (1, f"pn kill: pid {gone.pid}: there is no such process\n")


def test_a_zombie_is_explained(pn: Program, start: Start) -> None:
    parent = start(sys.executable, "-c", ZOMBIE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    asleep(pid, "Z")
    ran = pn("kill", "-9", str(pid))
    assert ran.code == 1
    assert f"its parent {parent.pid} (python" in ran.err
    assert f"pn kill -CHLD {parent.pid}" in ran.err


def test_one_that_waits_in_the_kernel(pn: Program, tmp_path: Path) -> None:
    with disk_sleep(tmp_path) as found:
        ran = pn("kill", "--wait=0.01", str(found.pid))
        assert ran.code == 1
        sent, left = ran.err.splitlines()
        assert "(state D) and takes the signal when it wakes" in sent
        assert "only -KILL ends it" in left
        assert pn("kill", "-9", "--wait", str(found.pid)).code == 0


def test_a_tree_of_a_zombie_alone(pn: Program) -> None:
    with zombie() as found:
        ran = pn("kill", "--tree", str(found.pid))
    assert ran.code == 1
    assert "is a zombie" in ran.err


def test_a_signal_to_a_tree_and_a_wait(pn: Program, start: Start) -> None:
    root = start("/bin/sh", "-c", "trap '' TERM; sleep 600 & echo $!; wait")
    assert root.stdout is not None
    child = int(root.stdout.readline())
    ran = pn("kill", "--tree", "-TERM", "--wait=0.01", str(root.pid))
    assert ran.code == 1
    assert ran.err.count("ignores SIGTERM") == 2  # a child inherits what is ignored
    ran = pn("kill", "--tree", "-9", "--wait", str(root.pid))
    assert (ran.code, ran.err) == (0, "")
    assert root.wait() == -signal.SIGKILL
    assert state_and_parent(child)[0] in ("", "Z")


@pytest.mark.root
def test_somebody_else_s_is_explained(pn: Program, start: Start, unprivileged: Unprivileged) -> None:
    one = sleeper(start)
    ran = unprivileged.pn("kill", str(one.pid))
    assert ran.returncode == 1
    assert b"belongs to root and cannot be signalled by you" in ran.stderr
    assert one.poll() is None


def test_a_stopped_one_goes_on_to_take_it(pn: Program, start: Start) -> None:
    one = sleeper(start)
    one.send_signal(signal.SIGSTOP)
    asleep(one.pid, "T")
    ran = pn("kill", "--wait=20", str(one.pid))
    assert ran.code == 0
    assert "got SIGCONT too" in ran.err
    assert one.wait() == -signal.SIGTERM


def test_wait_tells_why_it_has_not_ended(pn: Program, start: Start) -> None:
    one = start(sys.executable, "-c", STUBBORN, ready=True)
    ran = pn("kill", "--wait=0.01", str(one.pid))
    assert ran.code == 1
    assert "ignores SIGTERM: -KILL cannot be ignored" in ran.err


def test_after_the_grace_it_is_killed(pn: Program, start: Start) -> None:
    one = start(sys.executable, "-c", STUBBORN, ready=True)
    ran = pn("kill", "--grace", "0.01", str(one.pid))
    assert (ran.code, ran.err) == (0, "")
    assert one.wait() == -signal.SIGKILL


def test_a_value_goes_with_the_signal(pn: Program, start: Start) -> None:
    one = start(sys.executable, "-c", QUEUED, ready=True)
    program = pn.start("kill", "-RTMIN+1", "-q", "-7", str(one.pid))
    assert program.wait() == 0
    assert one.stdout is not None
    assert one.stdout.read() == f"-1 {program.pid}".encode()  # SI_QUEUE


def test_a_process_group(pn: Program, start: Start) -> None:
    leader = start("/bin/sh", "-c", "sleep 600 & echo $!; wait", process_group=0)
    assert leader.stdout is not None
    child = int(leader.stdout.readline())
    assert pn("kill", "-KILL", f"-{leader.pid}").code == 0
    assert leader.wait() == -signal.SIGKILL
    until(lambda: state_and_parent(child)[0] in ("", "Z"), "the end of the child")


def test_a_tree_with_a_daemon(pn: Program, start: Start) -> None:
    root = start("/bin/sh", "-c", "setsid sh -c 'sleep 601 & echo $!; wait' & wait")
    assert root.stdout is not None
    lost = int(root.stdout.readline())
    try:
        ran = pn("kill", "-e", "--tree", str(root.pid))
        assert ran.code == 0
        assert "SIGKILL to 3 processes" in ran.err
        assert root.wait() == -signal.SIGKILL
        assert state_and_parent(lost)[0] in ("", "Z")
    finally:
        kill(lost)


def test_more_than_three_are_asked_for_on_a_terminal(pn_tty: Starter, start: Start) -> None:
    many = [sleeper(start, "pn-asked") for _ in range(4)]
    terminal = pn_tty("kill", "pn-asked")
    terminal.wait_for("SIGTERM to these 4? [y/N]")
    terminal.send("n", "enter")
    assert terminal.wait_exit() == 1
    assert "nothing was sent" in terminal.text
    assert all(each.poll() is None for each in many)
    terminal = pn_tty("kill", "pn-asked")
    terminal.wait_for("[y/N]")
    terminal.send("y", "enter")
    assert terminal.wait_exit() == 0
    assert [each.wait() for each in many] == [-signal.SIGTERM] * 4


def test_nobody_is_asked_in_a_script(pn: Program, start: Start) -> None:
    many = [sleeper(start, "pn-script") for _ in range(4)]
    assert pn("kill", "-x", "pn-script").code == 0
    assert [each.wait() for each in many] == [-signal.SIGTERM] * 4


def test_names_cannot_attack_the_terminal(pn: Program, start: Start) -> None:
    one = sleeper(start, "a\x1b[2J\nb")
    ran = pn("kill", "-e", str(one.pid))
    assert ran.out == f"SIGTERM to pid {one.pid} (a?[2J?b)\n"
    one.wait()
