"""What a task may be told: its time limit, retries, priority, what it follows; and that it is cancelled."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from procession.errors import DependencyFailed, RemoteError, TaskCancelled, TaskTimeout, WorkerDied
from tests.contract import poolkit
from tests.contract.poolkit import Gate

MakePool = Callable[..., Any]


def fails_times(tally: str, times: int, how: str = "raise") -> int:
    """Fail so often, then say how often it was begun; the tally is a file that grows by a byte each time."""
    descriptor = os.open(tally, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, b".")
    begun = os.fstat(descriptor).st_size
    os.close(descriptor)
    if begun <= times:
        if how == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        raise ConnectionError(f"attempt {begun}")
    return begun


def noted(path: str, number: int) -> int:
    """Leave the number in a file, in the order of beginning."""
    with open(path, "a", encoding="ascii") as file:
        file.write(f"{number}\n")
    return number


def stay_if_negative(task: tuple[str, int]) -> int:
    gate, number = task
    if number < 0:
        poolkit.stay(gate)
    return number


# ── time limits ───────────────────────────────────────────────────────────────────────────────────


def test_a_time_limit_ends_that_task_alone(our_pool: MakePool, gate: Gate) -> None:
    pool = our_pool()
    tasks = [(gate.path, -1 if number == 5 else number) for number in range(40)]
    results = pool.map(stay_if_negative, tasks, timeout=0.5, errors="return")
    pid = gate.arrivals(1)[0]
    error = results[5]
    assert isinstance(error, TaskTimeout)
    assert (error.task, error.pid, error.timeout) == (5, pid, 0.5)
    assert isinstance(error, TimeoutError)
    assert f"task 5 took longer than 0.5 s, and its worker {pid} was ended" in str(error)
    assert "stay_if_negative" in error.doing
    del results[5]
    assert results == [number for number in range(40) if number != 5]
    assert poolkit.is_gone(pid)
    poolkit.wait_until(lambda: len(pool._pool) == 2)


def test_a_time_limit_is_not_for_the_calls_beside_it(our_pool: MakePool, gate: Gate) -> None:
    pool = our_pool()
    stays = pool.apply_async(poolkit.stay, (gate.path,), timeout=0.3)
    holds = pool.apply_async(poolkit.held, (gate.path, 1))
    gate.arrivals(2)
    with pytest.raises(TaskTimeout, match=r"stay\("):
        stays.get(poolkit.PATIENCE)
    assert not holds.ready()
    gate.open()
    assert holds.get(poolkit.PATIENCE) == 1


def test_a_time_limit_that_is_kept_changes_nothing(our_pool: MakePool) -> None:
    pool = our_pool()
    assert pool.map(poolkit.double, range(500), timeout=30) == list(range(0, 1000, 2))
    assert pool.apply(poolkit.double, (2,), timeout=30) == 4
    assert list(pool.imap(poolkit.double, range(5), timeout=30)) == [0, 2, 4, 6, 8]
    assert pool.stats().replaced == ()


@pytest.mark.parametrize(
    ("option", "value"), [("timeout", 0), ("timeout", -1), ("retries", -1), ("backoff", -0.1)]
)
def test_impossible_options_are_refused(forked_pool: MakePool, option: str, value: float) -> None:
    pool = forked_pool(1)
    for begin in (pool.apply, pool.apply_async):
        with pytest.raises(ValueError, match=f"{option}={value}"):
            begin(poolkit.double, (1,), **{option: value})
    for many in (pool.map, pool.imap, pool.imap_unordered, pool.starmap):
        with pytest.raises(ValueError, match=f"{option}={value}"):
            many(poolkit.double, [1], **{option: value})
    with pytest.raises(TypeError, match="no_such_option"):
        pool.map(poolkit.double, [1], no_such_option=1)
    with pytest.raises(ValueError, match="errors='never'"):
        pool.map(poolkit.double, [1], errors="never")
    with pytest.raises(ValueError, match="buffersize=0"):
        pool.imap(poolkit.double, [1], buffersize=0)


# ── once more ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("how", ["raise", "die"])
def test_retries_go_on_until_it_works(our_pool: MakePool, tmp_path: Path, how: str) -> None:
    pool = our_pool()
    tally = str(tmp_path / "tally")
    assert pool.apply(fails_times, (tally, 2, how), retries=2) == 3
    assert pool.stats().retried == 2
    assert pool.starmap(fails_times, [(str(tmp_path / "other"), 1, how)], retries=1) == [2]


def test_the_last_failure_counts_when_retries_are_used_up(our_pool: MakePool, tmp_path: Path) -> None:
    pool = our_pool()
    with pytest.raises(ConnectionError, match="attempt 3"):
        pool.apply(fails_times, (str(tmp_path / "one"), 9), retries=2)
    with pytest.raises(WorkerDied, match="SIGKILL"):
        pool.apply(fails_times, (str(tmp_path / "two"), 9, "die"), retries=1)
    assert (tmp_path / "two").stat().st_size == 2
    assert pool.stats().failed == 2


def test_retry_on_chooses(forked_pool: MakePool, tmp_path: Path) -> None:
    pool = forked_pool()
    tally = str(tmp_path / "tally")
    with pytest.raises(ConnectionError, match="attempt 1"):
        pool.apply(fails_times, (tally, 5), retries=3, retry_on=LookupError)
    assert pool.apply(fails_times, (tally, 3), retries=3, retry_on=(LookupError, OSError)) == 4
    with pytest.raises(WorkerDied):
        pool.apply(fails_times, (str(tmp_path / "dies"), 1, "die"), retries=3, retry_on=OSError)
    assert pool.apply(fails_times, (str(tmp_path / "dies2"), 1, "die"), retries=3, retry_on=WorkerDied) == 2


def test_backoff_waits_twice_as_long_each_time(forked_pool: MakePool, tmp_path: Path) -> None:
    pool = forked_pool()
    begun = time.monotonic()
    waits = pool.apply_async(fails_times, (str(tmp_path / "tally"), 3), retries=3, backoff=0.05)
    assert pool.map(poolkit.double, range(3)) == [0, 2, 4]  # meanwhile others are done
    assert waits.get(poolkit.PATIENCE) == 4
    assert time.monotonic() - begun >= 0.05 + 0.1 + 0.2


def test_a_timed_out_task_may_be_retried(forked_pool: MakePool, gate: Gate) -> None:
    pool = forked_pool()
    with pytest.raises(TaskTimeout):
        pool.apply(poolkit.stay, (gate.path,), timeout=0.2, retries=1)
    assert len(set(gate.arrivals(2))) == 2


# ── priority ──────────────────────────────────────────────────────────────────────────────────────


def test_the_urgent_goes_first(our_pool: MakePool, gate: Gate, tmp_path: Path) -> None:
    pool = our_pool(1)
    order = str(tmp_path / "order")
    first = pool.apply_async(poolkit.held, (gate.path,), priority=9)
    gate.arrivals(1)
    later = [
        pool.apply_async(noted, (order, 1), priority=-1),
        pool.starmap_async(noted, [(order, 2)] * 2),
        pool.apply_async(noted, (order, 3), priority=5),
        pool.starmap_async(noted, [(order, 4)] * 2, priority=7),
    ]
    gate.open()
    first.get(poolkit.PATIENCE)
    for result in later:
        result.get(poolkit.PATIENCE)
    assert Path(order).read_text(encoding="ascii").split() == ["4", "4", "3", "2", "2", "1"]


# ── one after the other ───────────────────────────────────────────────────────────────────────────


def test_results_are_arguments(our_pool: MakePool, gate: Gate) -> None:
    pool = our_pool()
    one = pool.apply_async(poolkit.held, (gate.path, 1))
    two = pool.apply_async(poolkit.add, (one,), {"second": one})
    three = pool.apply_async(poolkit.add, (two, pool.map_async(poolkit.double, [5])), after=[one])
    with_list = pool.apply_async(poolkit.add, ([0], pool.map_async(poolkit.double, [5])))
    gate.arrivals(1)
    assert not two.ready()
    gate.open()
    assert two.get(poolkit.PATIENCE) == 2
    assert with_list.get(poolkit.PATIENCE) == [0, 10]
    with pytest.raises(TypeError):  # 2 + [10]
        three.get(poolkit.PATIENCE)


def test_after_only_waits(our_pool: MakePool, gate: Gate, tmp_path: Path) -> None:
    pool = our_pool()
    order = str(tmp_path / "order")
    first = pool.apply_async(poolkit.held, (gate.path,))
    second = pool.apply_async(noted, (order, 2), after=first)
    third = pool.apply_async(noted, (order, 3), after=(first, second))
    gate.arrivals(1)
    assert pool.apply(noted, (order, 1)) == 1
    gate.open()
    assert third.get(poolkit.PATIENCE) == 3
    assert Path(order).read_text(encoding="ascii").split() == ["1", "2", "3"]


def test_what_follows_a_failure_fails_with_it(our_pool: MakePool) -> None:
    pool = our_pool()
    bad = pool.apply_async(poolkit.raises, (LookupError, "nowhere"))
    for result in (
        pool.apply_async(poolkit.double, (bad,)),
        pool.apply_async(poolkit.double, (1,), after=bad),
        pool.apply_async(poolkit.double, (pool.apply_async(poolkit.double, (bad,)),)),
    ):
        with pytest.raises(DependencyFailed, match="nowhere") as caught:
            result.get(poolkit.PATIENCE)
        assert isinstance(caught.value.__cause__, LookupError | DependencyFailed)


def test_close_waits_for_what_is_still_to_follow(our_pool: MakePool, gate: Gate) -> None:
    pool = our_pool()
    first = pool.apply_async(poolkit.held, (gate.path, 4))
    second = pool.apply_async(poolkit.double, (first,))
    gate.arrivals(1)
    pool.close()
    gate.open()
    pool.join()
    assert second.get(poolkit.PATIENCE) == 8


# ── cancel ────────────────────────────────────────────────────────────────────────────────────────


def test_cancel_of_what_waits(our_pool: MakePool, gate: Gate, tmp_path: Path) -> None:
    pool = our_pool(1)
    order = str(tmp_path / "order")
    first = pool.apply_async(poolkit.held, (gate.path, 1))
    gate.arrivals(1)
    one = pool.apply_async(noted, (order, 1))
    many = pool.starmap_async(noted, [(order, 2)] * 3)
    follows = pool.apply_async(noted, (order, 3), after=[first])
    for result in (one, many, follows):
        assert result.cancel()
        assert not result.cancel()
        with pytest.raises(TaskCancelled):
            result.get(poolkit.PATIENCE)
    gate.open()
    assert first.get(poolkit.PATIENCE) == 1
    assert not first.cancel()
    assert pool.apply(poolkit.double, (1,)) == 2
    assert not Path(order).exists()
    assert pool.stats().replaced == ()


def test_cancel_of_what_runs_ends_that_task_alone(our_pool: MakePool, gate: Gate) -> None:
    pool = our_pool()
    runs = pool.apply_async(poolkit.stay, (gate.path,))
    stayer = gate.arrivals(1)[0]
    beside = pool.map_async(poolkit.double, range(200))
    assert runs.cancel()
    with pytest.raises(TaskCancelled, match=rf"its worker {stayer} ended \(stay\("):
        runs.get(poolkit.PATIENCE)
    assert beside.get(poolkit.PATIENCE) == list(range(0, 400, 2))
    poolkit.wait_until(lambda: len(pool._pool) == 2 and stayer not in {p.pid for p in pool._pool})


def test_cancel_of_a_map_that_runs(our_pool: MakePool, gate: Gate) -> None:
    pool = our_pool()
    many = pool.map_async(poolkit.stay, [gate.path] * 20)
    pids = gate.arrivals(2)
    assert many.cancel()
    with pytest.raises(TaskCancelled):
        many.get(poolkit.PATIENCE)
    assert pool.map(poolkit.double, [1, 2]) == [2, 4]
    assert all(map(poolkit.is_gone, pids))
    assert gate.nobody_came()


def test_a_cancelled_task_is_not_retried(our_pool: MakePool, gate: Gate) -> None:
    pool = our_pool(1)
    runs = pool.apply_async(poolkit.stay, (gate.path,), retries=5, retry_on=BaseException)
    gate.arrivals(1)
    assert runs.cancel()
    with pytest.raises(TaskCancelled):
        runs.get(poolkit.PATIENCE)
    assert pool.apply(poolkit.double, (1,)) == 2
    assert gate.nobody_came()


def test_an_exception_that_does_not_unpickle_comes_in_words(our_pool: MakePool) -> None:
    pool = our_pool()
    with pytest.raises(RemoteError, match="Unloadable: 1 and 2") as caught:
        pool.apply(poolkit.raises_unloadable)
    assert "in raises_unloadable" in str(caught.value.__cause__)
