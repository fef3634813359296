"""The keepalive pipe: whatever a parent dies of, its children end; nothing else ends them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from procession.linux import features, keepalive, pidfd
from procession.linux.keepalive import arm, enter_child, keep_through_exec, open_keepalive, parent_is_gone

Fork = Callable[[Callable[[], object]], Any]
Program = Callable[[str], "subprocess.Popen[str]"]

SECONDS = 20  # a bound for a loaded machine; measured: 2 ms

HEAD = """
import ctypes, os, signal, sys
from procession.linux import keepalive
from procession.linux.keepalive import *
pipe = open_keepalive()
def tell(*pids): os.write(1, " ".join(map(str, pids)).encode() + b"\\n")
"""

SPINS = (
    HEAD
    + """
child = os.fork()
if child == 0:
    enter_child(pipe)
    tell(os.getpid())
    ctypes.PyDLL(None).sleep(1000)  # PyDLL does not release the GIL: no Python code runs here any more
signal.pause()
"""
)

SPINS_WITHOUT_PROC = SPINS.replace("child = os", "keepalive.mechanism = lambda: 'pdeathsig'\nchild = os")

EXECS = (
    HEAD
    + """
gone, there = os.pipe()  # close-on-exec: its end tells that the exec has happened
child = os.fork()
if child == 0:
    keep_through_exec(enter_child(pipe))
    os.execv("/bin/sleep", ["sleep", "1000"])
os.close(there)
os.read(gone, 1)
tell(child)
signal.pause()
"""
)

HAS_GRANDCHILD = (
    HEAD
    + """
child = os.fork()
if child == 0:
    enter_child(pipe)
    grandchild = os.fork()
    if grandchild == 0:
        signal.pause()
    tell(os.getpid(), grandchild)
    signal.pause()
signal.pause()
"""
)


def pidfds_told(parent: subprocess.Popen[str]) -> list[int]:
    assert parent.stdout is not None
    return [pidfd.open_pidfd(int(word)) for word in parent.stdout.readline().split()]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(SPINS, id="child-that-never-releases-the-GIL"),
        pytest.param(EXECS, id="child-started-by-exec"),
        pytest.param(SPINS_WITHOUT_PROC, id="without-proc-by-pdeathsig"),
    ],
)
def test_a_child_dies_with_its_killed_parent(text: str, program: Program) -> None:
    parent = program(text)
    (child,) = pidfds_told(parent)
    try:
        assert not pidfd.wait_exit(child, 0)
        parent.kill()
        assert pidfd.wait_exit(child, SECONDS)
    finally:
        os.close(child)


def test_a_grandchild_does_not_keep_the_pipe_open(program: Program) -> None:
    parent = program(HAS_GRANDCHILD)
    child, grandchild = pidfds_told(parent)
    try:
        parent.kill()
        assert pidfd.wait_exit(child, SECONDS)
        assert not pidfd.wait_exit(grandchild, 0)  # it has not armed itself
    finally:
        pidfd.send_signal(grandchild, signal.SIGKILL)
        assert pidfd.wait_exit(grandchild, SECONDS)
        os.close(child)
        os.close(grandchild)


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_a_parent_that_is_gone_already_is_noticed(signum: int, fork: Fork) -> None:
    pipe = open_keepalive()

    def body() -> int:
        os.close(pipe.write_fd)
        os.read(pipe.read_fd, 1)  # returns when the last write end is closed
        arm(pipe.read_fd, signum)
        return 1

    child = fork(body)
    os.close(pipe.write_fd)
    assert child.reap().signal == signum
    os.close(pipe.read_fd)


def test_closing_the_write_end_ends_all_children_and_only_that(fork: Fork) -> None:
    pipe = open_keepalive()
    answers, answer = os.pipe()

    def body() -> None:
        enter_child(pipe)
        signal.signal(signal.SIGUSR1, lambda *_: os.write(answer, b"alive"))
        os.write(answer, b"armed")
        while True:
            signal.pause()

    children = []
    for _ in range(3):
        children.append(fork(body))
        assert os.read(answers, 5) == b"armed"
    # A brother's end closes one of the readers: the others must not hear of it.
    pidfd.send_signal(children[0].pidfd, signal.SIGKILL)
    children[0].reap()
    for child in children[1:]:
        pidfd.send_signal(child.pidfd, signal.SIGUSR1)
        assert os.read(answers, 5) == b"alive"
    os.close(pipe.write_fd)
    assert [child.reap().signal for child in children[1:]] == [9, 9]
    for fd in (pipe.read_fd, answers, answer):
        os.close(fd)


def test_the_armed_descriptor_is_new_and_close_on_exec(fork: Fork) -> None:
    pipe = open_keepalive()
    assert not os.get_inheritable(pipe.read_fd)
    assert not os.get_inheritable(pipe.write_fd)

    def body() -> bool:
        own = enter_child(pipe)
        assert own != pipe.read_fd
        assert not os.get_inheritable(own)
        assert os.get_inheritable(keep_through_exec(own))
        with pytest.raises(OSError, match="Bad file"):
            os.fstat(pipe.read_fd)
        return False

    assert fork(body).reap().code == 0
    assert not parent_is_gone(pipe.read_fd)
    os.close(pipe.write_fd)
    assert parent_is_gone(pipe.read_fd)
    os.close(pipe.read_fd)


def test_a_pipe_that_cannot_be_reopened_falls_back(fork: Fork, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = open_keepalive()

    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "the pipe belongs to another user")

    def body() -> bool:
        monkeypatch.setattr(os, "open", refuse)
        return enter_child(pipe) != pipe.read_fd

    assert fork(body).reap().code == 0
    os.close(pipe.read_fd)
    os.close(pipe.write_fd)


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("5.4.0-200-generic", "pdeathsig"), ("5.5.19", "pdeathsig"), ("5.6", "pipe"),
        ("5.15.0-1.el9.x86_64", "pipe"), ("6.18.44", "pipe"), ("7.1-rc1", "pipe"),
    ],
)  # fmt: skip
def test_the_mechanism_depends_on_the_kernel(
    release: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", "host", release, "", "")))
    assert keepalive.mechanism() == expected


def test_features_know_the_mechanism() -> None:
    assert features.features().keepalive_pipe == (keepalive.mechanism() == "pipe")
