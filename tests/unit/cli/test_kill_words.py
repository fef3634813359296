"""The words of ``pn kill`` in all the spellings of kill(1) and pkill(1)."""

from __future__ import annotations

import pytest

from procession.cli.criteria import Wrong
from procession.cli.kill_options import COMMAND
from procession.cli.kill_words import Words, read_words
from procession.cli.times import seconds_of


def read(line: str) -> Words:
    return read_words(line.split(), COMMAND)


@pytest.mark.parametrize(
    ("line", "signal", "targets", "options"),
    [
        ("7", None, "7", ""),
        ("-9 7", 9, "7", ""),
        ("-KILL 7", 9, "7", ""),
        ("-SIGKILL 7", 9, "7", ""),
        ("-kill 7", 9, "7", ""),
        ("-s KILL 7", 9, "7", ""),
        ("-s 9 7", 9, "7", ""),
        ("--signal KILL 7", 9, "7", ""),
        ("--signal=9 7", 9, "7", ""),
        ("7 -9", 9, "7", ""),
        ("-0 7", 0, "7", ""),
        ("-RTMIN+3 7", 37, "7", ""),
        ("-9 -7", 9, "-7", ""),
        ("-TERM -- -7 -8", 15, "-7 -8", ""),
        ("-- -7", None, "-7", ""),
        ("-s TERM -1", 15, "-1", ""),
        ("-4711", None, "-4711", ""),  # no signal has this number
        ("-f -KILL train", 9, "train", "-f"),
        ("-P 7 web", None, "web", "-P 7"),
        ("-fu 7 web", None, "web", "-fu 7"),
        ("-fP7 web", None, "web", "-fP7"),
        ("-HUP --user 7 --older 5 web", 1, "web", "--user 7 --older 5"),
        ("-q -5 -USR1 7", 10, "7", "-q -5"),
        ("--grace=5 --tree 7", None, "7", "--grace=5 --tree"),
        ("--wait 7", None, "7", "--wait"),
        ("firefox -- -x", None, "firefox -x", ""),
    ],
)
def test_signals_targets_and_options(line: str, signal: int | None, targets: str, options: str) -> None:
    assert read(line) == Words(signal, None, tuple(targets.split()), tuple(options.split()))


@pytest.mark.parametrize(
    ("line", "listing"),
    [
        ("-l", ("-l",)),
        ("-l 9", ("-l", "9")),
        ("-l9", ("-l", "9")),
        ("--list=9", ("-l", "9")),
        ("--list KILL 3", ("-l", "KILL", "3")),
        ("-L", ("-L",)),
        ("--table", ("-L",)),
    ],
)
def test_listings(line: str, listing: tuple[str, ...]) -> None:
    assert read(line).listing == listing


@pytest.mark.parametrize("line", ["-s NOSUCH 7", "-s", "--signal= 7", "-s 9 -TERM 7", "-s 99 7"])
def test_mistakes(line: str) -> None:
    with pytest.raises(Wrong):
        read(line)


@pytest.mark.parametrize(
    ("word", "seconds"),
    [("90", 90), ("1.5", 1.5), ("10m", 600), ("2h30m", 9000), ("1d", 86400), ("1m30", 90), ("0", 0)],
)
def test_times(word: str, seconds: float) -> None:
    assert seconds_of(word) == seconds


@pytest.mark.parametrize("word", ["", "x", "h", "-5", "nan", "inf", "5y", "1h-3"])
def test_what_is_no_time(word: str) -> None:
    with pytest.raises(ValueError):
        seconds_of(word)
