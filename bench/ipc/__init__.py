"""Queues and pipes: messages a second, latency and large arrays against multiprocessing, faster-fifo and pyzmq."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.ipc.contestants import OURS, PIPES, Ours, found, versions
from bench.ipc.report import Row, Session, section, store, verdicts
from bench.ipc.runs import Stuck, apart, arrays, messages, pipe_latency, pipe_messages, storm
from bench.kit.machine import machine, today
from bench.kit.markdown import write_section
from bench.kit.rounds import WARM_UP, rotated, rounds

PAGE = Path("docs/benchmarks.md")
FEWEST = 5
SHAPES = ((1, 1), (1, 10), (10, 1), (3, 20), (20, 20))
STORM = "storm 4/4"
KILL_EVERY = 0.01  # seconds
_STANDARD, _FIFO = "multiprocessing.Queue", "faster-fifo"

Run = Callable[[], float]


def main(argv: Sequence[str]) -> int:
    """Run the bench; 0 if every contestant's every run came to its end and ours met its targets, else 1."""
    options = _options(argv)
    here, missing = found()
    here = [one for one in here if options.peers is None or one.name in (OURS, *options.peers)]
    rows = [
        _measure(row, contestants, options.rounds)
        for row, contestants in _plan(here, options.scale)
        if options.rows is None or any(word in row.name for word in options.rows)
    ]
    if options.rows is None or any(word in STORM for word in options.rows):
        rows.append(_storm(int(200_000 * options.scale), options.rounds))
    session = Session(
        date=today(),
        command=_command(options),
        machine=machine().describe(),
        contestants=tuple(versions(here)),
        missing=tuple(missing),
        rounds=options.rounds,
        rows=tuple(rows),
    )
    _publish(session, options)
    kept = all(reached is not None and reached >= target for _, _, target, reached in verdicts(rows))
    return 0 if kept and not any(OURS in row.failed for row in rows) else 1


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
    names = {one.name for one in here}
    for row, _ in plan:
        for peer in set(row.targets) - names:
            row.targets.pop(peer, None)
    return plan


def _bound(function: Callable[..., float], *arguments: object) -> Run:
    return lambda: float(apart(function, *arguments))


def _measure(row: Row, contestants: dict[str, Run], count: int) -> Row:
    for number in rounds(count):
        for name in rotated(list(contestants), number):
            if name in row.failed:
                continue
            try:
                figure = contestants[name]()
            except Stuck as reason:
                row.failed[name] = str(reason)
                _log(f"  {row.name}, {name}: {reason}")
                continue
            if number != WARM_UP:
                row.runs.setdefault(name, []).append(figure)
            _log(f"  round {number}: {row.name}, {name}: {figure:,.1f} {row.unit}")
    return row


def _storm(count: int, runs: int) -> Row:
    figures, kills, lost = [], 0, 0
    for number in rounds(runs):
        rate, struck, gone = apart(storm, Ours(), 4, 4, max(2000, count), KILL_EVERY)
        if number != WARM_UP:
            figures.append(rate)
            kills += struck
            lost += gone
        _log(f"  round {number}: {STORM}: {rate:,.0f} messages/s, {struck} kills, {gone} lost")
    note = f"{kills} processes killed in {runs} rounds, {lost} items lost in the hands of the dead"
    return Row(
        f"{STORM}, a SIGKILL every {KILL_EVERY * 1000:.0f} ms", "messages/s", {OURS: figures}, note=note
    )


def _publish(session: Session, options: argparse.Namespace) -> None:
    whole = (
        options.scale == 1.0 and options.rounds >= FEWEST and options.rows is None and options.peers is None
    )
    out = options.out or (str(PAGE) if whole else "-")
    if out == "-":
        print(section(session))
        return
    page = Path(out)
    raw = page.with_suffix("") / f"ipc-{session.date}.json"
    store(raw, session)
    write_section(page, "ipc", section(session, raw=f"{raw.parent.name}/{raw.name}"))
    _log(f"written: {page}, {raw}")


def _command(options: argparse.Namespace) -> str:
    parts = [f"python -m bench ipc --rounds {options.rounds}"]
    parts += [f"--scale {options.scale:g}"] if options.scale != 1.0 else []
    parts += ["--rows", *map(repr, options.rows)] if options.rows is not None else []
    parts += ["--peers", *options.peers] if options.peers is not None else []
    return " ".join(parts)


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench ipc", description=__doc__)
    add = parser.add_argument
    add(
        "--rounds",
        type=int,
        default=FEWEST,
        help=f"counted rounds; {FEWEST} at least to be written (default: 5)",
    )
    add("--scale", type=float, default=1.0, help="shrink the counts (default: 1.0)")
    add("--rows", nargs="+", metavar="WORD", help="only rows with one of these words in their name")
    add("--peers", nargs="*", metavar="NAME", help="only these peers, and ours")
    add("--out", metavar="FILE", help=f"page to write, - for stdout only (default: {PAGE} for a full run)")
    options = parser.parse_args(argv)
    if options.rounds < 1 or options.scale <= 0:
        parser.error("--rounds has to be 1 or more, --scale above 0")
    return options


def _log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
