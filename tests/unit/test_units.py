from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.units import number, seconds, size


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.4, "999 B"),
        (999.6, "1.0 kB"),
        (1000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (9_951, "10 kB"),
        (999_400, "999 kB"),
        (999_600, "1.0 MB"),
        (34_000_000, "34 MB"),
        (4_000_000_000, "4.0 GB"),
        (2.5e15, "2.5 PB"),
    ],
)
def test_sizes(count: float, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0.0 s"),
        (0.34, "0.3 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1:00"),
        (187, "3:07"),
        (3599.7, "1:00:00"),
        (7530, "2:05:30"),
    ],
)
def test_durations(count: float, text: str) -> None:
    assert seconds(count) == text


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((1, "file"), "1 file"),
        ((0, "file"), "0 files"),
        ((12345, "path"), "12,345 paths"),
        ((2, "entry", "entries"), "2 entries"),
    ],
)
def test_numbers(words: tuple[int, str], text: str) -> None:
    assert number(*words) == text


@given(st.floats(0, 1e15))
def test_a_size_is_near_and_short(count: float) -> None:
    text = size(count)
    figure, unit = text.split()
    factor = 1000 ** ["B", "kB", "MB", "GB", "TB", "PB"].index(unit)
    assert float(figure) * factor == pytest.approx(count, rel=0.06, abs=0.51)
    assert re.fullmatch(r"\d{1,3}|\d\.\d", figure)


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_a_longer_time_is_not_shown_as_a_shorter_one(one: float, other: float) -> None:
    def back(text: str) -> float:
        parts = text.removesuffix(" s").split(":")
        return sum(float(part) * (1.0, 60.0, 3600.0)[power] for power, part in enumerate(reversed(parts)))

    short, long = sorted((one, other))
    assert back(seconds(short)) <= back(seconds(long))
    assert back(seconds(short)) == pytest.approx(short, abs=0.51)
