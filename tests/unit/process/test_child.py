"""A child held by its pidfd: waited for once, signalled never after its end."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable

import pytest

from procession.process.child import Child
from procession.process.exits import UNKNOWN, Exit

Fork = Callable[..., Child]
NORMAL = Exit(0, None, core_dumped=False, reason="ended normally")
KILLED = Exit(None, 9, core_dumped=False, reason="was killed by SIGKILL (9)")


def for_ever() -> None:
    while True:
        signal.pause()


def nothing() -> None:
    return


@pytest.mark.parametrize("timeout", [0, 0.001, -1])
def test_waiting_for_one_that_goes_on(timeout: float, fork: Fork) -> None:
    child = fork(for_ever)
    assert child.wait(timeout) is None
    assert child.reap() is None
    assert child.exit is None


@pytest.mark.parametrize("timeout", [None, 30])
def test_waiting_for_the_end(timeout: float | None, fork: Fork) -> None:
    assert fork(nothing).wait(timeout) == NORMAL


def test_the_exit_is_kept(fork: Fork) -> None:
    child = fork(for_ever)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == KILLED
    assert (child.reap(), child.wait(), child.wait(0), child.exit) == (KILLED, KILLED, KILLED, KILLED)


def test_the_pidfd_tells_the_end(fork: Fork) -> None:
    child = fork(for_ever)
    poll = select.poll()
    poll.register(child, select.POLLIN)
    assert poll.poll(0) == []
    child.send_signal(signal.SIGKILL)
    assert poll.poll() == [(child.pidfd, select.POLLIN)]
    assert child.reap() == KILLED


def test_a_signal_to_one_that_has_ended_does_nothing(fork: Fork) -> None:
    child = fork(nothing)
    os.waitid(os.P_PIDFD, child.pidfd, os.WEXITED | os.WNOWAIT)
    child.send_signal(signal.SIGKILL)  # a zombie
    assert child.wait() == NORMAL
    child.send_signal(signal.SIGKILL)  # reaped


def test_an_exit_that_other_code_took_is_unknown(fork: Fork) -> None:
    child = fork(nothing)
    os.waitpid(child.pid, 0)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == UNKNOWN
    assert (UNKNOWN.code, UNKNOWN.signal) == (None, None)
    assert child.wait() == UNKNOWN


def test_with_sigchld_ignored_the_kernel_reaps(fork: Fork) -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        child = fork(for_ever)
        assert child.wait(0) is None
        child.send_signal(signal.SIGKILL)
        assert child.wait() == UNKNOWN
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_a_closed_child_goes_on(fork: Fork) -> None:
    child = fork(for_ever)
    again = Child(child.pid)
    child.close()
    child.close()
    assert again.wait(0) is None
    again.send_signal(signal.SIGKILL)
    assert again.wait() == KILLED
    again.close()
