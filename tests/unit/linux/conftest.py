"""Children and programs for the tests of the kernel floor; whatever a test leaves is ended and reaped."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import procession
from procession.linux import pidfd
from procession.linux.pidfd import Status

SOURCES = str(Path(procession.__path__[0]).parent)


@dataclass
class Child:
    """A forked child, named by its pidfd."""

    pid: int
    pidfd: int
    status: Status | None = None

    def reap(self) -> Status:
        if self.status is None:
            self.status = pidfd.reap(self.pidfd)
        assert self.status is not None
        return self.status


Fork = Callable[[Callable[[], object]], Child]
Program = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def fork() -> Iterator[Fork]:
    """Run a function in a forked child, which exits with the int it returns (None: 0; an exception: 99)."""
    children: list[Child] = []

    def start(body: Callable[[], object]) -> Child:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # fork beside the watchdog of the harness
            pid = os.fork()
        if pid == 0:
            code = 99
            try:
                answer = body()
                code = answer if isinstance(answer, int) else 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        children.append(Child(pid, pidfd.open_pidfd(pid)))
        return children[-1]

    yield start
    for child in children:
        if child.status is None:
            pidfd.send_signal(child.pidfd, 9)
            child.reap()
        os.close(child.pidfd)


@pytest.fixture
def program() -> Iterator[Program]:
    """Run the text of a Python program that imports procession; its output is a pipe."""
    running: list[subprocess.Popen[str]] = []

    def start(text: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": SOURCES}
        command = [sys.executable, "-c", text]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
def opened() -> Iterator[Callable[..., int]]:
    """``os.open`` whose descriptors are closed after the test."""
    fds: list[int] = []

    def open_(path: str | Path, flags: int = os.O_RDONLY, mode: int = 0o600) -> int:
        fds.append(os.open(path, flags | os.O_CLOEXEC, mode))
        return fds[-1]

    yield open_
    for fd in fds:
        os.close(fd)
