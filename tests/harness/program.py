"""The ``pn`` fixture: the real program in a process of its own, in a clean environment."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

PN = (sys.executable, "-m", "procession")


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """What a fresh login has, plus the mark by which leaks are found."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "PN_TESTS": os.environ["PN_TESTS"],
        **more,
    }


@dataclass(frozen=True)
class Ran:
    """A finished run of ``pn``.  Text that is not UTF-8 keeps its bytes as surrogates."""

    args: tuple[str | bytes, ...]
    code: int
    out: str
    err: str
    seconds: float


class Program:
    """Runs ``pn``: ``pn("copy", "a", "b")``; or starts it, for tests that interfere: ``pn.start(...)``."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._started: list[subprocess.Popen[bytes]] = []

    def __call__(
        self,
        *args: str | bytes | Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        timeout: float = 50,
    ) -> Ran:
        begun = time.monotonic()
        program = self.start(*args, cwd=cwd, env=env)
        try:
            out, err = program.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            program.kill()
            out, err = program.communicate()
            pytest.fail(f"pn {args} did not end in {timeout:g} s; stdout {out!r}; stderr {err!r}")
        words = tuple(str(word) if isinstance(word, Path) else word for word in args)
        return Ran(words, program.returncode, _text(out), _text(err), time.monotonic() - begun)

    def start(
        self, *args: str | bytes | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start ``pn`` with three pipes and leave it running; it is killed after the test."""
        program = subprocess.Popen(
            [*PN, *args],
            cwd=cwd or self.home,
            env=clean_environment(self.home, **(env or {})),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._started.append(program)
        return program

    def close(self) -> None:
        for program in self._started:
            if program.poll() is None:
                program.kill()
            program.wait()
            for pipe in (program.stdin, program.stdout, program.stderr):
                if pipe is not None:
                    pipe.close()


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


@pytest.fixture
def pn(tmp_path: Path) -> Iterator[Program]:
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    program = Program(home)
    yield program
    program.close()
