"""The pool bench: each run comes to its end with tiny counts; what is computed; how rows are grouped."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench import pool
from bench.kit.apart import apart
from bench.kit.contest import Tuned
from bench.kit.figures import OURS, Row, Session
from bench.kit.stuck import Stuck
from bench.pool import runs
from bench.pool.contestants import POOLS, WORKERS, Executor, Ours, Standard
from bench.pool.report import ARRAYS, KILL, START, SUBMIT, TINY, groups, section

BOTH = pytest.mark.parametrize("contestant", [Ours(), Standard()], ids=lambda one: str(one.name))


@BOTH
@pytest.mark.parametrize(
    ("run", "words"),
    [
        (runs.tiny, (500, None)),
        (runs.tiny, (500, 50)),
        (runs.unordered, (200,)),
        (runs.round_trips, (10,)),
        (runs.arrays, (3, 0.0)),
        (runs.start, ("fork",)),
        (runs.uneven, (100,)),
    ],
)
def test_each_run_has_a_figure(
    contestant: Standard, run: Callable[..., float], words: tuple[object, ...]
) -> None:
    assert apart(run, contestant, *words) > 0


@pytest.mark.parametrize("run", [runs.submitted, runs.submitted_one_by_one])
def test_submit(run: Callable[..., float]) -> None:
    assert apart(run, Executor(), 20) > 0


@pytest.mark.parametrize("method", pool.METHODS)
def test_starts(method: str) -> None:
    row = pool._starts(Row(f"{START}, {method}", "ms"), [Ours(), Standard()], 1, 2)
    assert row.runs.keys() == {OURS, Standard.name}


def test_kills_are_noticed_by_a_pool_that_notices() -> None:
    assert 0 < apart(runs.kills, Executor(), 2) < 1000


def test_a_pool_that_notices_nothing_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.kit.apart.GRACE", 0.2)
    with pytest.raises(Stuck, match="hangs"):
        apart(runs.kills, Standard(), 1)


def test_the_ideal_is_never_less_than_the_longest() -> None:
    assert runs.ideal([1, 2, 3, 4], 2) == 5
    assert runs.ideal([1, 9], 2) == 9


def test_one_nap_in_a_hundred_is_long() -> None:
    naps = runs.uneven_naps(350, 0)
    assert (naps.count(runs.LONG), naps.count(runs.BASE)) == (3, 347)
    assert runs.uneven_naps(300, 1) == runs.uneven_naps(300, 1) != runs.uneven_naps(300, 2)


def test_slow_steps_are_not_counted_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []
    runs._paced(steps.append, 5)
    assert steps == [0, 1, 2, 3, 4]
    monkeypatch.setattr(runs, "PACE", 0.0)
    assert runs._paced(steps.append, 5) > 0
    assert len(steps) == 6


def test_the_plan_has_a_run_for_everybody_who_can() -> None:
    plan = {row.name: contestants.keys() for row, contestants in pool._plan(POOLS, 1.0)}
    everybody = {one.name for one in POOLS}
    assert plan[f"{TINY}, map"] == everybody
    assert plan[f"{TINY}, imap_unordered"] == {OURS, "multiprocessing.Pool", "joblib", "mpire"}
    assert plan[f"{SUBMIT}, one by one"] == everybody - {"joblib"}


def test_chunksizes_leave_each_worker_a_chunk() -> None:
    run = pool._tiny(Standard(), 1000 * WORKERS)
    assert isinstance(run, Tuned)
    assert list(run._settings) == ["its own chunksize", "chunks of 100", "chunks of 1,000"]
    executor = pool._tiny(Executor(), 1000 * WORKERS)
    assert isinstance(executor, Tuned)
    assert list(executor._settings) == ["chunks of 100", "chunks of 1,000"]
    assert not isinstance(pool._tiny(Ours(), 1000), Tuned)


def test_the_section_has_a_table_for_each_kind_of_work() -> None:
    names = [f"{TINY}, map", KILL, f"{START}, fork", ARRAYS]
    rows = tuple(Row(name, "s", {OURS: [1.0]}) for name in names)
    assert [[row.name for row in group] for group in groups(rows)] == [
        [f"{TINY}, map"],
        [KILL, ARRAYS],
        [f"{START}, fork"],
    ]
    text = section(Session("2026-01-01", "python -m bench pool", "a machine", (), (), 1, rows), "raw.json")
    assert text.startswith("## Pools\n")
    assert text.count("| work") == 3


@pytest.mark.slow
def test_a_whole_call_with_tiny_counts(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--rounds", "1", "--scale", "0.001", "--peers", Standard.name]
    pool.main([*words, "--rows", f"{TINY}, map", f"{START}, fork"])
    out = capsys.readouterr().out
    assert "1x the best peer: " in out
    assert "start and first result, fork" in out
    assert "imap" not in out.partition("| work")[2]
