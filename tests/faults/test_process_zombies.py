"""A child is reaped the moment it ends, joined or not; and nobody else's child is touched."""

from __future__ import annotations

import gc
import os
import select
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from procession.linux.pidfd import open_pidfd
from procession.process import reaper
from procession.process.context import get_context
from tests.contract import processkit
from tests.harness import processes

METHODS = ["fork", "spawn", "forkserver"]


@pytest.fixture(params=METHODS)
def ctx(request: pytest.FixtureRequest) -> Any:
    return get_context(request.param)


def reaped(pid: int, seconds: float = 20) -> bool:
    """Does the number disappear from /proc?  (A pidfd would tell the end, not the reaping.)"""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if processes.state_and_parent(pid)[0] == "":
            return True
        select.select([], [], [], 0.001)  # nothing tells of a reaping: look again
    return False


def test_nobody_joins(ctx: Any) -> None:
    started = [ctx.Process(target=processkit.double, args=(number,)) for number in range(3)]
    for process in started:
        process.start()
    for process in started:
        assert reaped(process.pid)
    assert [process.exitcode for process in started] == [0, 0, 0]


def test_nobody_even_knows_it_any_more(ctx: Any) -> None:
    process = ctx.Process(target=processkit.double, args=(1,))
    process.start()
    pid = process.pid
    del process
    gc.collect()
    assert reaped(pid)


def test_one_killed_from_outside(ctx: Any) -> None:
    mine, theirs = ctx.Pipe(duplex=False)
    process = ctx.Process(target=processkit.wait_for_ever, args=(theirs,))
    process.start()
    theirs.close()
    os.kill(mine.recv(), signal.SIGKILL)
    assert reaped(process.pid)
    assert process.exitcode == -signal.SIGKILL
    mine.close()


def test_strangers_are_left_alone(ctx: Any) -> None:
    """A child of subprocess, and one by os.fork, keep their status for who waits for them."""
    other = subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"])
    pid = os.fork()
    if pid == 0:
        os._exit(8)
    process = ctx.Process(target=processkit.double, args=(1,))
    process.start()
    process.join()
    for stranger in (other.pid, pid):
        pidfd = open_pidfd(stranger)
        select.select([pidfd], [], [], 20)
        os.close(pidfd)
        assert processes.state_and_parent(stranger)[0] == "Z"
    assert other.wait() == 7
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 8


def test_the_reaper_comes_and_goes(ctx: Any) -> None:
    before = len(os.listdir("/proc/self/task"))
    names = threading.enumerate()
    for _ in range(3):
        process = ctx.Process(target=processkit.double, args=(1,))
        process.start()
        assert threading.enumerate() == names  # it is in nobody's books
        process.join()
        if ctx.get_start_method() != "forkserver":  # there the server is a child that stays
            reaper.rest()
            assert len(os.listdir("/proc/self/task")) == before


def test_without_children_the_reaper_goes_by_itself() -> None:
    before = set(os.listdir("/proc/self/task"))
    process = get_context("fork").Process(target=processkit.double, args=(1,))
    process.start()
    process.join()
    left = set(os.listdir("/proc/self/task")) - before
    until = time.monotonic() + 10
    while left & set(os.listdir("/proc/self/task")) and time.monotonic() < until:
        select.select([], [], [], 0.01)  # nothing tells of a thread's end: look again
    assert not left & set(os.listdir("/proc/self/task"))


def test_a_fork_of_the_user_finds_one_thread() -> None:
    """On Python 3.12 a fork with a second thread warns."""
    for _ in range(20):
        process = get_context("fork").Process(target=processkit.double, args=(1,))
        process.start()
        process.join()
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)


def test_a_fork_with_the_reaper_at_work_warns_of_nothing() -> None:
    """The harness makes a DeprecationWarning an error."""
    forked = get_context("fork")
    mine, theirs = forked.Pipe(duplex=False)
    first = forked.Process(target=processkit.wait_for_ever, args=(theirs,))
    first.start()
    mine.recv()
    assert reaper.is_only_other_thread()
    second = forked.Process(target=processkit.has_a_child, args=(forked.Process,))
    second.start()
    assert second.result() == 8
    first.kill()
    first.join()
    mine.close()
    theirs.close()


def test_many_threads_ask_at_once(ctx: Any) -> None:
    process = ctx.Process(target=processkit.double, args=(21,))
    process.start()
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(process.result())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [42] * 8


def test_a_signal_handler_that_looks_at_children(ctx: Any) -> None:
    """It may come in the middle of a join, or of the reaper's bookkeeping."""
    looks = []
    process = ctx.Process(target=processkit.burn, args=(0.3,))

    def look(*_: object) -> None:
        looks.append(process.is_alive())
        ctx.active_children()

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        process.start()
        process.join()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert process.exitcode == 0
    assert True in looks


def test_forks_in_one_thread_and_starts_in_others(ctx: Any) -> None:
    """A fork finds the reaper in no half-done step, whenever it comes."""
    if ctx.get_start_method() == "fork":
        pytest.skip("forks with several threads are what this method is not for")
    stop = threading.Event()
    failures: list[str] = []

    def start_and_join() -> None:
        while not stop.is_set():
            process = ctx.Process(target=processkit.double, args=(1,))
            process.start()
            if process.result() != 2:
                failures.append(repr(process))

    threads = [threading.Thread(target=start_and_join) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        import warnings

        for _ in range(50):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                pid = os.fork()
            if pid == 0:
                # The child's reaper is empty and free: this would hang otherwise.
                os._exit(0 if reaper.lock().acquire(timeout=5) and not reaper._state.handles else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures
