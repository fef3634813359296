"""A terminal in tmux, driven as a person would, looked at as a person sees it."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.program import clean_environment


class Tmux:
    """A server of its own; in control mode it says when something was written."""

    def __init__(
        self, home: Path, *command: str, size: tuple[int, int] = (120, 40), name: str = "tmux", **more: str
    ) -> None:
        env = clean_environment(home, TERM="xterm-256color", **more)
        self._base = ["tmux", "-f", os.devnull, "-S", str(home / name)]
        self._env = env
        columns, rows = map(str, size)
        self.client = subprocess.Popen(
            [*self._base, "-C", "new-session", "-x", columns, "-y", rows, *command],
            env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._wait_for_output(time.monotonic() + 30)
        self._server = os.pidfd_open(int(self.ask("display-message", "-p", "#{pid}")))

    def ask(self, *words: str) -> str:
        done = subprocess.run(
            [*self._base, *words], env=self._env, capture_output=True, text=True, check=True
        )
        return done.stdout

    def send(self, *keys: str) -> None:
        self.ask("send-keys", *keys)

    def wait_for(self, words: str, *, gone: bool = False) -> str:
        """Until the pane shows it (or no more)."""
        return self.wait_until(
            lambda pane: (words in pane) != gone, f"{words!r} {'stays' if gone else 'did not come'}"
        )

    def wait_until(self, fits: Callable[[str], bool], otherwise: str, seconds: float = 40) -> str:
        """Until the pane is so; looked at whenever something was written."""
        deadline = time.monotonic() + seconds
        while True:
            pane = self.ask("capture-pane", "-p")
            if fits(pane):
                return pane
            if not self._wait_for_output(deadline):
                pytest.fail(f"{otherwise}; the pane:\n{pane}")

    def wait_for_more(self) -> str:
        """The pane after the next output."""
        if not self._wait_for_output(time.monotonic() + 40):
            pytest.fail(f"nothing more was written; the pane:\n{self.ask('capture-pane', '-p')}")
        return self.ask("capture-pane", "-p")

    def _wait_for_output(self, deadline: float) -> bool:
        assert self.client.stdout is not None
        ready, _, _ = select.select([self.client.stdout], [], [], max(0, deadline - time.monotonic()))
        return bool(ready) and os.read(self.client.stdout.fileno(), 1 << 16) != b""

    def close(self) -> None:
        subprocess.run([*self._base, "kill-server"], env=self._env, capture_output=True, check=False)
        assert select.select([self._server], [], [], 30)[0]
        os.close(self._server)
        self.client.communicate(timeout=30)
