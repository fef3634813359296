"""The text of ``pn top -b``."""

from __future__ import annotations

import pytest

from procession.records import replace
from procession.table.batch import batch_text, header, up
from procession.table.board.board import View, arrange
from procession.table.board.columns import Style
from tests.unit.table.boardkit import NoFiles, frame, proc, table

SOURCE = NoFiles()
FRAME = frame(
    table(proc(1), taken=998.0),
    table(
        proc(1, comm="a\nb", rss=300, uid=0),
        proc(2, ticks=250, command="run \x1b[31m red", source=SOURCE),
        proc(3, 2, state="Z"),
        taken=1000.0,
    ),
)


def lines(view: View, **options: object) -> list[str]:
    return batch_text(FRAME, arrange(FRAME, view), view, **options).split("\n")  # type: ignore[arg-type]


def test_the_layout() -> None:
    got = lines(View())
    assert got[0].startswith("top - ")
    assert got[0].endswith("up 3 days, 11:20,  2 users,  load average: 2.51, 1.94, 1.20")
    assert got[1] == "Tasks:   3 total,   0 running,   2 sleeping,   0 stopped,   1 zombie"
    assert got[3] == "MiB Mem :   8192.0 total,   1200.0 free,   3180.0 used,   4080.0 buff/cache     "
    assert got[4] == "MiB Swap:   2048.0 total,   1700.0 free,    348.0 used.   5012.0 avail Mem "
    assert got[5] == ""
    assert got[6] == "  PID USER      PR  NI    VIRT    RES    SHR S  %CPU  %MEM     TIME+ COMMAND"
    assert got[7].endswith("S 125.0   0.0   0:02.50 prog")
    assert got[8:] == ["    1 root      20   0       4   1200      0 S   0.0   0.0   0:00.00 a?b", got[9], ""]


def test_a_command_can_write_nothing_to_the_terminal() -> None:
    text = "".join(lines(View(style=Style(whole=True))))
    assert "run ?[31m red" in text
    assert text.isprintable()


def test_each_cpu_has_its_line() -> None:
    got = lines(View(), each_core=True)
    assert [line[:8] for line in got[2:6]] == ["%Cpu0  :", "%Cpu1  :", "%Cpu2  :", "%Cpu3  :"]


@pytest.mark.parametrize(
    ("unit", "start"),
    [("k", "KiB Mem :  8388608 total"), ("g", "GiB Mem :      8.0 total"), ("t", "TiB Mem :      0.0 total")],
)
def test_memory_in_other_units(unit: str, start: str) -> None:
    assert header(FRAME, unit)[3].startswith(start)


def test_lines_are_cut_where_it_is_asked_for() -> None:
    assert max(map(len, lines(View(), width=20))) == 20


def test_a_tree_is_drawn_in_front_of_the_commands() -> None:
    commands = [line.rpartition("0:0")[2][5:] for line in lines(View(tree=True))[7:10]]
    assert commands == ["a?b", "└─ prog", "   └─ prog"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (59, "up 0 min"),
        (3599, "up 59 min"),
        (3600, "up  1:00"),
        (86_400, "up 1 day, 0 min"),
        (200_000, "up 2 days,  7:33"),
    ],
)
def test_uptime_as_uptime_says_it(seconds: float, words: str) -> None:
    assert up(seconds) == words


def test_threads_are_counted_as_threads() -> None:
    assert header(replace(FRAME, threads=True))[1].startswith("Threads:   3 total")
