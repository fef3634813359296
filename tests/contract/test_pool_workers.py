"""The workers of a pool: what they know of themselves, why they go, and what they may use and start."""

from __future__ import annotations

import os
import resource
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

import procession
from procession.errors import WorkerDied
from procession.pool.runner import resident
from procession.process.options import Limits
from tests.contract import poolkit
from tests.contract.poolkit import Gate

MakePool = Callable[..., Any]
MIB = 1 << 20


def count_calls(_: Any = None) -> int:
    state = procession.current_worker().state
    state["calls"] = state.get("calls", 0) + 1
    return int(state["calls"])


def open_connection(name: str) -> None:
    procession.current_worker().state["name"] = name


def who_am_i(_: Any = None) -> tuple[int, int, str, Any, Any]:
    me = procession.current_worker()
    return me.number, me.pid, me.name, me.shared, me.state.get("name")


def note_and_die(text: str) -> None:
    procession.current_worker().note(text)
    os.kill(os.getpid(), signal.SIGKILL)


def note_only(text: str) -> None:
    procession.current_worker().note(text)


# ── current_worker ────────────────────────────────────────────────────────────────────────────────


def test_a_worker_knows_itself(our_pool: MakePool) -> None:
    pool = our_pool(2, open_connection, ("db",), shared={"large": [1, 2]})
    seen = pool.map(who_am_i, range(20), 1)
    processes = {process.pid: process.name for process in pool._pool}
    for number, pid, name, shared, kept in seen:
        assert processes[pid] == name
        assert number in {1, 2}
        assert shared == {"large": [1, 2]}
        assert kept == "db"


def test_state_is_kept_from_task_to_task(our_pool: MakePool) -> None:
    pool = our_pool(1)
    assert [pool.apply(count_calls), *pool.map(count_calls, range(3))] == [1, 2, 3, 4]
    pool = our_pool(1, maxtasksperchild=1)
    assert pool.map(count_calls, range(2), 1) == [1, 1]


def test_a_note_stands_in_the_death_of_its_task_alone(our_pool: MakePool) -> None:
    pool = our_pool(1)
    with pytest.raises(WorkerDied, match="row 17 of the table") as caught:
        pool.apply(note_and_die, ("row 17 of the table",))
    assert caught.value.doing == "row 17 of the table"
    assert caught.value.exit.signal == signal.SIGKILL
    assert f"worker {caught.value.pid} was killed by SIGKILL (9) in the middle of task" in str(caught.value)
    pool.apply(note_only, ("of another task",))
    with pytest.raises(WorkerDied, match=r"\(die\(\)\)"):
        pool.apply(poolkit.die)
    with pytest.raises(WorkerDied, match="ü"):
        pool.apply(note_and_die, ("ü" * 10_000,))


def test_outside_of_a_worker_there_is_none() -> None:
    with pytest.raises(RuntimeError, match="no worker"):
        procession.current_worker()


# ── coming and going ──────────────────────────────────────────────────────────────────────────────


class Diary:
    """Of the workers: on_worker_start and on_worker_exit."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.ended: list[tuple[int, Any, str]] = []

    def start(self, pid: int) -> None:
        self.started.append(pid)

    def exit(self, pid: int, exit_: Any, why: str) -> None:
        self.ended.append((pid, exit_, why))


def test_whoever_comes_and_goes_is_told_with_the_reason(our_pool: MakePool) -> None:
    diary = Diary()
    pool = our_pool(1, on_worker_start=diary.start, on_worker_exit=diary.exit)
    pid = pool.apply(poolkit.own_pid)
    assert diary.started == [pid]
    with pytest.raises(WorkerDied):
        pool.apply(poolkit.die)
    poolkit.wait_until(lambda: len(diary.started) == 2 and diary.ended)
    assert diary.ended[0][0] == pid
    assert diary.ended[0][1].signal == signal.SIGKILL
    assert "killed by SIGKILL" in diary.ended[0][2]
    assert pool.stats().replaced == (f"worker 1 (pid {pid}): was killed by SIGKILL (9)",)
    pool.close()
    pool.join()
    assert [entry[2] for entry in diary.ended[1:]] == ["the pool was closed"]
    assert diary.ended[1][1].code == 0


def test_hooks_that_raise_disturb_nobody(forked_pool: MakePool, monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[Any] = []
    monkeypatch.setattr("threading.excepthook", reported.append)

    def fails(*_: Any) -> None:
        raise LookupError("in a hook")

    pool = forked_pool(1, on_worker_start=fails, on_worker_exit=fails)
    assert pool.apply(poolkit.double, (1,)) == 2
    pool.terminate()
    pool.join()
    assert [str(entry.exc_value) for entry in reported] == ["in a hook"] * 2


def grow(mebibytes: int) -> int:
    procession.current_worker().state["ballast"] = bytearray(os.urandom(1024) * (1024 * mebibytes))
    return os.getpid()


def test_a_worker_that_has_grown_is_replaced(our_pool: MakePool) -> None:
    diary = Diary()
    bare = resident(our_pool(1).apply(poolkit.own_pid))  # a forked one begins with its parent's memory
    limit = bare + 300 * MIB
    pool = our_pool(1, maxmemory=limit, on_worker_exit=diary.exit)
    small = pool.apply(grow, (1,))
    assert pool.apply(poolkit.own_pid) == small
    assert pool.apply(grow, (310,)) == small
    poolkit.wait_until(lambda: pool._pool and pool.apply(poolkit.own_pid) != small)
    poolkit.wait_until(lambda: diary.ended)
    assert f"more than maxmemory={limit}" in diary.ended[0][2]
    assert f"more than maxmemory={limit}" in pool.stats().replaced[0]


def test_limits_are_those_of_each_worker(our_pool: MakePool) -> None:
    pool = our_pool(1, limits=Limits(memory=400 * MIB, open_files=50))
    assert pool.apply(resource.getrlimit, (resource.RLIMIT_NOFILE,))[0] == 50
    with pytest.raises(MemoryError):
        pool.apply(bytearray, (500 * MIB,))
    assert pool.apply(poolkit.double, (1,)) == 2
    assert pool.stats().replaced == ()


def spin(_: Any = None) -> None:
    while True:
        pass


@pytest.mark.slow
def test_a_worker_beyond_its_cpu_time_is_explained(our_pool: MakePool) -> None:
    pool = our_pool(1, limits=Limits(cpu_seconds=1))
    with pytest.raises(WorkerDied, match="SIGXCPU"):
        pool.apply(spin)
    assert pool.apply(poolkit.double, (1,)) == 2


def test_a_worker_killed_while_idle_costs_no_task(our_pool: MakePool) -> None:
    pool = our_pool(2)
    for _ in range(3):
        pid = pool.apply(poolkit.own_pid)
        os.kill(pid, signal.SIGKILL)
        assert pool.map(poolkit.double, range(20)) == list(range(0, 40, 2))
    poolkit.wait_until(lambda: len(pool._pool) == 2)
    assert pool.stats().failed == 0


# ── what tasks may be and do ──────────────────────────────────────────────────────────────────────


def test_lambdas_and_closures_travel(our_pool: MakePool) -> None:
    pool = our_pool()
    factor = 3

    def times(number: int) -> int:
        return factor * number

    assert pool.map(lambda number: number + factor, range(3)) == [3, 4, 5]
    assert pool.apply(times, (5,)) == 15
    assert pool.apply(lambda: lambda: 7)() == 7
    assert list(pool.imap(times, iter([1, 2]))) == [3, 6]
    assert pool.starmap(lambda a, b: a - b, [(5, 1)]) == [4]


def a_pool_inside(number: int) -> list[int]:
    with procession.Pool(2) as pool:
        return pool.map(poolkit.double, range(number))


def test_a_task_may_have_a_pool_of_its_own(our_pool: MakePool) -> None:
    pool = our_pool(2)
    assert pool.map(a_pool_inside, [3, 2], 1) == [[0, 2, 4], [0, 2]]


def leaves_a_thread(gate: str) -> int:
    threading.Thread(target=poolkit.arrive, args=(gate,)).start()
    return 1


def test_a_task_may_start_threads(our_pool: MakePool, gate: Gate) -> None:
    pool = our_pool(1)
    assert pool.apply(leaves_a_thread, (gate.path,)) == 1
    gate.arrivals(1)


def forks_and_returns(_: Any = None) -> int:
    child = os.fork()
    if child == 0:
        return 99  # the child comes back out of the task: it must not work on
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_child_that_comes_back_out_of_a_task_does_no_harm(forked_pool: MakePool) -> None:
    pool = forked_pool(1)
    assert pool.apply(forks_and_returns) == 1
    assert pool.map(forks_and_returns, range(2)) == [1, 1]
    assert pool.apply(poolkit.double, (4,)) == 8
