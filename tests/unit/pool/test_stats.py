from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.pool.report import report
from procession.pool.stats import PoolStats, SlowTask, WorkerStats
from procession.records import replace
from procession.units import duration, per_second, seconds

EMPTY = PoolStats(
    name="pool-1", start_method="fork", seconds=0.25, done=0, failed=0, queued=0, running=0, retried=0,
    workers=(), slowest=(), replaced=(), batches=(),
)  # fmt: skip
BUSY = WorkerStats(
    pid=4711, number=1, state="busy", tasks=1234, busy=9.0, alive=10.0, task="resize('a.jpg')", since=3.2,
    memory=34_000_000,
)  # fmt: skip
IDLE = WorkerStats(
    pid=12345678, number=12, state="idle", tasks=5, busy=0.0, alive=0.0, task="", since=0.0, memory=999
)


def test_a_pool_without_anything() -> None:
    assert report(EMPTY).splitlines() == [
        "pool-1: 0 workers by fork, 250 ms",
        "0 done, 0 failed, 0 running, 0 queued",
    ]


def test_the_whole_table() -> None:
    stats = replace(
        EMPTY,
        seconds=187,
        done=1239,
        failed=3,
        retried=1,
        workers=(BUSY, IDLE),
        slowest=(SlowTask(1017, "resize('big.jpg')", 12.3, 4711), SlowTask(4, "resize('b.jpg')", 0.0034, 99)),
        replaced=("worker 3 (pid 77): killed by SIGKILL",),
        batches=(1, 8, 64),
    )
    assert report(stats).splitlines() == [
        "pool-1: 2 workers by fork, 3:07",
        "1,239 done, 3 failed, 0 running, 0 queued, 1 retry",
        "",
        "worker       pid  state  tasks  busy  alive  memory  at",
        "     1      4711  busy   1,234  90 %   10 s   34 MB  resize('a.jpg') for 3.2 s",
        "    12  12345678  idle       5   0 %   0 µs   999 B",
        "",
        "slowest   task   pid  call",
        "   12 s  1,017  4711  resize('big.jpg')",
        " 3.4 ms      4    99  resize('b.jpg')",
        "",
        "1 worker replaced",
        "  worker 3 (pid 77): killed by SIGKILL",
        "",
        "latest batches: 1 8 64",
    ]


def test_of_many_replacements_the_last_are_listed() -> None:
    lines = report(replace(EMPTY, replaced=tuple(f"reason {n}" for n in range(30)))).splitlines()
    assert "30 workers replaced, the last 10 of them:" in lines
    assert [line for line in lines if "reason" in line] == [f"  reason {n}" for n in range(20, 30)]


@given(st.text(), st.text(min_size=1), st.text())
def test_no_text_breaks_the_lines(name: str, task: str, why: str) -> None:
    stats = replace(EMPTY, name=name, workers=(replace(BUSY, task=task),), replaced=(why,))
    lines = report(stats).split("\n")
    assert len(lines) == 8
    assert all(line.isprintable() for line in lines)


numbers = st.integers(0, 10**9)


@given(st.lists(st.tuples(numbers, numbers, st.floats(0, 1e9), st.floats(0, 1e9)), min_size=1, max_size=20))
def test_the_columns_stay_below_each_other(rows: list[tuple[int, int, float, float]]) -> None:
    workers = tuple(
        replace(BUSY, pid=pid, tasks=tasks, busy=busy, alive=alive, task="x" * 9)
        for pid, tasks, busy, alive in rows
    )
    head, *lines = report(replace(EMPTY, workers=workers)).splitlines()[3:]
    assert len(lines) == len(rows)
    assert {line.index("xxxxxxxxx") for line in lines} == {len(head) - 2}


def test_a_report_needs_no_rich() -> None:
    program = (
        "import sys; sys.modules['rich'] = None\n"
        "from procession.pool.report import report\n"
        "from procession.pool.stats import PoolStats\n"
        "print(report(PoolStats('p', 'fork', 1, 0, 0, 0, 0, 0, (), (), (), ())))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("p: 0 workers")


LIGHT = [
    "bar", "progress", "report", "short", "stats", "status", "status_folder", "status_record", "throttle",
    "words",
]  # fmt: skip


def test_loading_them_loads_nothing_heavy() -> None:
    program = (
        "import sys\n"
        f"import {', '.join(f'procession.pool.{name}' for name in LIGHT)}\n"
        "heavy = {'asyncio', 'concurrent', 'dataclasses', 'json', 'pathlib', 'platformdirs', 'rich', 'typing'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    words = [sys.executable, "-S", "-c", program]
    path = ":".join(sys.path)
    done = subprocess.run(words, capture_output=True, text=True, check=True, env={"PYTHONPATH": path})
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 µs"),
        (0.0000124, "12 µs"),
        (0.000999, "999 µs"),
        (0.0009996, "1.0 ms"),
        (0.0034, "3.4 ms"),
        (0.00996, "10 ms"),
        (0.25, "250 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (187, "3:07"),
    ],
)
def test_short_durations(count: float, text: str) -> None:
    assert duration(count) == text


@given(st.floats(1, 1e9))
def test_long_durations_are_as_ever(count: float) -> None:
    assert duration(count) == seconds(count)


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (0, "0/s"),
        (0.003, "0.2/min"),
        (0.2, "12/min"),
        (0.94, "56/min"),
        (1, "1.0/s"),
        (9.96, "10/s"),
        (1234.5, "1,234/s"),
    ],
)
def test_rates(rate: float, text: str) -> None:
    assert per_second(rate) == text
