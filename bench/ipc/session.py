"""Run the contests in rounds, judge them by the targets, and write the section of docs/benchmarks.md."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.ipc.peers import FIFO, OURS, QUEUES, STANDARD
from bench.kit.machine import machine, today
from bench.kit.markdown import table, write_section
from bench.kit.rounds import WARM_UP, rotated, rounds
from bench.kit.stats import Summary, summarise

PAGE = Path("docs/benchmarks.md")
TUPLES = 120_000  # a multiple of producers x consumers in each row
PIPES = (OURS, STANDARD)
ALL = tuple(kind.name for kind in QUEUES)


@dataclass(frozen=True)
class Contest:
    """One row: what is run, by whom, and how many times faster than whom ours has to be."""

    title: str
    what: str
    count: int
    producers: int = 1
    consumers: int = 1
    peers: tuple[str, ...] = ALL
    targets: tuple[tuple[str, float], ...] = ((STANDARD, 2.0), (FIFO, 1.0))


CONTESTS = (
    Contest("queue 1/1", "tuples", TUPLES),
    Contest("queue 1/10", "tuples", TUPLES, 1, 10),
    Contest("queue 10/1", "tuples", TUPLES, 10, 1),
    Contest("queue 3/20", "tuples", TUPLES, 3, 20),
    Contest("queue 20/20", "tuples", TUPLES, 20, 20),
    Contest("8 MiB arrays", "arrays", 100, targets=((STANDARD, 5.0),)),
    Contest("queue, there and back", "queue-round-trip", 10_000, targets=()),
    Contest("pipe", "pipe", TUPLES, peers=PIPES, targets=((STANDARD, 1.0),)),
    Contest("pipe, there and back", "pipe-round-trip", 10_000, peers=PIPES, targets=((STANDARD, 1.0),)),
)


def main(argv: Sequence[str]) -> int:
    """Run the bench; 0 if every target is met, 1 if not."""
    options = _options(argv)
    contests = [contest for contest in CONTESTS if not options.only or contest.title in options.only]
    there = {kind.name for kind in QUEUES if kind.there()}
    for name in sorted(set(ALL) - there):
        print(f"bench ipc: {name} is not installed: pip install -e '.[bench]'", file=sys.stderr)
    found = {contest.title: alternate(contest, there, options) for contest in contests}
    storms = [storm(options.storm) for _ in range(options.runs)] if options.storm else []
    body = section(contests, found, storms, options)
    print(body)
    if options.out != "-":
        write_section(Path(options.out), "ipc", body)
    met = [verdict(found[contest.title], target)[1] for contest in contests for target in contest.targets]
    return 0 if all(met) else 1


def alternate(contest: Contest, there: set[str], options: argparse.Namespace) -> dict[str, Summary]:
    """Items a second of each contestant."""
    names = [name for name in contest.peers if name in there]
    figures: dict[str, list[float]] = {name: [] for name in names}
    count = max(contest.count // options.divide, contest.producers * contest.consumers)
    count -= count % (contest.producers * contest.consumers)
    for number in rounds(options.runs):
        for name in rotated(names, number):
            seconds = run(contest, name, count)
            if number != WARM_UP:
                figures[name].append(count / seconds)
    print(
        f"{contest.title}: " + ", ".join(f"{n} {summarise(v).median:,.0f}/s" for n, v in figures.items()),
        file=sys.stderr,
    )
    return {name: summarise(values) for name, values in figures.items()}


def run(contest: Contest, name: str, count: int) -> float:
    """One run in a fresh interpreter; seconds."""
    words = [contest.what, name, str(count), str(contest.producers), str(contest.consumers)]
    done = subprocess.run(
        [sys.executable, "-m", "bench.ipc.contest", *words], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def storm(seconds: float) -> Mapping[str, float]:
    """One storm of our queue."""
    words = [sys.executable, "-m", "bench.ipc.storm", str(seconds)]
    found: Mapping[str, float] = json.loads(
        subprocess.run(words, check=True, capture_output=True, text=True).stdout
    )
    return found


def verdict(found: Mapping[str, Summary], target: tuple[str, float]) -> tuple[str, bool]:
    """In words, and whether it is met (also when that peer is not there)."""
    peer, times = target
    if peer not in found:
        return f"{peer}: not measured", True
    got = found[OURS].median / found[peer].median
    return f"{got:.2f}x {peer} (target {times:g}x): {'met' if got >= times else 'missed'}", got >= times


def section(
    contests: Sequence[Contest],
    found: Mapping[str, Mapping[str, Summary]],
    storms: Sequence[Mapping[str, float]],
    options: argparse.Namespace,
) -> str:
    """The section of docs/benchmarks.md."""
    rows = []
    for contest in contests:
        results = found[contest.title]
        figures = [f"{results[name].median:,.0f}" if name in results else "-" for name in ALL]
        words = "; ".join(verdict(results, target)[0] for target in contest.targets)
        rows.append([contest.title, *figures, words])
    if storms:
        pace = summarise([one["taken"] / one["seconds"] for one in storms])
        rows.append(["queue 4/4, SIGKILL every 20 ms", f"{pace.median:,.0f}", "-", "-", "-", _losses(storms)])
    head = (
        f"Written on {today()} by `python -m bench ipc --runs {options.runs}` on {machine().describe()}; "
        f"{_versions()}. Items a second, median of {options.runs} alternating runs after a warm-up, each in "
        "fresh processes by fork; items are put and got one by one; tuples of five ints unless said otherwise. "
        "`3/20`: three producers, twenty consumers."
    )
    foot = (
        "The others have no figure under SIGKILL: a killed process of `multiprocessing.Queue` or faster-fifo "
        "may hold the lock that everybody needs, and what a PUSH socket had queued dies with its process."
    )
    return "\n\n".join(
        ["## Queues, pipes and large arrays", head, table(["", *ALL, "verdict"], rows, left=(0, 5)), foot]
    )


def _losses(storms: Sequence[Mapping[str, float]]) -> str:
    put, taken = (sum(one[key] for one in storms) for key in ("put", "taken"))
    consumers = sum(one["killed_consumers"] for one in storms)
    return (
        f"{put:,.0f} put, {taken:,.0f} counted as taken; {consumers:,.0f} consumers killed, "
        "each with at most one in its hands or not yet counted"
    )


def _versions() -> str:
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for name in ("faster-fifo", "pyzmq", "numpy"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench ipc", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="counted rounds (default: 5)")
    parser.add_argument(
        "--divide", type=int, default=1, metavar="N", help="an N-th of the items: a quick look"
    )
    parser.add_argument("--only", nargs="+", choices=[contest.title for contest in CONTESTS], metavar="ROW")
    parser.add_argument(
        "--storm", type=float, default=3.0, help="seconds of each storm; 0: none (default: 3)"
    )
    parser.add_argument(
        "--out", default=str(PAGE), help="page to write, - for stdout only (default: %(default)s)"
    )
    options = parser.parse_args(argv)
    if options.runs < 1 or options.divide < 1:
        parser.error("--runs and --divide have to be 1 or more")
    return options
