"""One command, measured: wall clock, processor time, peak memory, exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launch.py")
GRACE = 10.0


@dataclass(frozen=True)
class Run:
    """What one run cost.  ``max_rss`` is the largest single process; see launch.py."""

    seconds: float
    user: float
    system: float
    max_rss: int
    floor_rss: int
    code: int
    stderr: str

    @property
    def cpu(self) -> float:
        """Processor seconds, in the program and in the kernel."""
        return self.user + self.system


def run(command: Sequence[str], env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Run:
    """Run ``command`` (an absolute program path first) to its end.

    It gets a process group of its own, so that a Ctrl-C reaches the bench alone, which then ends the
    whole group: nothing may go on writing into a place that is about to be given back.
    """
    reader, writer = os.pipe()
    with open(reader, "rb") as results, tempfile.TemporaryFile() as errors:
        try:
            launcher = subprocess.Popen(
                [sys.executable, "-I", "-S", str(LAUNCHER), str(writer), *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=(writer,),
                process_group=0,
                env=env,
                cwd=cwd,
            )
        finally:
            os.close(writer)
        try:
            launcher.wait()
        except BaseException:
            _end_group(launcher)
            raise
        report = results.read()
        errors.seek(0)
        complaint = errors.read()[-4000:].decode(errors="replace").strip()
    if not report:
        raise RuntimeError(f"{command[0]} could not be started: {complaint}")
    return Run(**json.loads(report), stderr=complaint)


def _end_group(launcher: subprocess.Popen[bytes]) -> None:
    """End the launcher and all that it started: politely first, then for certain."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(launcher.pid, number)
        except ProcessLookupError:
            break
        try:
            launcher.wait(GRACE)
        except subprocess.TimeoutExpired:
            continue
    launcher.wait()
