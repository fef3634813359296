"""A crew at work: every payload is handled once, whatever the start method; nothing is taken too early."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from procession.pool.crew import Crew, Portion
from procession.pool.messages import WINDOW
from procession.pool.outcomes import Cancelled, Done, Failed, Outcome
from procession.pool.schedule import FLIGHT_MAX
from tests.unit.pool import handlers
from tests.unit.pool.handlers import MIB
from tests.unit.pool.kit import (
    METHODS,
    Payloads,
    Portions,
    count_of,
    each_once,
    failures,
    only,
    refuse,
    run,
    values,
)

both = pytest.mark.parametrize("method", METHODS)


@both
@pytest.mark.parametrize(("workers", "count"), [(1, 0), (1, 1), (1, 3000), (2, 3000), (4, 17)])
def test_every_payload_is_handled_once(method: str, workers: int, count: int) -> None:
    outcomes = run(handlers.double, range(count), method, workers=workers)
    assert values(outcomes) == [2 * number for number in range(count)]
    assert all(outcome.payload == outcome.task for outcome in outcomes)


@both
def test_the_work_is_shared_and_not_done_by_the_parent(method: str) -> None:
    pids = set(values(run(handlers.pid, range(3), method, workers=3)))
    # An idle worker may take the task of one that is still starting, which takes long with spawn.
    assert len(pids) >= (2 if method == "fork" else 1)
    assert os.getpid() not in pids


@both
def test_one_worker_keeps_the_order_and_its_state(method: str) -> None:
    outcomes = run(handlers.remember, range(100), method, workers=1)
    assert [outcome.task for outcome in outcomes] == list(range(100))
    assert values(outcomes)[-1] == list(range(100))


@both
def test_the_setup_reaches_every_worker(method: str) -> None:
    given = {"root": "/a", "numbers": [1, 2], "bytes": bytes(MIB)}
    assert values(run(handlers.setup, range(5), method, workers=2, setup=given)) == [given] * 5


def test_the_start_method_is_chosen_if_nobody_does() -> None:
    outcomes: list[Outcome] = []
    with Crew(handlers.double, workers=1) as crew:
        crew.run(Payloads(range(3)), outcomes.append)
    assert values(outcomes) == [0, 2, 4]


def test_a_fork_needs_no_importable_handler() -> None:
    seen = object()
    assert values(run(lambda _context, number: (number, seen is not None), [1, 2], "fork")) == [
        (1, True),
        (2, True),
    ]


def test_a_spawned_worker_imports_from_where_the_parent_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "found_by_path_only.py").write_text("def handle(context, payload): return payload + 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    import found_by_path_only  # type: ignore[import-not-found]

    monkeypatch.chdir("/")
    assert values(run(found_by_path_only.handle, [1, 2], "spawn")) == [2, 3]
    del sys.modules["found_by_path_only"]


def test_no_crew_without_workers() -> None:
    with pytest.raises(ValueError, match="at least one worker"):
        Crew(handlers.double, workers=0)


@both
def test_a_crew_can_run_again_and_keeps_its_workers(method: str) -> None:
    outcomes: list[Outcome] = []
    with Crew(handlers.pid, workers=1, start_method=method) as crew:
        for _ in range(3):
            crew.run(Payloads(range(10)), outcomes.append)
    each_once(outcomes, 30)
    assert len(set(values(outcomes))) == 1


@both
def test_what_a_worker_prints_is_not_lost(method: str, capfd: pytest.CaptureFixture[str]) -> None:
    run(handlers.say, ["a", "b", "c"], method, workers=1)
    assert capfd.readouterr().out == "abc"


# ── errors and odd values ─────────────────────────────────────────────────────────────────────────


@both
def test_what_a_handler_raises_is_the_outcome_of_its_task_only(method: str) -> None:
    words = [
        "fine",
        "value",
        "exit",
        "interrupt",
        "memory",
        "base",
        "two",
        "stop",
        "group",
        "channel",
        "also fine",
    ]
    outcomes = run(handlers.throw, words, method, workers=1)
    assert [outcome.value for outcome in only(outcomes, Done)] == ["fine", "also fine"]
    errors = failures(outcomes)
    assert {payload: type(error).__name__ for payload, error in errors.items()} == {
        "value": "ValueError", "exit": "SystemExit", "interrupt": "KeyboardInterrupt", "memory": "MemoryError",
        "base": "Quits", "two": "RemoteError", "stop": "StopIteration", "group": "ExceptionGroup",
        "channel": "EOFError",
    }  # fmt: skip
    assert all("in throw" in str(error.__cause__) for error in errors.values())


@both
def test_a_payload_that_does_not_pickle_fails_in_its_place(method: str) -> None:
    payloads = [0, handlers.Unpicklable(), 2, 3, lambda: 4, handlers.Unpicklable()]
    outcomes = run(handlers.double, payloads, method, workers=1)
    assert {outcome.task: outcome.value for outcome in only(outcomes, Done)} == {0: 0, 2: 4, 3: 6}
    failed = only(outcomes, Failed)
    assert [outcome.task for outcome in failed] == [1, 4, 5]
    assert [outcome.payload for outcome in failed] == [payloads[1], payloads[4], payloads[5]]
    assert str(failed[0].error) == "does not travel"


@both
def test_nothing_but_payloads_that_do_not_pickle_starts_nobody(method: str) -> None:
    outcomes = run(handlers.double, [handlers.Unpicklable() for _ in range(1000)], method)
    assert count_of(outcomes) == {"failed": 1000}


@both
@pytest.mark.parametrize(
    ("handler", "payloads", "expected"),
    [
        pytest.param(handlers.ignore, [0, handlers.Explodes(), 2], "ZeroDivisionError", id="payload"),
        pytest.param(handlers.explosive_result, range(3), "ZeroDivisionError", id="result"),
        pytest.param(handlers.refuse_result, range(3), "TypeError", id="result-that-does-not-pickle"),
    ],
)
def test_what_does_not_arrive_fails_alone(method: str, handler: Any, payloads: Any, expected: str) -> None:
    outcomes = run(handler, payloads, method, workers=1)
    assert [type(outcome) for outcome in sorted(outcomes, key=lambda o: o.task)] == [Done, Failed, Done]
    (failed,) = only(outcomes, Failed)
    assert type(failed.error).__name__ == expected


@both
@pytest.mark.parametrize("size", [0, 60_000, 65_000, 70_000, MIB, 20 * MIB])
def test_results_of_any_size(method: str, size: int) -> None:
    outcomes = run(handlers.big, [size, 10, size, 70_000, size], method)
    assert [len(value) for value in values(outcomes)] == [size, 10, size, 70_000, size]


def test_an_error_too_large_for_the_journal() -> None:
    (failed,) = run(handlers.big_error, [100_000], "fork")
    assert isinstance(failed, Failed)
    assert str(failed.error) == "x" * 100_000


def test_portions_beyond_any_journal_and_packet() -> None:
    outcomes: list[Outcome] = []
    with Crew(handlers.double, workers=2, start_method="fork") as crew:
        crew.run(Portions(Portion(tuple(range(10_000))), Portion(tuple(range(10_000)))), outcomes.append)
    each_once(outcomes, 20_000)
    assert sorted(values(outcomes)) == sorted([2 * number for number in range(10_000)] * 2)


# ── taking and placing ────────────────────────────────────────────────────────────────────────────


class Watched(Payloads):
    """Knows how many of its payloads have no outcome yet."""

    def __init__(self, count: int) -> None:
        super().__init__(range(count))
        self.outstanding = 0
        self.most = 0
        self.largest = 0

    def take(self, limit: int) -> Portion | None:
        portion = super().take(limit)
        self.taken.clear()
        if portion is not None:
            self.outstanding += len(portion.payloads)
            self.largest = max(self.largest, len(portion.payloads))
            self.most = max(self.most, self.outstanding)
        return portion

    def deliver(self, _: Outcome) -> None:
        self.outstanding -= 1


@pytest.mark.parametrize("workers", [1, 3])
def test_a_lazy_source_is_asked_only_for_what_finds_a_place(workers: int) -> None:
    count = 200_000
    source = Watched(count)
    with Crew(handlers.ignore, workers=workers, start_method="fork") as crew:
        crew.run(source, source.deliver)
        assert source.outstanding == 0
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        crew.run(again := Watched(count), again.deliver)
    assert 1 < source.largest <= FLIGHT_MAX
    assert source.most <= workers * WINDOW * FLIGHT_MAX
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 4096, f"{grown} KiB more at the second {count} tasks"


@both
def test_heavy_portions_have_a_worker_to_themselves(method: str) -> None:
    """While both workers hold a heavy task nothing more is taken; it is taken when one is free."""
    taken: list[str] = []
    log: list[str] = []

    class Source:
        def __init__(self) -> None:
            self.rest = iter([("h1", True), ("h2", True), ("l1", False), ("l2", False), ("h3", True)])

        def take(self, _limit: int) -> Portion | None:
            for name, heavy in self.rest:
                taken.append(name)
                log.append(f"take {name}")
                return Portion((name,), heavy)
            return None

    def deliver(outcome: Outcome) -> None:
        log.append(f"done {outcome.payload}")

    with Crew(handlers.ignore, workers=2, start_method=method) as crew:
        crew.run(Source(), deliver)
    assert taken == ["h1", "h2", "l1", "l2", "h3"]
    assert log[:2] == ["take h1", "take h2"]
    assert log[2] in ("done h1", "done h2")
    assert sorted(log[2:]) == sorted(
        ["take l1", "take l2", "take h3", "done h1", "done h2", "done l1", "done l2", "done h3"]
    )


def test_a_flight_behind_a_heavy_task_would_wait_for_it() -> None:
    """So it goes to the other worker, however long its queue: the heavy one waits for the light ones."""
    outcomes: list[Outcome] = []
    light = [Portion((number,)) for number in range(20)]
    with Crew(handlers.wait_for_others, workers=2, start_method="fork") as crew:
        source = Portions(Portion(("heavy",), heavy=True), *light)

        def deliver(outcome: Outcome) -> None:
            outcomes.append(outcome)
            if len(outcomes) == 20:
                crew.stop()  # lets the heavy task go

        crew.run(source, deliver)
    assert values(outcomes[:20]) == list(range(20))
    assert outcomes[20].payload == "heavy"


# ── stopping ──────────────────────────────────────────────────────────────────────────────────────


def endless() -> Iterator[int]:
    number = 0
    while True:
        yield number
        number += 1


@both
@pytest.mark.parametrize("after", [1, 2000])
def test_stop_in_the_middle_loses_nothing(method: str, after: int) -> None:
    source = Payloads(endless())
    outcomes: list[Outcome] = []
    with Crew(handlers.double, workers=2, start_method=method) as crew:

        def deliver(outcome: Outcome) -> None:
            outcomes.append(outcome)
            if len(outcomes) == after:
                crew.stop()

        crew.run(source, deliver)
        each_once(outcomes, len(source.taken))
        crew.run(source, deliver)  # a stopped crew begins nothing
    each_once(outcomes, len(source.taken))
    assert set(count_of(outcomes)) <= {"done", "cancelled"}
    for outcome in only(outcomes, Done):
        assert outcome.value == 2 * outcome.payload


def test_stop_ends_a_task_that_listens_and_cancels_those_behind_it() -> None:
    outcomes: list[Outcome] = []
    with Crew(handlers.note_and_wait, workers=1, start_method="fork") as crew:

        def on_tick() -> None:
            if any(sight.note for sight in crew.sights()):
                crew.stop()

        source = Portions(Portion((b"a", b"b", b"c")), Portion((b"d",)), Portion((b"e",)))
        crew.run(source, outcomes.append, tick=0.001, on_tick=on_tick)
    each_once(outcomes, 4)
    assert [outcome.value for outcome in only(outcomes, Done)] == [b"a"]
    assert [outcome.payload for outcome in only(outcomes, Cancelled)] == [b"b", b"c", b"d"]


def test_stop_from_within_the_feeding_is_obeyed_at_once() -> None:
    """By the outcome of a payload that does not pickle, before any worker was hired."""
    outcomes: list[Outcome] = []
    with Crew(handlers.double, workers=1, start_method="fork") as crew:

        def deliver(outcome: Outcome) -> None:
            outcomes.append(outcome)
            crew.stop()

        crew.run(Portions(Portion((0, handlers.Unpicklable(), 2))), deliver)
    each_once(outcomes, 3)
    assert [type(outcome) for outcome in outcomes] == [Failed, Cancelled, Cancelled]


def test_stop_before_the_run_takes_nothing() -> None:
    source = Payloads(range(3))
    with Crew(handlers.double, workers=1, start_method="fork") as crew:
        crew.stop()
        crew.run(source, refuse)
    assert source.taken == []
