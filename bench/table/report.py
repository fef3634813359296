"""The section of docs/benchmarks.md about the process table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.kit.markdown import table
from bench.kit.stats import Summary, summarise
from bench.table.plan import AGAIN, FIELDS, OURS, PSUTIL, Plan

FASTER = 4.0  # times psutil
SLOWER = 1.3  # times ps at most
DRAWN = 100.0  # ms of work a refresh

METHOD = f"""\
Everything runs in a pid namespace with so many sleeping processes and nothing else. In every round each contestant \
runs once, and the order rotates; a first round warms up and is not counted; figures are medians.

- Snapshots give {", ".join(f"`{name}`" for name in FIELDS)}, decoded; by `psutil.process_iter(those)`, by \
`snapshot()`, and by a `Follower` that has seen the processes before. The user is the effective one in ours, as in \
ps, and the real one in psutil; a row gives ours with the real one too, which takes reading a further file.
- Listings are whole programs, from start to end, their output into a pipe.
- Watching: each on a terminal of its own of 120 by 40, all at once; CPU is user plus system time of the process in \
that time, after ten seconds in which it settles."""


def section(found: Mapping[str, Any], plan: Plan, written: str, where: str) -> tuple[str, bool]:
    """The text, and whether all targets are met."""
    verdicts: list[list[str]] = []
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    parts = [
        "## The process table",
        f"Written on {written}.",
        f"- Machine: {where}\n- Peers: {versions}\n- Counted rounds: {plan.rounds}",
        METHOD,
        *_snapshots(found["snapshots"], verdicts),
        _listings(found["listings"], plan, verdicts),
    ]
    if found["watching"]:
        parts.append(_watching(found["watching"], plan, verdicts))
    parts.insert(3, table(["what", "figure", "target", "verdict"], verdicts, left=(0, 3)))
    return "\n\n".join(parts), all(row[3] == "met" for row in verdicts)


def _snapshots(found: Mapping[str, Mapping[str, list[float]]], verdicts: list[list[str]]) -> list[str]:
    rows = []
    for size, times in found.items():
        figures = {name: summarise(values) for name, values in times.items()}
        for name, one in figures.items():
            times_faster = figures[PSUTIL].median / one.median
            rows.append(
                [f"{int(size):,}", name, *_columns(one), "" if name == PSUTIL else f"{times_faster:.1f}x"]
            )
        ratio = figures[PSUTIL].median / figures[OURS].median
        verdicts.append(
            _verdict(
                f"snapshot of {int(size):,} against psutil",
                f"{ratio:.1f}x",
                f">= {FASTER:g}x",
                ratio >= FASTER,
            )
        )
    assert any(row[1] == AGAIN for row in rows)
    heads = ["processes", "snapshot by", "median ms", "min ms", "IQR ms", "times faster than psutil"]
    return [table(heads, rows, left=(1,))]


def _listings(found: Mapping[str, list[float]], plan: Plan, verdicts: list[list[str]]) -> str:
    figures = {name: summarise(values) for name, values in found.items()}
    ratio = figures["pn ps -elf"].median / figures["ps -elf"].median
    verdicts.append(
        _verdict(
            f"`pn ps -elf` against ps at {plan.listed:,}",
            f"{ratio:.2f}x its time",
            f"<= {SLOWER:g}x",
            ratio <= SLOWER,
        )
    )
    rows = [[f"`{name}`", *_columns(one)] for name, one in figures.items()]
    return table([f"program, {plan.listed:,} processes", "median ms", "min ms", "IQR ms"], rows)


def _watching(found: Mapping[str, float], plan: Plan, verdicts: list[list[str]]) -> str:
    ours = found["pn top -d 1"]
    peers = {name: cpu for name, cpu in found.items() if name != "pn top -d 1"}
    each = ours / plan.seconds * 1000
    verdicts.append(
        _verdict(
            f"work of a refresh of {plan.watched:,}", f"{each:.0f} ms", f"<= {DRAWN:g} ms", each <= DRAWN
        )
    )
    most = max(peers, key=lambda name: peers[name])
    verdicts.append(
        _verdict(f"CPU against `{most}`", f"{ours / peers[most]:.2f}x", "below 1x", ours < peers[most])
    )
    rows = [[f"`{name}`", f"{cpu:.1f}", f"{100 * cpu / plan.seconds:.1f} %"] for name, cpu in found.items()]
    return table([f"watching {plan.watched:,} processes for {plan.seconds:g} s", "CPU s", "of a core"], rows)


def _columns(one: Summary) -> list[str]:
    return [f"{value:.1f}" for value in (one.median, one.minimum, one.iqr)]


def _verdict(what: str, figure: str, target: str, met: bool) -> list[str]:
    return [what, figure, target, "met" if met else "missed"]
