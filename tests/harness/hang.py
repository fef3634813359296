"""No test hangs: at its limit it fails, with every stack of pytest and the whereabouts of its children.

SIGALRM raises in the main thread.  Should that thread sit in C code and never come back to Python, a
kernel timer sends SIGABRT a little later, on which faulthandler writes all stacks and pytest ends.  It is
a kernel timer and not ``faulthandler.dump_traceback_later``, because that one is a thread: fork would warn.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

from tests.harness import processes

LIMIT = 60.0
# A test that swallows the first exception gets it again, and then no more mercy.
AGAIN = 5.0
BACKSTOP = 20.0


class _Timer:
    """timer_create(2) with SIGABRT: the one clock that needs neither a thread nor Python."""

    _MONOTONIC = 1
    _SIGEV_SIGNAL = 0

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        event = struct.pack("@Pii48x", 0, signal.SIGABRT, self._SIGEV_SIGNAL)
        self._id = ctypes.c_void_p()
        if self._libc.timer_create(self._MONOTONIC, event, ctypes.byref(self._id)):
            raise OSError(ctypes.get_errno(), "timer_create")

    def set(self, seconds: float) -> None:
        """Fire after ``seconds``; 0 disarms."""
        spec = struct.pack("@qqqq", 0, 0, int(seconds), int(seconds % 1 * 1e9))
        self._libc.timer_settime(self._id, 0, spec, None)


_TIMER = _Timer()


def stacks() -> str:
    """The stacks of all our threads, and where each child stands in the kernel."""
    with tempfile.TemporaryFile("w+") as file:
        faulthandler.dump_traceback(file, all_threads=True)
        file.seek(0)
        parts = [file.read()]
    for pid in processes.descendants(os.getpid()):
        state, parent = processes.state_and_parent(pid)
        parts.append(f"child {pid} of {parent}, state {state}: {processes.cmdline(pid)}")
        for name in ("wchan", "syscall", "stack"):
            text = processes.read(pid, name).decode(errors="replace").strip()
            parts.append(f"  {name}: " + text.replace("\n", "\n    "))
    return "\n".join(parts)


def _hung(seconds: float) -> None:
    text = stacks()
    for pid in processes.descendants(os.getpid()):
        _kill_only(pid)
    pytest.fail(f"hung: not done after {seconds:g} s\n{text}", pytrace=False)


def _kill_only(pid: int) -> None:
    # Not reaped: what hangs may be about to do that, and must not lose its child to us.
    try:
        pidfd = os.pidfd_open(pid)
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        os.close(pidfd)
    except ProcessLookupError:
        pass


@contextmanager
def limit(item: pytest.Item) -> Iterator[None]:
    marker = item.get_closest_marker("hang_limit")
    seconds = float(marker.args[0]) if marker else LIMIT
    if item.config.getoption("usepdb"):
        yield
        return

    def alarm(number: int, frame: FrameType | None) -> None:
        _hung(seconds)

    before = signal.signal(signal.SIGALRM, alarm)
    _TIMER.set(seconds + BACKSTOP)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        _TIMER.set(0)
        signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with limit(item):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with limit(item):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    with limit(item):
        return (yield)
