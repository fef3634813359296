"""What a full-screen program costs: it runs on a terminal of ours, whose output is read and thrown away."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

ROWS, COLUMNS = 40, 120
SETTLE = 10.0  # seconds: programs start, histories begin


class Screen:
    """A program on a terminal."""

    def __init__(self, line: Sequence[str]) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", HTOPRC="/dev/null")
            os.execvp(line[0], list(line))
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("4H", ROWS, COLUMNS, 0, 0))

    def cpu_seconds(self) -> float:
        """User and system time of all its threads, and of children that it has waited for."""
        with open(f"/proc/{self.pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        if fields[0] == b"Z":
            raise RuntimeError("a contestant has ended")
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)  # our own child, and not reaped: the pid is its
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def watched(lines: Mapping[str, Sequence[str]], seconds: float) -> dict[str, float]:
    """CPU seconds of each program, all of them at once, in so many seconds."""
    with ExitStack() as stack:
        screens = {}
        for name, line in lines.items():
            screens[name] = Screen(line)
            stack.callback(screens[name].close)
        _drain(list(screens.values()), SETTLE)
        before = {name: screen.cpu_seconds() for name, screen in screens.items()}
        _drain(list(screens.values()), seconds)
        return {name: screen.cpu_seconds() - before[name] for name, screen in screens.items()}


def _drain(screens: Sequence[Screen], seconds: float) -> None:
    until = time.monotonic() + seconds
    fds = [screen.fd for screen in screens]
    while (left := until - time.monotonic()) > 0:
        for fd in select.select(fds, [], [], left)[0]:
            try:
                os.read(fd, 1 << 16)
            except OSError:  # it has ended: cpu_seconds will say so
                fds.remove(fd)
