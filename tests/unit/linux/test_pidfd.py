from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from procession.errors import NoSuchProcess, NotOurChild, NotPermitted, Unsupported
from procession.linux import pidfd

Fork = Callable[[Callable[[], object]], Any]


def test_a_pidfd_is_close_on_exec(fork: Fork) -> None:
    assert not os.get_inheritable(fork(signal.pause).pidfd)


def test_an_exit_code_is_reaped(fork: Fork) -> None:
    child = fork(lambda: 7)
    assert child.reap() == pidfd.Status(child.pid, 7, None, core_dumped=False)


def test_a_signal_is_sent_and_reaped(fork: Fork) -> None:
    child = fork(signal.pause)
    pidfd.send_signal(child.pidfd, signal.SIGKILL)
    assert child.reap() == pidfd.Status(child.pid, None, 9, core_dumped=False)


@pytest.mark.parametrize("code", [os.CLD_KILLED, os.CLD_DUMPED])
def test_a_core_dump_is_told(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whether a core is written depends on limits and on core_pattern; the record must not.
    result = os.waitid_result((41, 0, signal.SIGCHLD, signal.SIGSEGV, code))
    monkeypatch.setattr(os, "waitid", lambda *_: result)
    assert pidfd.reap(3) == pidfd.Status(41, None, signal.SIGSEGV, core_dumped=code == os.CLD_DUMPED)


def test_a_running_child_is_not_waited_for(fork: Fork) -> None:
    assert pidfd.reap(fork(signal.pause).pidfd, block=False) is None


def test_waiting_does_not_reap(fork: Fork) -> None:
    child = fork(lambda: 3)
    assert pidfd.wait_exit(child.pidfd, None)
    assert pidfd.wait_exit(child.pidfd, 0)
    assert pidfd.reap(child.pidfd, block=False) == pidfd.Status(child.pid, 3, None)
    child.status = pidfd.Status(child.pid, 3, None)


@pytest.mark.parametrize("timeout", [0, -1, 0.001])
def test_waiting_ends_with_its_timeout(timeout: float, fork: Fork) -> None:
    assert not pidfd.wait_exit(fork(signal.pause).pidfd, timeout)


def test_waiting_is_never_early(fork: Fork) -> None:
    child = fork(signal.pause)
    before = time.monotonic()
    pidfd.wait_exit(child.pidfd, 0.0105)
    assert time.monotonic() - before >= 0.0105


def test_a_year_is_not_too_long(fork: Fork) -> None:
    assert pidfd.wait_exit(fork(lambda: 0).pidfd, 365 * 86400)


def test_a_reaped_process_is_gone(fork: Fork) -> None:
    child = fork(lambda: 0)
    child.reap()
    with pytest.raises(NoSuchProcess) as caught:
        pidfd.send_signal(child.pidfd, 0)
    assert caught.value.errno == errno.ESRCH
    assert isinstance(caught.value.__cause__, ProcessLookupError)
    with pytest.raises(NotOurChild):
        pidfd.reap(child.pidfd)
    with pytest.raises(NoSuchProcess, match=str(child.pid)):
        pidfd.open_pidfd(child.pid)


def test_a_zombie_takes_a_signal_without_effect(fork: Fork) -> None:
    child = fork(lambda: 5)
    pidfd.wait_exit(child.pidfd, None)
    pidfd.send_signal(child.pidfd, signal.SIGKILL)
    assert child.reap().code == 5


def test_only_a_parent_may_reap() -> None:
    fd = pidfd.open_pidfd(os.getppid())
    try:
        with pytest.raises(NotOurChild) as caught:
            pidfd.reap(fd, block=False)
    finally:
        os.close(fd)
    assert caught.value.errno == errno.ECHILD


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give root up")
def test_what_belongs_to_others_is_not_ours_to_signal(fork: Fork) -> None:
    victim = fork(signal.pause)

    def body() -> int:
        os.setuid(65534)
        try:
            pidfd.send_signal(victim.pidfd, 0)
        except NotPermitted as error:
            return int(error.errno or 0)
        return 0

    assert fork(body).reap().code == errno.EPERM


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EOPNOTSUPP])
def test_an_old_kernel_is_named(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(number, "words")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    with pytest.raises(Unsupported):
        pidfd.open_pidfd(1)


def test_before_linux_5_4_reaping_says_so() -> None:
    # waitid(2) gives EINVAL for an id type it does not know; a descriptor below zero gets the same.
    with pytest.raises(Unsupported, match=r"5\.4"):
        pidfd.reap(-1, block=False)


def test_a_signal_handler_does_not_end_the_wait(fork: Fork) -> None:
    parent = pidfd.open_pidfd(os.getpid())
    reader, writer = os.pipe()
    before = signal.signal(signal.SIGUSR1, lambda *_: os.write(writer, b"x") and None)

    def body() -> int:
        pidfd.send_signal(parent, signal.SIGUSR1)
        os.read(reader, 1)  # goes on when the handler has run, most often inside the wait
        return 4

    try:
        assert fork(body).reap().code == 4
    finally:
        signal.signal(signal.SIGUSR1, before)
        for fd in (parent, reader, writer):
            os.close(fd)
