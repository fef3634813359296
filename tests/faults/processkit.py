"""A program that has children and is struck: what it does, and how a test talks to it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Self

from procession.linux.pidfd import open_pidfd, wait_exit
from procession.process.context import get_context
from tests.harness.staying import stay_for_signals

DEADLINE = 20.0  # seconds


def spin(pipe: int | None = None) -> None:
    """Never gives the GIL back: no thread and no signal handler of Python's will run again."""
    told(pipe)
    re.match(r"(a+)+$", "a" * 64 + "b")


def stay(pipe: int | None = None) -> None:
    told(pipe)
    stay_for_signals()


def told(_pipe: int | None) -> None:
    """One line on stdout: a pid."""
    os.write(1, f"{os.getpid()}\n".encode())


def nest(method: str, depth: int) -> None:
    """A chain of processes, each holding the GIL in the end."""
    if not depth:
        spin()
    told(None)
    get_context(method).Process(target=nest, args=(method, depth - 1)).start()
    while True:
        signal.pause()


class Program:
    """A script in an interpreter of its own, with a pipe for what it says."""

    def __init__(self, tmp_path: Path, text: str, *args: str, **options: Any) -> None:
        path = tmp_path / "program.py"
        path.write_text(textwrap.dedent(text))
        self.process = subprocess.Popen(
            [sys.executable, str(path), *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, (os.getcwd(), os.environ.get("PYTHONPATH")))),
            },
            **options,
        )
        self._pidfds: dict[int, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pidfd in self._pidfds.values():
            os.close(pidfd)
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def word(self) -> str:
        assert self.process.stdout is not None
        return str(self.process.stdout.readline()).strip()

    def pids(self, count: int) -> list[int]:
        """So many pids that it or its children have told, each held by a pidfd."""
        found = [int(self.word()) for _ in range(count)]
        for pid in {*found} - {*self._pidfds}:
            self._pidfds[pid] = open_pidfd(pid)
        return found

    def end(self, signum: int = signal.SIGKILL) -> tuple[int, str, str]:
        """Strike it and wait: exit code, stdout, stderr."""
        self.process.send_signal(signum)
        out, err = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, out, err

    def gone(self, pid: int, seconds: float = DEADLINE) -> bool:
        return wait_exit(self._pidfds[pid], seconds)
