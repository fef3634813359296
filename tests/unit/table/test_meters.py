"""The lines of the header."""

from __future__ import annotations

import pytest

from procession.records import replace
from procession.table.board.words import help_lines, words_lines
from procession.table.meters import gib, header_lines, judged_load, length, status_line
from procession.table.meters_bars import bar, sparkline
from tests.unit.table.boardkit import frame, proc, table

FRAME = frame(table(proc(1), taken=998.0), table(proc(1, state="Z"), proc(2, state="D"), taken=1000.0))


def text(line: list[tuple[str, str]]) -> str:
    return "".join(words for _, words in line)


@pytest.mark.parametrize(
    ("load", "cores", "style", "words"),
    [
        (0.5, 2, "good", "25 % of 2 cores"),
        (2.0, 2, "warn", "100 % of 2 cores: in full use"),
        (8.0, 2, "bad", "4.0 for each of 2 cores"),
        (1.0, 1, "warn", "100 % of 1 core:"),
        (1.0, 0.5, "bad", "2.0 for each of 0.5 cores"),
    ],
)
def test_load_is_judged_against_what_we_can_get(load: float, cores: float, style: str, words: str) -> None:
    judged, said = judged_load(load, cores)
    assert judged == style
    assert words in said


@pytest.mark.parametrize("width", [80, 100, 120, 200])
@pytest.mark.parametrize("cores", [False, True])
def test_every_line_fits(width: int, cores: bool) -> None:
    for line in header_lines(FRAME, width, cores=cores, graph=6):
        assert length(line) <= width, text(line)


def test_a_limit_of_the_control_group_counts_as_cores() -> None:
    cores = replace(FRAME.machine.cores, limit=1.5)
    limited = replace(FRAME, machine=replace(FRAME.machine, cores=cores))
    assert "of 1.5 cores" in text(header_lines(limited, 120)[0])
    assert any("allows the time of 1.5" in text(line) for line in words_lines(limited, 120))


def test_trouble_is_marked_and_only_trouble() -> None:
    assert FRAME.tasks.zombie == FRAME.tasks.deaf == 1
    tasks = header_lines(FRAME, 120)[1]
    assert ("bad", "1") in tasks
    assert ("warn", "1") in tasks
    calm = header_lines(frame(table(proc(1))), 120)[1]
    assert not {"bad", "warn"} & {style for style, _ in calm}


def test_a_machine_without_swap_or_pressure_says_so() -> None:
    memory = replace(FRAME.machine.memory, swap_total=0, swap_free=0)
    machine = replace(FRAME.machine, memory=memory, cpu_pressure=None, memory_pressure=None, io_pressure=None)
    bare = replace(FRAME, machine=machine)
    for width in (80, 120):
        assert "none" in text(header_lines(bare, width)[4])
    page = "\n".join(text(line) for line in words_lines(bare, 100))
    assert "OOM" in page
    assert "does not tell" in page


def test_bars_have_their_width_whatever_the_fractions() -> None:
    for parts in (
        [],
        [("a", 0.0)],
        [("a", 0.33), ("b", 0.33), ("c", 0.34)],
        [("a", 5.0)],
        [("a", -1.0), ("b", 0.5)],
    ):
        assert length(bar(parts, 24)) == 24
    assert bar([("a", 0.5), ("b", 0.25)], 8)[:2] == [("a", "━━━━"), ("b", "━━")]


def test_the_newest_of_the_past_stands_at_the_right() -> None:
    assert sparkline([0.0, 1.0], 4) == "   █"
    assert sparkline([0.0] * 9 + [0.5], 3) == "  ▄"


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (1024, "1.0 KiB"), (10 * 2**20, "10 MiB"), (5 * 2**40, "5.0 TiB")],
)
def test_sizes_are_in_powers_of_1024(count: int, words: str) -> None:
    assert gib(count) == words


def test_the_status_names_what_cpu_means_and_what_we_cost() -> None:
    said = text(status_line(FRAME, "filter: x", 120, per_core=True))
    assert "100 = one core" in said
    assert "filter: x" in said
    assert "a refresh" in said
    assert "100 = the machine" in text(status_line(FRAME, "", 120, per_core=False))
    first = frame(table(proc(1)))
    assert "averages" in text(status_line(first, "", 120, per_core=True))


@pytest.mark.parametrize("width", [78, 118, 160])
def test_pages_fit_and_have_every_key(width: int) -> None:
    lines = help_lines(width)
    assert max(map(length, lines)) <= width
    page = "\n".join(map(text, lines))
    for words in ("send a signal", "no tags", "leave", "fold", "graphs", "nice value"):
        assert words in page
    assert max(map(length, words_lines(FRAME, width))) <= width
