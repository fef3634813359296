"""The table about jobs says what was met and what was not."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from bench.jobs.report import section
from bench.jobs.survival import QUESTIONS

OPTIONS = argparse.Namespace(rounds=5, jobs=100, keepers=100, waiting=1000)


def found(**changes: Any) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "submit": {"pn": [0.03, 0.02, 0.025], "task-spooler": [0.002] * 3},
        "whole": {"pn": [0.04] * 3, "task-spooler": [0.003] * 3},
        "memory": {"pn": 2_500_000.0, "task-spooler": 145_000.0},
        "keeper": [2_000_000, 2_900_000],
        "wakeups": "0 in 10 s of 102 processes",
        "latency": [0.01, 0.02, 0.5],
        "listing": {"pn jobs": [0.02], "pn --version": [0.012]},
        "survival": {name: dict.fromkeys(QUESTIONS, "yes") for name in ("pn", "task-spooler")},
        "versions": {"task-spooler": "1.0.1"},
    }
    return figures | changes


def test_all_targets_met() -> None:
    body, met = section(found(), OPTIONS, ["supervisor"], "a day", "a machine")
    assert met
    assert "| pn           |            25.0 |            40 |" in body
    assert "20.0 ms" in body
    assert "missing: supervisor" in body


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"latency": [0.031]}, "submit to running, median"),
        ({"keeper": [1, 3_000_001]}, "PSS of the largest"),
        ({"listing": {"pn jobs": [0.03], "pn --version": [0.012]}}, "`pn jobs`"),
        ({"wakeups": "3 in 10 s of 102 processes"}, "at rest"),
    ],
)
def test_a_target_that_is_missed_is_said(changes: dict[str, Any], words: str) -> None:
    body, met = section(found(**changes), OPTIONS, [], "a day", "a machine")
    assert not met
    (line,) = [line for line in body.splitlines() if line.endswith("| missed  |")]
    assert words in line
