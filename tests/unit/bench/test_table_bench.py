"""The bench of the process table: its verdicts, and a whole call with tiny counts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import bench.table
from bench.table.crowd import crowd
from bench.table.plan import AGAIN, OURS, PSUTIL, REAL, Plan
from bench.table.report import section
from tests.harness.processes import descendants

PLAN = Plan(3, (1000,), 1000, 10_000, 60.0)


def found(ours: float = 20.0, pn: float = 100.0, top: float = 3.0) -> dict[str, Any]:
    times = {OURS: [ours] * 3, REAL: [ours] * 3, AGAIN: [5.0] * 3, PSUTIL: [100.0] * 3}
    return {
        "versions": {"psutil": "7"},
        "snapshots": {"1000": times},
        "listings": {"pn ps -elf": [pn] * 3, "ps -elf": [100.0] * 3, "python3 -c pass": [10.0] * 3},
        "watching": {"pn top -d 1": top, "top -d 1": 6.0, "htop -d 10": 9.0},
    }


@pytest.mark.parametrize(
    ("figures", "met", "says"),
    [
        (found(), True, "5.0x"),
        (found(ours=30.0), False, "3.3x"),
        (found(pn=131.0), False, "1.31x its time"),
        (found(top=6.5), False, "108 ms"),
        (found(top=9.5), False, "1.06x"),
    ],
)
def test_verdicts(figures: dict[str, Any], met: bool, says: str) -> None:
    text, all_met = section(figures, PLAN, "today", "here")
    assert all_met is met
    assert says in text
    assert ("missed" in text) is not met


def test_a_crowd_is_there_and_gone() -> None:
    with crowd(5):
        assert len(descendants(os.getpid())) == 6
    assert descendants(os.getpid()) == []


@pytest.mark.root
def test_a_whole_call_with_tiny_counts(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    words = ["--rounds", "1", "--sizes", "5", "--listed", "5", "--watched", "0", "--out", str(page)]
    assert bench.table.main(words) in (0, 1)
    out = capfd.readouterr().out
    assert "snapshot of 5 against psutil" in out
    assert "`pn ps -elf` against ps at 5" in out
    assert not page.exists()  # too few rounds to be written


@pytest.mark.parametrize("words", [["--rounds", "0"], ["--sizes", "0"], ["--listed", "0"]])
def test_counts_have_to_be_above_zero(words: list[str]) -> None:
    with pytest.raises(SystemExit):
        bench.table.main(words)
