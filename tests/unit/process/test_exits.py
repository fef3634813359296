"""An end in words."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable

import pytest

from procession.linux import pidfd
from procession.linux.pidfd import Status
from procession.process.exits import Exit, exit_of, signal_name


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status(1, 0, None), Exit(0, None, core_dumped=False, reason="ended normally")),
        (Status(1, 1, None), Exit(1, None, core_dumped=False, reason="exited with code 1")),
        (Status(1, 255, None), Exit(255, None, core_dumped=False, reason="exited with code 255")),
        (Status(1, None, 9), Exit(None, 9, core_dumped=False, reason="was killed by SIGKILL (9)")),
        (
            Status(1, None, 11, core_dumped=True),
            Exit(None, 11, core_dumped=True, reason="was killed by SIGSEGV (11) and left a core dump"),
        ),
        (
            Status(1, None, signal.SIGRTMIN + 3),
            Exit(None, 37, core_dumped=False, reason="was killed by SIGRTMIN+3 (37)"),
        ),
    ],
)
def test_the_exit_of_a_status(status: Status, expected: Exit) -> None:
    assert exit_of(status) == expected


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (1, "SIGHUP"), (15, "SIGTERM"), (31, "SIGSYS"), (32, "signal 32"), (33, "signal 33"),
        (34, "SIGRTMIN"), (35, "SIGRTMIN+1"), (63, "SIGRTMIN+29"), (64, "SIGRTMAX"),
    ],
)  # fmt: skip
def test_signals_have_names(number: int, name: str) -> None:
    assert signal_name(number) == name


def kill_self(signum: int) -> Callable[[], None]:
    def body() -> None:
        signal.signal(signum, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.kill(os.getpid(), signum)

    return body


@pytest.mark.parametrize(
    ("body", "code", "signum", "words"),
    [
        (lambda: os._exit(0), 0, None, "ended normally"),
        (lambda: os._exit(3), 3, None, "exited with code 3"),
        (lambda: os._exit(256 + 4), 4, None, "exited with code 4"),
        (kill_self(signal.SIGTERM), None, 15, "was killed by SIGTERM (15)"),
        (kill_self(signal.SIGSEGV), None, 11, "was killed by SIGSEGV (11)"),
        (kill_self(signal.SIGRTMIN + 1), None, 35, "was killed by SIGRTMIN+1 (35)"),
    ],
)
def test_real_ends(body: Callable[[], None], code: int | None, signum: int | None, words: str) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            body()
        finally:
            os._exit(99)
    descriptor = pidfd.open_pidfd(pid)
    status = pidfd.reap(descriptor)
    os.close(descriptor)
    assert status is not None
    assert exit_of(status) == Exit(code, signum, core_dumped=False, reason=words)
