"""Pools: tiny tasks, round trips, arrays, starts, uneven tasks and kills against six others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from bench.kit import contest
from bench.kit.apart import Apart, apart
from bench.kit.contest import Run, Tuned, hold, log, wanted
from bench.kit.figures import BEST, OURS, Row
from bench.kit.rounds import WARM_UP, rotated, rounds
from bench.kit.stats import summarise
from bench.kit.stuck import Stuck
from bench.pool import runs
from bench.pool.contestants import POOLS, WORKERS, Executor, Standard
from bench.pool.report import APPLY, ARRAYS, KILL, START, SUBMIT, TINY, UNEVEN, section

METHODS = ("fork", "spawn", "forkserver")
CHUNKSIZES = (100, 1_000, 10_000, 100_000)
STARTS = 10  # in a round
KILLS = 20
_POOL, _EXECUTOR = Standard.name, Executor.name


def main(argv: Sequence[str]) -> int:
    """Run the bench; 0 if every run of ours came to its end and met its targets, else 1."""
    options = contest.options("pool", __doc__, argv)

    def starts(here: Sequence[Standard]) -> list[Row]:
        both = [one for one in here if one.name in (OURS, _POOL)]
        count = max(2, int(STARTS * options.scale))
        rows = [Row(f"{START}, {method}", "ms", less_is_better=True) for method in METHODS]
        return [_starts(row, both, options.rounds, count) for row in rows if wanted(options, row.name)]

    return hold(options, POOLS, _plan, starts, section)


def _plan(here: Sequence[Standard], scale: float) -> list[tuple[Row, dict[str, Run]]]:
    """What is measured in turns, and by which call for each contestant."""

    def scaled(count: int, least: int) -> int:
        return max(least, int(count * scale))

    def able(method: str) -> list[Standard]:
        return [one for one in here if method not in one.lacks]

    def bound(who: Sequence[Standard], function: Callable[..., float], *arguments: object) -> dict[str, Run]:
        return {one.name: _bound(function, one, *arguments) for one in who}

    count = scaled(1_000_000, 1_000)
    few = scaled(5_000, 20)
    return [
        (
            Row(f"{TINY}, map", "tasks/s", targets={BEST: 1.0}),
            {one.name: _tiny(one, count // one.fewer) for one in here},
        ),
        (
            Row(f"{TINY}, imap_unordered", "tasks/s", targets={_POOL: 10.0}),
            bound(able("unordered"), runs.unordered, scaled(100_000, 100)),
        ),
        (
            Row(APPLY, "µs", targets={_POOL: 3.0}, less_is_better=True),
            bound(here, runs.round_trips, few),
        ),
        (
            Row(f"{SUBMIT}, then all results", "tasks/s", targets={_EXECUTOR: 3.0}),
            bound(able("submitter"), runs.submitted, scaled(20_000, 100)),
        ),
        (
            Row(f"{SUBMIT}, one by one", "µs", less_is_better=True),
            bound(able("submitter"), runs.submitted_one_by_one, few),
        ),
        (
            Row(ARRAYS, "arrays/s", targets={_POOL: 5.0}),
            bound(here, runs.arrays, 16, min(1.0, scale)),
        ),
        (
            Row(UNEVEN, "x ideal", less_is_better=True, limit=1.1),
            bound(here, runs.uneven, scaled(500 * WORKERS, 2 * runs.EVERY)),
        ),
        (
            Row(KILL, "ms", less_is_better=True, limit=10.0),
            bound(here, runs.kills, scaled(KILLS, 3)),
        ),
    ]


def _bound(function: Callable[..., float], *arguments: object) -> Run:
    return lambda: float(apart(function, *arguments))


def _tiny(one: Standard, count: int) -> Run:
    """Ours chooses its chunksize; of a peer several are tried."""
    if one.name == OURS:
        return _bound(runs.tiny, one, count, None)
    settings = {"its own chunksize": _bound(runs.tiny, one, count, None)} if one.chooses else {}
    for chunksize in CHUNKSIZES:
        if chunksize * WORKERS <= count:
            settings[f"chunks of {chunksize:,}"] = _bound(runs.tiny, one, count, chunksize)
    return Tuned(settings)


def _starts(row: Row, contestants: Sequence[Standard], count: int, starts: int) -> Row:
    """In turns, start by start; a round's figure is the median of its starts."""
    method = row.name.rpartition(" ")[2]
    if len(contestants) > 1:
        row.targets[_POOL] = 1 / 1.1
    for number in rounds(count):
        figures: dict[str, list[float]] = {}
        with ExitStack() as stack:
            homes = {one.name: stack.enter_context(Apart()) for one in contestants}
            for turn in range(starts + 1):  # the first one warms up: imports, the fork server
                for one in rotated(contestants, number + turn):
                    if one.name in row.failed:
                        continue
                    try:
                        figure = homes[one.name].ask(runs.start, one, method)
                    except Stuck as reason:
                        row.failed[one.name] = str(reason)
                        log(f"  {row.name}, {one.name}: {reason}")
                        continue
                    if turn:
                        figures.setdefault(one.name, []).append(figure)
        for name, values in figures.items():
            median = summarise(values).median
            if number != WARM_UP:
                row.runs.setdefault(name, []).append(median)
            log(f"  round {number}: {row.name}, {name}: {median:.1f} {row.unit}")
    return row
