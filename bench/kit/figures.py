"""What a contest of ours against its peers has brought: rows of figures, ratios, verdicts, tables, raw figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.kit.markdown import table
from bench.kit.stats import summarise

OURS = "procession"
BEST = "the best peer"  # as a target: whoever that is

ROUNDS = """in every round each contestant runs once, and the order rotates from round to round; a first round warms \
up and is not counted; the figures are medians."""


@dataclass(frozen=True)
class Row:
    """One kind of work; ``runs`` holds the counted figures of each contestant, ``failed`` why there are none.

    ``targets`` says how many times better than a peer ours has to be, ``limit`` how large its figure may be.
    ``settings`` are words about how a contestant was called, where it had a choice.
    """

    name: str
    unit: str
    runs: dict[str, list[float]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    targets: dict[str, float] = field(default_factory=dict)
    less_is_better: bool = False
    note: str = ""
    limit: float | None = None
    settings: dict[str, str] = field(default_factory=dict)

    def median(self, name: str) -> float | None:
        """The median of a contestant, if it has come to an end each time."""
        values = self.runs.get(name)
        return summarise(values).median if values and name not in self.failed else None

    def times(self, peer: str) -> float | None:
        """How many times better ours is."""
        ours, theirs = self.median(OURS), self.best() if peer == BEST else self.median(peer)
        if not ours or not theirs:
            return None
        return theirs / ours if self.less_is_better else ours / theirs

    def best(self) -> float | None:
        """The best figure of the others."""
        figures = [figure for name in self.runs if name != OURS and (figure := self.median(name))]
        return (min if self.less_is_better else max)(figures, default=None)


@dataclass(frozen=True)
class Session:
    """One call of a bench."""

    date: str
    command: str
    machine: str
    contestants: tuple[str, ...]
    missing: tuple[str, ...]
    rounds: int
    rows: tuple[Row, ...]


def head(session: Session, raw: str = "") -> str:
    """When, where, who."""
    lines = [
        f"Written on {session.date} by `{session.command}`" + (f"; [all figures]({raw})." if raw else "."),
        "",
        f"- Machine: {session.machine}",
        f"- Contestants: {'; '.join(session.contestants)}",
    ]
    if session.missing:
        lines.append(f"- Not on this machine: {', '.join(session.missing)}")
    return "\n".join([*lines, f"- Counted rounds: {session.rounds}"])


def rows_table(rows: Sequence[Row]) -> str:
    """The figures of all, how many times better ours is, and whether that was the aim."""
    names = list(dict.fromkeys([OURS, *(name for row in rows for name in (*row.runs, *row.failed))]))
    peers = [name for name in names if name != OURS]
    heads = ["work", "unit", *names, *(f"vs {peer}" for peer in peers), "targets"]
    body = []
    for row in rows:
        cells = [row.name, row.unit, *(_figure(row, name) for name in names)]
        cells += [_times(row.times(peer)) for peer in peers]
        body.append([*cells, "; ".join(_verdicts(row))])
    return table(heads, body, left=(0, 1, len(heads) - 1))


def notes(rows: Sequence[Row]) -> list[str]:
    """What stands below the tables: remarks, and why a figure is missing."""
    said = [f"{row.name}: {row.note}." for row in rows if row.note]
    return said + [f"{row.name}, {name}: {why}." for row in rows for name, why in row.failed.items()]


def verdicts(rows: Sequence[Row]) -> list[tuple[str, str, float, float | None]]:
    """(row, peer, target, reached) for each target."""
    return [(row.name, peer, target, row.times(peer)) for row in rows for peer, target in row.targets.items()]


def kept(rows: Sequence[Row]) -> bool:
    """Has ours come to its end everywhere, and met all targets and limits?"""
    reached = all(times is not None and times >= target for _, _, target, times in verdicts(rows))
    below = all(row.limit is None or _within(row) for row in rows)
    return reached and below and not any(OURS in row.failed for row in rows)


def store(file: Path, session: Session) -> None:
    """Write the raw figures, with the medians for readers without a calculator."""
    facts = asdict(session)
    for row, stored in zip(session.rows, facts["rows"], strict=True):
        stored["medians"] = {name: row.median(name) for name in row.runs}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(facts, indent=1) + "\n")


def _within(row: Row) -> bool:
    median = row.median(OURS)
    return row.limit is not None and median is not None and median <= row.limit


def _figure(row: Row, name: str) -> str:
    if name in row.failed:
        return row.failed[name] if len(row.failed[name]) <= len("hangs") else "failed"
    median = row.median(name)
    if median is None:
        return "–"
    digits = 0 if median >= 100 else 1 if median >= 10 or row.limit is None else 2
    words = f" ({row.settings[name]})" if name in row.settings else ""
    return f"{median:,.{digits}f}{words}"


def _times(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}x"


def _verdicts(row: Row) -> list[str]:
    words = []
    for peer, target in row.targets.items():
        reached = row.times(peer)
        state = "no figure" if reached is None else "met" if reached >= target else "missed"
        # 0.91 times as good is hard to read where "at most 1.1 times as long" is meant.
        aim = f"at most {1 / target:.3g}x {peer}" if target < 1 else f"{target:g}x {peer}"
        words.append(f"{aim}: {state}")
    if row.limit is not None:
        state = "no figure" if row.median(OURS) is None else "met" if _within(row) else "missed"
        words.append(f"at most {row.limit:g} {row.unit}: {state}")
    return words
