"""Queues and pipes: messages a second, latency and large arrays against multiprocessing, faster-fifo and pyzmq."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.ipc.contestants import PIPES, QUEUES, Ours
from bench.ipc.report import section
from bench.ipc.runs import arrays, messages, pipe_latency, pipe_messages, storm
from bench.kit import contest
from bench.kit.apart import apart
from bench.kit.contest import Run, hold, log, wanted
from bench.kit.figures import OURS, Row
from bench.kit.rounds import WARM_UP, rounds

SHAPES = ((1, 1), (1, 10), (10, 1), (3, 20), (20, 20))
STORM = "storm 4/4"
KILL_EVERY = 0.01  # seconds
_STANDARD, _FIFO = "multiprocessing.Queue", "faster-fifo"


def main(argv: Sequence[str]) -> int:
    """Run the bench; 0 if every run of ours came to its end and met its targets, else 1."""
    options = contest.options("ipc", __doc__, argv)

    def more(_here: Sequence[Ours]) -> list[Row]:
        count = max(2000, int(200_000 * options.scale))
        return [_storm(count, options.rounds)] if wanted(options, STORM) else []

    return hold(options, QUEUES, _plan, more, section)


def _plan(here: Sequence[Ours], scale: float) -> list[tuple[Row, dict[str, Run]]]:
    """What is measured, and by which call for each contestant."""
    plan: list[tuple[Row, dict[str, Run]]] = []
    count = max(40, int(60_000 * scale))
    targets = {_STANDARD: 2.0, _FIFO: 1.0}
    for producers, consumers in SHAPES:
        row = Row(f"tuples, {producers}/{consumers}", "messages/s", targets=dict(targets))
        plan.append((row, {one.name: _bound(messages, one, producers, consumers, count) for one in here}))
    few = max(4, int(120 * scale))
    row = Row("8 MiB arrays, 1/1", "arrays/s", targets={_STANDARD: 5.0})
    plan.append((row, {one.name: _bound(arrays, one, few) for one in here}))
    many = max(40, int(100_000 * scale))
    row = Row("Pipe, one way", "messages/s")
    plan.append((row, {name: _bound(pipe_messages, make, many) for name, make in PIPES.items()}))
    trips = max(20, int(20_000 * scale))
    row = Row("Pipe, there and back", "µs", less_is_better=True)
    plan.append((row, {name: _bound(pipe_latency, make, trips) for name, make in PIPES.items()}))
    return plan


def _bound(function: Callable[..., float], *arguments: object) -> Run:
    return lambda: float(apart(function, *arguments))


def _storm(count: int, runs: int) -> Row:
    figures, kills, lost = [], 0, 0
    for number in rounds(runs):
        rate, struck, gone = apart(storm, Ours(), 4, 4, count, KILL_EVERY)
        if number != WARM_UP:
            figures.append(rate)
            kills += struck
            lost += gone
        log(f"  round {number}: {STORM}: {rate:,.0f} messages/s, {struck} kills, {gone} lost")
    note = f"{kills} processes killed in {runs} rounds, {lost} items lost in the hands of the dead"
    return Row(
        f"{STORM}, a SIGKILL every {KILL_EVERY * 1000:.0f} ms", "messages/s", {OURS: figures}, note=note
    )
