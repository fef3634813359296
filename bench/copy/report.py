"""From figures to the section of docs/benchmarks.md: verdicts first, then one table for each cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.copy.datasets import DATASETS
from bench.copy.listing import Totals
from bench.copy.peers import OURS
from bench.copy.results import Cell, Measured, Session
from bench.copy.verify import SAME
from bench.kit.markdown import table
from bench.kit.stats import ratio, summarise
from bench.kit.units import counted, seconds, size

#: How many times faster than the best peer ours has to be.
TARGETS = {"kernel": 2.0, "stdlib": 2.0, "maildir": 1.2, "single": 1.0}

METHOD = """Method: in every round each tool runs once, and the order rotates by one from round to round; \
a first round warms up and is not counted. Each run writes a new copy; before it, outside its time, the \
one before is deleted and the file system is synced. The source is in the page cache. After its first run each \
tool's copy is read back and compared with the source: names, types, contents, modes, owners and \
modification times to the nanosecond. Time is wall clock until the tool ends (data may still be in the \
page cache, as for any `cp`); CPU is user plus system time of all its processes; peak memory is that of \
its largest single process. "Ours is faster" is the tool's median divided by ours. \
The best peer is the fastest whose copy lost no data, even where metadata differs."""


@dataclass(frozen=True)
class Verdict:
    """Ours against the best peer whose copy lost nothing, in one cell."""

    ours: float
    peer: Measured
    ratio: float
    target: float

    @property
    def met(self) -> bool:
        """True when the target is reached."""
        return self.ratio >= self.target


def verdict(cell: Cell) -> Verdict | None:
    """Judge one cell; None without a right copy of ours or of anybody else."""
    whole = [one for one in cell.measured if one.whole]
    ours = next((one for one in whole if one.tool == OURS), None)
    peers = [one for one in whole if one.tool != OURS]
    if ours is None or not peers:
        return None
    best = min(peers, key=lambda one: one.time.median)
    found = ratio(best.time.median, ours.time.median)
    return Verdict(ours.time.median, best, found, TARGETS[cell.dataset])


def section(session: Session, raw: str = "") -> str:
    """The whole section, in Markdown."""
    parts = [
        "## `pn copy` against its peers",
        _head(session, raw),
        METHOD,
        "### Targets",
        targets_table(session.cells),
    ]
    for cell in session.cells:
        parts += [f"### {_title(cell)}", cell_table(cell) if cell.measured else f"Left out: {cell.skipped}."]
    return "\n\n".join(parts)


def targets_table(cells: Sequence[Cell]) -> str:
    """One row for each cell: is the target met?"""
    rows = []
    for cell in cells:
        found = verdict(cell)
        if found is None:
            target = f"{TARGETS[cell.dataset]:.1f}x"
            rows.append([cell.dataset, cell.place, "–", "–", "–", "–", target, "no figure"])
            continue
        rows.append(
            [
                cell.dataset,
                cell.place,
                seconds(found.ours),
                found.peer.tool,
                seconds(found.peer.time.median),
                f"{found.ratio:.2f}x",
                f"{found.target:.1f}x",
                "met" if found.met else "missed",
            ]
        )
    heads = ["data set", "place", "ours s", "best peer", "its s", "ours is faster", "target", "verdict"]
    return table(heads, rows, left=(0, 1, 3, 7))


def cell_table(cell: Cell) -> str:
    """All tools of one cell, the fastest first, then those without a figure."""
    ours = next((one for one in cell.measured if one.tool == OURS and one.seconds), None)
    with_sync = any(one.synced for one in cell.measured)
    heads = ["tool", "median s", "min s", "IQR s", *(["with sync s"] if with_sync else [])]
    heads += ["ours is faster", "CPU s", "peak memory", "its copy"]
    ranked = sorted(cell.measured, key=lambda one: one.time.median if one.seconds else float("inf"))
    rows = [_row(one, ours, with_sync) for one in ranked]
    return table(heads, rows, left=(0, len(heads) - 1))


def _row(one: Measured, ours: Measured | None, with_sync: bool) -> list[str]:
    if one.failure or not one.seconds:
        return [one.tool, *["–"] * (7 if with_sync else 6), f"failed: {one.failure or 'no counted run'}"]
    time = one.time
    factor = f"{ratio(time.median, ours.time.median):.2f}x" if ours else "–"
    return [
        one.tool,
        seconds(time.median),
        seconds(time.minimum),
        seconds(time.iqr),
        *([seconds(summarise(one.synced).median) if one.synced else "–"] if with_sync else []),
        "" if one.tool == OURS else factor,
        seconds(summarise(one.cpu).median),
        size(one.max_rss) if one.max_rss > one.floor_rss else f"≤ {size(one.floor_rss)}",
        one.copy if one.copy == SAME or not one.lossy else f"NOT A COPY: {one.copy}",
    ]


def _head(session: Session, raw: str) -> str:
    places = dict.fromkeys(cell.system for cell in session.cells)
    lines = [
        f"Written on {session.date} by `{session.command}`" + (f"; [all run times]({raw})." if raw else "."),
        "",
        f"- Machine: {session.machine}",
        f"- Places: {'; '.join(places)}",
        f"- Tools: {'; '.join(session.tools)}",
    ]
    if session.missing:
        lines.append(f"- Not on this machine: {'; '.join(session.missing)}")
    return "\n".join([*lines, f"- Counted runs of each tool: {session.runs}"])


def _title(cell: Cell) -> str:
    title = f"{cell.dataset} on {cell.place}: {DATASETS[cell.dataset].title}"
    return f"{title}, {_amount(cell.totals)}" if cell.totals else title


def _amount(totals: Totals) -> str:
    parts = [counted(totals.files, "file")]
    parts += [counted(totals.folders, "folder")] if totals.folders else []
    parts += [counted(totals.links, "link")] if totals.links else []
    return ", ".join([*parts, size(totals.bytes)])
