"""From figures to the section of docs/benchmarks.md, and the raw figures beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.ipc.contestants import OURS
from bench.kit.markdown import table
from bench.kit.stats import summarise

METHOD = """Method: in every round each contestant runs once, and the order rotates from round to round; a first \
round warms up and is not counted; the figures are medians. Producers and consumers are forked processes that \
start together; the clock stops when the last item has arrived. 3/20: 3 producers, 20 consumers. Items are tuples of five ints, put \
and got one by one. Arrays are 8 MiB of numpy int64; the receiver reads one number of each page. In the storm a producer or a \
consumer is killed with SIGKILL and replaced all the time; peers are left out of it, since a process that is \
killed in the lock of `multiprocessing.Queue` or faster-fifo stops all others for ever, and pyzmq loses what \
is queued for a dead consumer without a word."""


@dataclass(frozen=True)
class Row:
    """One kind of work; ``runs`` holds the counted figures of each contestant, ``failed`` why there are none."""

    name: str
    unit: str
    runs: dict[str, list[float]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    targets: dict[str, float] = field(default_factory=dict)
    less_is_better: bool = False
    note: str = ""

    def median(self, name: str) -> float | None:
        """The median of a contestant, if it has come to an end each time."""
        values = self.runs.get(name)
        return summarise(values).median if values and name not in self.failed else None

    def times(self, peer: str) -> float | None:
        """How many times better ours is."""
        ours, theirs = self.median(OURS), self.median(peer)
        if not ours or not theirs:
            return None
        return theirs / ours if self.less_is_better else ours / theirs


@dataclass(frozen=True)
class Session:
    """One call of the bench."""

    date: str
    command: str
    machine: str
    contestants: tuple[str, ...]
    missing: tuple[str, ...]
    rounds: int
    rows: tuple[Row, ...]


def section(session: Session, raw: str = "") -> str:
    """The whole section, in Markdown."""
    head = [
        f"Written on {session.date} by `{session.command}`" + (f"; [all figures]({raw})." if raw else "."),
        "",
        f"- Machine: {session.machine}",
        f"- Contestants: {'; '.join(session.contestants)}",
    ]
    if session.missing:
        head.append(f"- Not on this machine: {', '.join(session.missing)}")
    head.append(f"- Counted rounds: {session.rounds}")
    queues = [row for row in session.rows if "Pipe" not in row.name]
    pipes = [row for row in session.rows if "Pipe" in row.name]
    parts = ["## Queues and pipes", "\n".join(head), METHOD]
    parts += [_table(rows) for rows in (queues, pipes) if rows]
    notes = [f"{row.name}: {row.note}." for row in session.rows if row.note]
    notes += [f"{row.name}, {name}: {why}." for row in session.rows for name, why in row.failed.items()]
    return "\n\n".join([*parts, *notes])


def verdicts(rows: Sequence[Row]) -> list[tuple[str, str, float, float | None]]:
    """(row, peer, target, reached) for each target."""
    return [(row.name, peer, target, row.times(peer)) for row in rows for peer, target in row.targets.items()]


def _table(rows: Sequence[Row]) -> str:
    names = list(dict.fromkeys([OURS, *(name for row in rows for name in (*row.runs, *row.failed))]))
    peers = [name for name in names if name != OURS]
    heads = ["work", "unit", *names, *(f"vs {peer}" for peer in peers), "targets"]
    body = []
    for row in rows:
        cells = [row.name, row.unit, *(_figure(row, name) for name in names)]
        cells += [_times(row.times(peer)) for peer in peers]
        body.append([*cells, _targets(row)])
    return table(heads, body, left=(0, 1, len(heads) - 1))


def _figure(row: Row, name: str) -> str:
    median = row.median(name)
    if median is None:
        return "–"
    return f"{median:,.0f}" if median >= 100 else f"{median:.1f}"


def _times(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}x"


def _targets(row: Row) -> str:
    words = []
    for peer, target in row.targets.items():
        reached = row.times(peer)
        state = "no figure" if reached is None else "met" if reached >= target else "missed"
        words.append(f"{target:g}x {peer}: {state}")
    return "; ".join(words)


def store(file: Path, session: Session) -> None:
    """Write the raw figures, with the medians for readers without a calculator."""
    facts = asdict(session)
    for row, stored in zip(session.rows, facts["rows"], strict=True):
        stored["medians"] = {name: row.median(name) for name in row.runs}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(facts, indent=1) + "\n")
