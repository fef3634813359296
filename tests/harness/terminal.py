"""The ``pn_tty`` fixture: ``pn`` as a person meets it, on a terminal that we hold the other end of."""

from __future__ import annotations

import codecs
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from tests.harness.program import PN, clean_environment

KEYS = {
    "enter": b"\r",
    "tab": b"\t",
    "escape": b"\x1b",
    "backspace": b"\x7f",
    "up": b"\x1b[A",
    "down": b"\x1b[B",
    "right": b"\x1b[C",
    "left": b"\x1b[D",
    "ctrl-c": b"\x03",
    "ctrl-d": b"\x04",
    "ctrl-z": b"\x1a",
    "ctrl-\\": b"\x1c",
}
# CSI, OSC and two-byte sequences.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])")


class Terminal:
    """A program on a pty of its own, as leader of its session and owner of the terminal."""

    def __init__(
        self,
        words: tuple[str | bytes | Path, ...],
        *,
        cwd: Path,
        env: Mapping[str, str],
        rows: int = 24,
        columns: int = 80,
    ) -> None:
        self.transcript = ""
        self._seen = 0  # how much of the plain text earlier waits have used up
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._master, slave = os.openpty()
        os.set_blocking(self._master, False)
        self.resize(rows, columns)
        try:
            self.program = subprocess.Popen(
                words,
                cwd=cwd,
                env=env,
                stdin=slave,
                stdout=slave,
                stderr=slave,
                start_new_session=True,
                preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            )
        except BaseException:
            os.close(self._master)
            raise
        finally:
            os.close(slave)
        self._pidfd = os.pidfd_open(self.program.pid)

    @property
    def text(self) -> str:
        """All that was written so far, without escape sequences."""
        return _ESCAPES.sub("", self.transcript)

    def send(self, *keys: str | bytes) -> None:
        """Type: a name out of ``KEYS``, or any other text as it is."""
        for key in keys:
            os.write(self._master, key if isinstance(key, bytes) else KEYS.get(key, key.encode()))

    def wait_for(self, wanted: str | re.Pattern[str], seconds: float = 10) -> str:
        """Wait until ``wanted`` has been written since the last wait; return the text up to its end."""
        pattern = re.compile(re.escape(wanted)) if isinstance(wanted, str) else wanted
        deadline = time.monotonic() + seconds
        while True:
            plain = self.text
            found = pattern.search(plain, self._seen)
            if found:
                start, self._seen = self._seen, found.end()
                return plain[start : self._seen]
            left = deadline - time.monotonic()
            if left <= 0 or not self._read(left):
                why = "not written in time" if left <= 0 else "the terminal was closed before it came"
                pytest.fail(f"{pattern.pattern!r}: {why}; the transcript:\n{self.transcript}")

    def resize(self, rows: int, columns: int) -> None:
        """Another window size; the kernel tells the foreground job with SIGWINCH."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def signal(self, number: signal.Signals) -> None:
        signal.pidfd_send_signal(self._pidfd, number)

    def wait_exit(self, seconds: float = 10) -> int:
        """Read until the program ends; return its exit code (negative: the signal)."""
        deadline = time.monotonic() + seconds
        open_still = True
        while True:
            watched = [self._pidfd, self._master] if open_still else [self._pidfd]
            ready, _, _ = select.select(watched, [], [], max(0, deadline - time.monotonic()))
            if self._master in ready:
                open_still = self._read(0)
            elif self._pidfd in ready:
                return self.program.wait()
            elif not ready:
                pytest.fail(f"still running after {seconds:g} s; the transcript:\n{self.transcript}")

    def has_ended(self, seconds: float) -> bool:
        """Does the program end within so many seconds?  What it prints meanwhile is not read."""
        return bool(select.select([self._pidfd], [], [], seconds)[0])

    def close(self) -> None:
        if self.program.poll() is None:
            self.program.kill()
            self.program.wait()
        for fd in (self._pidfd, self._master):
            with suppress(OSError):
                os.close(fd)
        self._pidfd = self._master = -1

    def _read(self, seconds: float) -> bool:
        """Wait for output and take it in; False once the terminal is closed."""
        ready, _, _ = select.select([self._master], [], [], seconds)
        if ready:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # EIO: nobody has the other end open any more
                return False
            self.transcript += self._decoder.decode(data)
        return True


Starter = Callable[..., Terminal]


@pytest.fixture
def pn_tty(tmp_path: Path) -> Iterator[Starter]:
    """``pn_tty("copy", "a", cwd=..., env=..., rows=24, columns=80) -> Terminal``; closed after the test."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    started: list[Terminal] = []

    def start(
        *args: str | bytes | Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        rows: int = 24,
        columns: int = 80,
        program: tuple[str, ...] = PN,
    ) -> Terminal:
        environment = clean_environment(home, **{"TERM": "xterm-256color", **(env or {})})
        started.append(
            Terminal((*program, *args), cwd=cwd or home, env=environment, rows=rows, columns=columns)
        )
        return started[-1]

    yield start
    for terminal in started:
        terminal.close()
