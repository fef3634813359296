"""One measured command: its figures, its exit, and its end when the bench is interrupted."""

from __future__ import annotations

import os
import select
import signal
import sys
from pathlib import Path
from types import FrameType

import pytest

from bench.kit.measure import run

SHELL = "/bin/sh"


def test_time_exit_code_and_complaint() -> None:
    done = run([SHELL, "-c", "sleep 0.2; echo trouble >&2; exit 3"])
    assert done.code == 3
    assert done.stderr == "trouble"
    assert 0.2 <= done.seconds < 10


def test_a_signal_is_a_negative_code() -> None:
    assert run([SHELL, "-c", "kill -9 $$"]).code == -signal.SIGKILL


def test_processor_time_of_descendants_counts() -> None:
    spin = f"{sys.executable} -S -c 'sum(range(10_000_000))'"
    done = run([SHELL, "-c", f"{spin}; true"])
    assert done.cpu > 0.05


def test_peak_memory_is_the_command_s_and_not_the_bench_s() -> None:
    ballast = bytearray(os.urandom(1 << 20) * 200)
    done = run(["/bin/true"])
    assert done.max_rss < len(ballast) / 4
    big = run([sys.executable, "-S", "-c", "b'x' * 150_000_000"])
    assert big.max_rss > 150_000_000 > big.floor_rss


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(RuntimeError, match="could not be started"):
        run(["/nonexistent/program"])


def test_the_command_does_not_inherit_the_result_pipe_nor_ignored_signals() -> None:
    code = "import os, signal, sys; sys.exit(max(map(int, os.listdir('/proc/self/fd'))) * 10)"
    assert run([sys.executable, "-S", "-c", code]).code == 30  # 0, 1, 2 and the listing itself
    # Bit 12 (from 0) of SigIgn is SIGPIPE; cat itself changes nothing.
    done = run([SHELL, "-c", "grep SigIgn /proc/self/status >&2"])
    assert int(done.stderr.split()[1], 16) & 1 << (signal.SIGPIPE - 1) == 0


def test_interrupted_the_whole_group_ends(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The stubborn grandchild ignores SIGTERM, as a tool that tidies up might for a while."""
    note = tmp_path / "pid"
    held: list[int] = []

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        if not held and note.exists() and note.read_text().endswith("\n"):
            held.append(os.pidfd_open(int(note.read_text())))
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    request.addfinalizer(lambda: signal.signal(signal.SIGALRM, before))
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    try:
        with pytest.raises(KeyboardInterrupt):
            run([SHELL, "-c", f"trap '' TERM; (sleep 60 & echo $! > {note}; wait); true"])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    poll = select.poll()
    poll.register(held[0], select.POLLIN)
    ended = poll.poll(10_000)
    os.close(held[0])
    assert ended
