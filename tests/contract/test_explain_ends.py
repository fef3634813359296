"""Zombies, orphans, and what has stopped: each named with its cause and the right pids."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from procession.table.explain.finding import NOTE, WRONG
from procession.table.family import STRAY
from tests.contract.explainkit import all_text, explained, finding
from tests.harness import specimens
from tests.harness.processes import state_and_parent


def test_a_zombie_its_exit_code_and_its_parent() -> None:
    with specimens.zombie(3) as found:
        one = finding(found.pid, "zombie", 0.01)
        assert one.severity == WRONG
        assert one.headline.startswith(
            f"a zombie: it ended with exit code 3, and its parent pid {found['parent']} ("
        )
        assert one.pids == (found["parent"],)
        assert "no handler for SIGCHLD and does not ignore it" in all_text(one)
        assert f"pn explain {found['parent']}" in all_text(one)


def test_a_zombie_that_is_seen_once_may_yet_be_reaped() -> None:
    with specimens.zombie() as found:
        assert finding(found.pid, "zombie", 0.0).severity == NOTE


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "signal.signal(signal.SIGCHLD, lambda *_: None)",
            "has a handler for SIGCHLD, which has not called wait",
        ),
        ("", "has to call wait, and does not"),
    ],
)
def test_what_the_parent_of_a_zombie_does_at_sigchld(line: str, words: str) -> None:
    with specimens.zombie(parent=line) as found:
        assert words in all_text(finding(found.pid, "zombie"))


def test_a_parent_that_ignores_sigchld_too_late() -> None:
    code = """
pid = child(os._exit, 0)
os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
say(it=pid, parent=os.getpid())
nap()
"""
    with specimens.made(code) as found:
        specimens.asleep(found.pid, "Z")
        assert "ignores SIGCHLD now, but did not when this child ended" in all_text(
            finding(found.pid, "zombie")
        )


def test_a_zombie_of_a_signal_and_of_a_stopped_parent() -> None:
    code = """
pid = child(lambda: os.kill(os.getpid(), signal.SIGTERM))
os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
say(it=pid, parent=os.getpid())
os.kill(os.getpid(), signal.SIGSTOP)
"""
    with specimens.made(code) as found:
        specimens.asleep(found["parent"], "T")
        one = finding(found.pid, "zombie")
        assert "was ended by SIGTERM" in one.headline
        assert "the parent is stopped, so it cannot reap" in one.why
        assert one.todo == (f"let the parent go on: pn cont {found['parent']}",)


def test_a_main_thread_that_has_ended_is_no_zombie() -> None:
    code = """
def rest():
    while state() != "Z":
        os.sched_yield()
    say(it=os.getpid())
    nap_here()
def state():
    with open(f"/proc/{os.getpid()}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]
def nap_here():
    signal.sigwait([signal.SIGUSR1])
threading.Thread(target=rest).start()
libc.syscall(exit_number(), 0)
"""
    number = "def exit_number():\n    return 60 if os.uname().machine == 'x86_64' else 93\n"
    with specimens.made(number + code) as found:
        assert state_and_parent(found.pid)[0] == "Z"
        one = finding(found.pid, "zombie")
        assert one.severity == NOTE
        assert "its main thread has ended, 1 other thread live on" in one.headline


def test_an_orphan_its_session_and_who_adopted_it() -> None:
    with specimens.orphan() as found:
        one = explained(found.pid)
        assert one.facts.origin == STRAY
        adopter = state_and_parent(found.pid)[1]
        (orphan,) = (each for each in one.findings if each.kind == "orphan")
        assert orphan.headline.startswith(
            f"an orphan: left over from session {found['leader']}, whose leader has ended; adopted by pid {adopter} ("
        )
        assert orphan.pids == (adopter,)
        assert any(line.startswith("it is ") and line.endswith(" old") for line in orphan.why)


def test_a_double_fork_is_an_orphan() -> None:
    with specimens.double_fork() as found:
        assert f"session {found['middle']}" in finding(found.pid, "orphan").headline


def test_sessions_of_their_own_below_their_parents_are_no_orphans() -> None:
    with specimens.setsid_tree() as found:
        for pid in found.parts.values():
            assert not [each for each in explained(pid).findings if each.kind in ("orphan", "daemon")]


def test_stopped_and_what_can_be_known_of_it() -> None:
    with specimens.stopped() as found:
        one = explained(found.pid)
        assert [each.kind for each in one.findings] == ["stopped"]
        text = all_text(one.findings[0])
        assert "who sent the signal is not recorded" in text
        assert "it has no terminal" in text
        assert f"pn cont {found.pid}" in text
        assert one.findings[0].pids == (state_and_parent(found.pid)[1],)


def test_stopped_by_its_terminal_in_the_background() -> None:
    code = """
import pty, termios
master, slave = os.openpty()
def leader():
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    def reader():
        os.setpgid(0, 0)
        os.read(slave, 1)
    pid = child(reader)
    os.waitpid(pid, os.WUNTRACED)
    say(it=pid, leader=os.getpid())
    nap()
child(leader)
nap()
"""
    with specimens.made(code) as found:
        specimens.asleep(found.pid, "T")
        one = finding(found.pid, "stopped")
        assert "in the background of terminal pts/" in all_text(one)
        assert one.pids == (found["leader"],)


def test_held_by_a_debugger() -> None:
    code = """
libc.ptrace.restype = ctypes.c_long
def traced():
    libc.ptrace(0, 0, 0, 0)
    os.kill(os.getpid(), signal.SIGUSR2)
pid = child(traced)
os.waitpid(pid, 0)
say(it=pid, tracer=os.getpid())
nap()
"""
    with specimens.made(code) as found:
        one = finding(found.pid, "traced")
        assert one.headline.startswith(f"held by pid {found['tracer']} (")
        assert one.pids == (found["tracer"],)


def test_we_ourselves_are_explained_too() -> None:
    one = explained(os.getpid())
    assert next(each.kind for each in one.findings) == "running"
    assert os.path.basename(sys.executable).startswith("python")
    assert signal.SIGCHLD.value == 17  # what the mask in facts.py takes it for
