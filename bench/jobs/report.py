"""The section of docs/benchmarks.md about jobs."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from bench.jobs.measures import SLOTS, median
from bench.jobs.peers import SUPERVISOR
from bench.jobs.survival import QUESTIONS
from bench.kit.markdown import table

LISTING, LATENCY, KEEPER = 2.0, 0.030, 3_000_000


def section(
    found: Mapping[str, Any], options: argparse.Namespace, missing: Sequence[str], written: str, where: str
) -> tuple[str, bool]:
    """The text, and whether all targets are met."""
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    verdicts = _verdicts(found, options)
    parts = [
        "## Jobs",
        f"Written on {written}.",
        f"- Machine: {where}\n- Peers: {versions}"
        + (f"; missing: {', '.join(missing)}" if missing else "")
        + f"\n- Counted rounds: {options.rounds}",
        table(["what", "figure", "target", "verdict"], verdicts, left=(0, 3)),
        _method(options),
        _costs(found),
        "A SIGKILL of the server, while one job runs and another one is queued:",
        _survival(found["survival"]),
    ]
    return "\n\n".join(parts), all(row[3] == "met" for row in verdicts)


def _verdicts(found: Mapping[str, Any], options: argparse.Namespace) -> list[list[str]]:
    listing = median(found["listing"]["pn jobs"]) / median(found["listing"]["pn --version"])
    latency = median(found["latency"])
    keeper = max(found["keeper"])
    rows = [
        (
            f"`pn jobs`, {options.waiting:,} waiting, against `pn --version`",
            f"{listing:.2f}x",
            f"<= {LISTING:g}x",
            listing <= LISTING,
        ),
        (
            "submit to running, median",
            f"{latency * 1000:.1f} ms",
            f"<= {LATENCY * 1000:.0f} ms",
            latency <= LATENCY,
        ),
        (
            f"PSS of the largest of {options.keepers} keepers",
            f"{keeper / 1e6:.2f} MB",
            f"<= {KEEPER / 1e6:g} MB",
            keeper <= KEEPER,
        ),
    ]
    if found.get("wakeups"):
        count = int(found["wakeups"].split()[0])
        rows.append(
            ("system calls of daemon, nursery and keepers at rest", found["wakeups"], "none", count == 0)
        )
    return [[what, figure, target, "met" if met else "missed"] for what, figure, target, met in rows]


def _method(options: argparse.Namespace) -> str:
    return f"""\
In every round each contestant hands in {options.jobs} jobs `true`, one command each, {SLOTS} at a time being run, \
with a server of its own that is up; the order rotates; a first round warms up and is not counted; figures are \
medians. {SUPERVISOR} has no command to hand in a job: its jobs come all at once by its configuration and \
`supervisorctl update`, and all run at once. Memory is the PSS of all processes of a contestant but the \
commands, divided by {options.keepers} jobs that sleep."""


def _costs(found: Mapping[str, Any]) -> str:
    rows = [
        [
            name,
            f"{median(found['submit'][name]) * 1000:.1f}",
            f"{1 / median(found['submit'][name]):.0f}",
            f"{median(found['whole'][name]) * 1000:.1f}",
            f"{found['memory'][name] / 1e6:.2f}",
        ]
        for name in found["submit"]
    ]
    return table(
        ["contestant", "ms a submission", "submissions/s", "ms a job, to the end", "MB a sleeping job"], rows
    )


def _survival(found: Mapping[str, Mapping[str, str]]) -> str:
    rows = [[question, *(found[name][question] for name in found)] for question in QUESTIONS]
    return table(["", *found], rows, left=tuple(range(len(found) + 1)))
