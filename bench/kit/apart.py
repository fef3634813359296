"""A run in an interpreter of its own: what one contestant starts, registers or leaves is nothing to the next.

The interpreter is the head of a process group.  When it has ended, or had to be, what is left of the group gets
a moment to go by itself (resource trackers tidy up after their parent), then it is killed: by the number of the
group, which belongs to us as long as its head is not reaped.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.kit.stuck import Stuck

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 120.0  # seconds an answer may take
GRACE = 3.0  # seconds in which the interpreter, and then its group, may go by itself
_LOOK = 0.01
_DYING = 10.0  # seconds; a killed process takes its time on a machine that is busy
# A linear algebra library would start threads in each of them, and who has threads should not fork.
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Apart:
    """An interpreter that calls functions for us, one after the other.  They have to be importable."""

    def __init__(self) -> None:
        questions, self._ask = os.pipe()
        self._hear, answers = os.pipe()
        self._noise = tempfile.TemporaryFile()
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "bench.kit.call", str(questions), str(answers)],
                stdin=subprocess.DEVNULL,
                stdout=self._noise,
                stderr=subprocess.STDOUT,
                pass_fds=(questions, answers),
                process_group=0,
                cwd=ROOT,
                env={**os.environ, **_ENVIRONMENT},
            )
            self._pidfd = os.pidfd_open(self._child.pid)
        finally:
            os.close(questions)
            os.close(answers)
        self._questions = open(self._ask, "wb")
        self._answers = open(self._hear, "rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(GRACE if kind is None or issubclass(kind, Exception) else 0.0)

    def ask(self, function: Callable[..., Any], *arguments: Any, limit: float = LIMIT) -> Any:
        """What the function returns there; raises Stuck, with the reason, when nothing does."""
        try:
            pickle.dump((function, arguments), self._questions)
            self._questions.flush()
            ready, _, _ = select.select([self._hear, self._pidfd], (), (), limit)
            if not ready:
                raise Stuck(f"not over after {limit:g} s")
            if self._hear not in ready:
                raise Stuck("the run itself has failed")
            well, answer = pickle.load(self._answers)
            if not well:
                raise Stuck(answer)
        except (BrokenPipeError, EOFError) as error:
            raise self._told(Stuck("the run itself has failed")) from error
        except Stuck as reason:
            raise self._told(reason) from None
        return answer

    def close(self, grace: float = GRACE) -> None:
        """End it and all that it started."""
        for file in (self._questions, self._answers, self._noise):
            try:
                file.close()
            except BrokenPipeError:
                pass
        try:
            if not select.select([self._pidfd], (), (), grace)[0]:
                self._child.kill()
            deadline = time.monotonic() + GRACE
            while members(self._child.pid) and time.monotonic() < deadline:
                select.select((), (), (), _LOOK)
        finally:
            left = _pidfds(members(self._child.pid))
            os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()
            for pidfd in left:
                select.select([pidfd], (), (), _DYING)
                os.close(pidfd)
            os.close(self._pidfd)

    def _told(self, reason: Stuck) -> Stuck:
        """Show the last words of the interpreter, which may say more than the reason."""
        self._noise.seek(0)
        if words := self._noise.read()[-2000:].decode(errors="replace").strip():
            print(words, file=sys.stderr, flush=True)
        return reason


def apart(function: Callable[..., Any], *arguments: Any, limit: float = LIMIT) -> Any:
    """One call in an interpreter of its own."""
    with Apart() as place:
        return place.ask(function, *arguments, limit=limit)


def _pidfds(pids: list[int]) -> list[int]:
    found = []
    for pid in pids:
        try:
            found.append(os.pidfd_open(pid))
        except ProcessLookupError:
            continue
    return found


def members(group: int) -> list[int]:
    """Who is in a process group and still runs."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            words = Path("/proc", name, "stat").read_text(errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(words[2]) == group and words[0] not in "ZX":
            found.append(int(name))
    return found
