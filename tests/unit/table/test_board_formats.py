"""Figures in a few characters, as top(1) writes them."""

from __future__ import annotations

import pytest

from procession.table.board import formats


@pytest.mark.parametrize(
    ("kib", "width", "unit", "text"),
    [
        (0, 7, "k", "0"),
        (999_999, 6, "k", "999999"),
        (1_000_000, 6, "k", "976.6m"),
        (1_024_000, 6, "k", "1.0g"),
        (34_359_738_367, 7, "k", "32.0t"),
        (2048, 6, "m", "2.0m"),
        (2048, 6, "g", "0.0g"),
        (10**15, 3, "k", "?"),
    ],
)
def test_memory_goes_to_a_larger_unit_when_it_does_not_fit(
    kib: float, width: int, unit: str, text: str
) -> None:
    assert formats.memory(kib, width, unit) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.0"), (99.94, "99.9"), (100.0, "100.0"), (999.96, "1000"), (6400.0, "6400")]
)
def test_per_cents_lose_their_digit_when_they_are_long(value: float, text: str) -> None:
    assert formats.percent(value) == text


@pytest.mark.parametrize(
    ("ticks", "text"),
    [
        (0, "0:00.00"),
        (123, "0:01.23"),
        (6000, "1:00.00"),
        (59_999_999, "9999:59"),
        (100 * 60 * 999 + 1, "999:00.01"),
        (100 * 3600 * 24 * 400, "576000:00"),
        (100 * 3600 * 30_000, "30000,00"),
    ],
)
def test_cpu_time_grows_coarser_with_its_length(ticks: int, text: str) -> None:
    assert formats.cpu_time(ticks) == text


def test_what_a_terminal_might_obey_becomes_a_question_mark() -> None:
    assert formats.printable("a\nb\x1b[31mc\udcff\u202e") == "a?b?[31mc??"
    assert formats.printable("Größe データ") == "Größe データ"


def test_a_cut_is_marked() -> None:
    assert formats.cut("abcdefgh", 8) == "abcdefgh"
    assert formats.cut("abcdefghi", 8) == "abcdefg+"
