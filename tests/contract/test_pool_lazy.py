"""imap and map beyond the standard library's: laziness, orders, errors, progress, feedback, callbacks, figures."""

from __future__ import annotations

import io
import itertools
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from procession.errors import TaskCancelled, TaskErrors, WorkerDied
from tests.contract import poolkit
from tests.contract.poolkit import Counting, Gate

MakePool = Callable[..., Any]


# ── never far ahead ───────────────────────────────────────────────────────────────────────────────


def test_an_endless_iterable_is_never_read_far_ahead(our_pool: MakePool) -> None:
    pool = our_pool()
    source = Counting()
    results = pool.imap(poolkit.double, source)
    for number in range(3000):
        assert next(results) == 2 * number
    assert source.read < 500_000
    held_up = Counting()
    results = pool.imap_unordered(poolkit.nothing, held_up)
    assert [next(results) for _ in range(10)] == [None] * 10
    assert held_up.read < 10_000


@pytest.mark.parametrize("ordered", [True, False])
def test_buffersize_is_how_far_the_tasks_may_be_ahead(our_pool: MakePool, ordered: bool) -> None:
    pool = our_pool()
    source = Counting()
    results = pool.imap(poolkit.nothing, source, ordered=ordered, buffersize=3)
    next(results)
    poolkit.wait_until(lambda: pool.stats().done == 4)  # the one that was read, and three ahead
    assert source.read < 1000
    for _ in range(200):
        next(results)
    poolkit.wait_until(lambda: pool.stats().done == 204)


def test_a_reader_that_goes_leaves_the_rest_to_be_done(our_pool: MakePool) -> None:
    pool = our_pool()
    results = pool.imap(poolkit.double, iter(range(2000)), buffersize=4)
    assert next(results) == 0
    del results
    pool.close()
    pool.join()
    assert pool.stats().done == 2000


def test_terminate_while_an_endless_iterable_is_read(our_pool: MakePool) -> None:
    pool = our_pool()
    results = pool.imap(poolkit.double, Counting())
    assert next(results) == 0
    pool.terminate()
    with pytest.raises(TaskCancelled):
        list(results)
    pool.join()


# ── orders and errors ─────────────────────────────────────────────────────────────────────────────


def test_unordered_maps_are_in_the_order_of_their_ends(our_pool: MakePool, gate: Gate) -> None:
    pool = our_pool()
    tasks = [(gate.path, number) for number in range(4)]
    result = pool.map_async(poolkit.held_if, tasks, 1, ordered=False)
    poolkit.wait_until(lambda: pool.stats().done == 3)
    gate.open()
    assert result.get(poolkit.PATIENCE)[3] == 0
    assert sorted(pool.map(poolkit.double, range(300), ordered=False)) == list(range(0, 600, 2))


def test_errors_return_stand_in_the_places_of_results(our_pool: MakePool) -> None:
    pool = our_pool()
    results = pool.map(poolkit.refuse_three, range(6), errors="return")
    assert isinstance(results[3], KeyError)
    assert "in refuse_three" in str(results[3].__cause__)
    assert results[:3] + results[4:] == [0, 1, 2, 4, 5]
    streamed = list(pool.imap(poolkit.refuse_three, range(5), errors="return"))
    assert [type(value) for value in streamed] == [int, int, int, KeyError, int]
    dead = pool.map(poolkit.die, range(2), errors="return")
    assert [type(error) for error in dead] == [WorkerDied] * 2
    with pytest.raises(OSError, match="dried up"):
        pool.map(poolkit.double, poolkit.Broken(4), errors="return")
    with pytest.raises(OSError, match="dried up"):
        list(pool.imap(poolkit.double, poolkit.Broken(4), errors="return"))


def test_errors_collect_raise_all_of_them_with_the_rest(our_pool: MakePool) -> None:
    pool = our_pool()
    with pytest.raises(TaskErrors, match="2 of 5 tasks failed") as caught:
        pool.map(poolkit.refuse_negative, [0, -1, 2, -3, 4], errors="collect")
    assert [str(error) for error in caught.value.exceptions] == ["-1 is negative", "-3 is negative"]
    results = caught.value.results
    assert [results[0], results[2], results[4]] == [0, 2, 4]
    assert [results[1], results[3]] == list(caught.value.exceptions)
    assert pool.map(poolkit.refuse_negative, [1, 2], errors="collect") == [1, 2]
    assert pool.starmap(poolkit.add, [(1, 2)], errors="collect") == [3]


def test_the_first_failure_in_the_order_of_tasks_is_raised(our_pool: MakePool) -> None:
    pool = our_pool()
    for _ in range(3):
        with pytest.raises(ValueError, match="-1 is negative"):
            pool.map(poolkit.refuse_negative, [3, -1, 5, -2, -3], 1)


# ── progress and figures ──────────────────────────────────────────────────────────────────────────


def test_progress_is_told_up_to_the_end(our_pool: MakePool) -> None:
    pool = our_pool()
    told: list[Any] = []
    pool.map(poolkit.refuse_negative, [*range(99), -1], errors="return", progress=told.append)
    last = told[-1]
    assert (last.done, last.failed, last.total, last.eta) == (99, 1, 100, 0.0)
    assert last.seconds > 0
    assert all(one.done <= two.done for one, two in itertools.pairwise(told))
    told.clear()
    assert len(list(pool.imap(poolkit.double, (n for n in range(50)), progress=told.append))) == 50
    poolkit.wait_until(lambda: told and told[-1].done == 50)
    assert told[-1].total == 50


def test_progress_that_raises_is_reported_once(
    forked_pool: MakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[Any] = []
    monkeypatch.setattr("threading.excepthook", reported.append)

    def fails(_: Any) -> None:
        raise LookupError("no eyes")

    assert forked_pool().map(poolkit.double, range(500), progress=fails) == list(range(0, 1000, 2))
    assert [str(entry.exc_value) for entry in reported] == ["no eyes"]


def test_stats_and_report_say_what_is_going_on(our_pool: MakePool, gate: Gate) -> None:
    pool = our_pool(2, name="tests")
    pool.map(poolkit.refuse_negative, [1, 2, -3], errors="return")
    running = pool.apply_async(poolkit.held, (gate.path,))
    pid = gate.arrivals(1)[0]
    stats = pool.stats()
    assert (stats.name, stats.start_method) == ("tests", pool._method())
    assert (stats.done, stats.failed, stats.running, stats.queued, stats.retried) == (2, 1, 1, 0, 0)
    (busy,) = [worker for worker in stats.workers if worker.state == "busy"]
    assert busy.pid == pid
    assert busy.task.startswith("held(")
    assert busy.memory > 1_000_000
    assert {worker.number for worker in stats.workers} == {1, 2}
    text = io.StringIO()
    pool.report(text)
    assert text.getvalue().startswith(f"tests: 2 workers by {pool._method()}, ")
    assert "2 done, 1 failed, 1 running, 0 queued" in text.getvalue()
    gate.open()
    running.get(poolkit.PATIENCE)
    assert pool.stats().done == 3
    pool.close()
    pool.join()
    assert pool.stats().workers == ()


# ── feedback and callbacks ────────────────────────────────────────────────────────────────────────


def test_an_iterable_may_wait_for_results_of_its_own_pool(our_pool: MakePool) -> None:
    pool = our_pool()
    seen: queue.SimpleQueue[int] = queue.SimpleQueue()

    def feed() -> Iterator[int]:
        yield 1
        for _ in range(20):
            yield seen.get(timeout=poolkit.PATIENCE)

    results = []
    for value in pool.imap(poolkit.double, feed()):
        results.append(value)
        seen.put(value)
    assert results == [2 ** (n + 1) for n in range(21)]


def test_an_iterable_may_ask_its_own_pool(our_pool: MakePool) -> None:
    pool = our_pool(1)
    nested = (pool.apply(poolkit.double, (number,)) for number in range(5))
    assert pool.map(poolkit.double, nested) == [0, 4, 8, 12, 16]
    nested = (number for number in pool.imap(poolkit.double, iter(range(500))))
    assert list(pool.imap(poolkit.double, nested)) == [4 * number for number in range(500)]


def test_callbacks_may_call_the_pool_again(our_pool: MakePool) -> None:
    pool = our_pool(1)
    done = threading.Event()
    values: list[int] = []

    def again(value: int) -> None:
        values.append(value)
        if value < 100:
            pool.apply_async(poolkit.double, (value,), callback=again)
        else:
            done.set()

    pool.apply_async(poolkit.double, (1,), callback=again)
    assert done.wait(poolkit.PATIENCE)
    assert values == [2, 4, 8, 16, 32, 64, 128]


def test_callbacks_that_raise_are_reported_and_harm_nobody(
    our_pool: MakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[Any] = []
    monkeypatch.setattr("threading.excepthook", reported.append)

    def fails(_: Any) -> None:
        raise LookupError("in a callback")

    pool = our_pool()
    assert pool.apply_async(poolkit.double, (1,), callback=fails).get(poolkit.PATIENCE) == 2
    assert pool.map_async(poolkit.double, [1], callback=fails).get(poolkit.PATIENCE) == [2]
    bad = pool.apply_async(poolkit.refuse_negative, (-1,), error_callback=fails)
    with pytest.raises(ValueError, match="negative"):
        bad.get(poolkit.PATIENCE)
    assert [str(entry.exc_value) for entry in reported] == ["in a callback"] * 3


def test_a_callback_may_close_or_terminate_the_pool(forked_pool: MakePool) -> None:
    for end in ("close", "terminate"):
        pool = forked_pool()
        done = threading.Event()

        def over(_: Any, pool: Any = pool, end: str = end, done: threading.Event = done) -> None:
            getattr(pool, end)()
            done.set()

        pool.apply_async(poolkit.double, (1,), callback=over)
        assert done.wait(poolkit.PATIENCE)
        pool.join()
