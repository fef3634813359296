"""Moments as people write them: the next or the last such time, by the calendar of where they are."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from procession.cli.times import clock, coming, iso, past


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # By rule and not by name: a machine without tzdata knows this one, too.
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(text: str) -> float:
    return time.mktime(time.strptime(text, "%Y-%m-%d %H:%M:%S"))


NOON = "2026-11-24 12:00:00"


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("22:30", "2026-11-24 22:30:00"),
        ("11:59", "2026-11-25 11:59:00"),
        ("12:00", "2026-11-25 12:00:00"),
        ("12:00:01", "2026-11-24 12:00:01"),
        ("2026-12-01 08:00", "2026-12-01 08:00:00"),
        ("2026-12-01T08:00:30", "2026-12-01 08:00:30"),
        ("2026-12-01", "2026-12-01 00:00:00"),
    ],
)
def test_coming(word: str, wanted: str) -> None:
    assert coming(word, at(NOON)) == at(wanted)


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("22:30", "2026-11-23 22:30:00"),
        ("11:59", "2026-11-24 11:59:00"),
        ("10m", "2026-11-24 11:50:00"),
        ("90", "2026-11-24 11:58:30"),
        ("2026-11-01 08:00", "2026-11-01 08:00:00"),
    ],
)
def test_past(word: str, wanted: str) -> None:
    assert past(word, at(NOON)) == at(wanted)


def test_the_night_in_which_clocks_change_is_not_24_hours_long() -> None:
    evening = at("2026-10-24 22:00:00")
    assert coming("08:00", evening) == at("2026-10-25 08:00:00") == evening + 11 * 3600
    assert past("22:00", at("2026-03-29 12:00:00")) == at("2026-03-28 22:00:00")
    assert coming("07:30", at("2026-12-31 23:00:00")) == at("2027-01-01 07:30:00")


@pytest.mark.parametrize(
    "word",
    [
        "", "24:00", "12:60", "1", "noon", "2026-02-30 08:00", "2026-13-01 08:00", "12:00 12:00", "-1:00", "１:00",
        "99999999999999-01-01", "2026-12-01 8", "1:2:3:4",
    ],
)  # fmt: skip
def test_no_moment(word: str) -> None:
    with pytest.raises(ValueError):
        coming(word, at(NOON))


def test_for_people_and_for_programs() -> None:
    assert clock(at("2026-11-24 09:05:03"), at(NOON)) == "09:05:03"
    assert clock(at("2026-11-23 09:05:03"), at(NOON)) == "2026-11-23 09:05:03"
    assert iso(at("2026-07-01 09:05:03")) == "2026-07-01T09:05:03+02:00"
    assert iso(None) is None
