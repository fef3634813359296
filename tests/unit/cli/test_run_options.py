"""Values of the options of ``pn run``, and where its own options end."""

from __future__ import annotations

import pytest

from procession.cli.options import leading, parse
from procession.cli.run_options import COMMAND, intensity_of, limits_of, ready_of, share_of, size_of, words_of


@pytest.mark.parametrize(
    ("word", "size"),
    [("2G", 2 << 30), ("512M", 512 << 20), ("1.5k", 1536), ("100000", 100000), ("3GiB", 3 << 30), ("1mb", 1 << 20)],
)  # fmt: skip
def test_sizes(word: str, size: int) -> None:
    assert size_of(word) == size


@pytest.mark.parametrize("word", ["", "G", "-1G", "0", "nan", "inf", "1X", "1e40"])
def test_no_size(word: str) -> None:
    with pytest.raises(ValueError):
        size_of(word)


def test_limits() -> None:
    assert limits_of("memory=2G,cpu=50%,files=1024") == {"memory": 2 << 30, "cpu": 0.5, "files": 1024}
    assert limits_of("cpu=1.5") == {"cpu": 1.5}
    for word in ("", "memory", "disk=2G", "cpu=0", "cpu=-1", "files=0", "files=x", "memory=2G,", "cpu=nan"):
        with pytest.raises(ValueError):
            limits_of(word)


def test_other_values() -> None:
    assert intensity_of("5/60s") == (5, 60.0)
    assert intensity_of("3/2m") == (3, 120.0)
    assert intensity_of("7") == (7, 60.0)
    assert share_of("10%") == share_of("0.1") == 0.1
    assert words_of("3,%make") == ["3", "%make"]
    assert ready_of("log:ready: yes") == "log:ready: yes"
    for word in ("port:0", "port:70000", "port:x", "log:", "http:x", ""):
        with pytest.raises(ValueError):
            ready_of(word)


@pytest.mark.parametrize(
    ("line", "ours"),
    [
        ("make -j4", 0),
        ("-n build make -j4 --name x", 2),
        ("-nbuild make", 1),
        ("--name=build make", 1),
        ("--nam build make", 2),
        ("-qf make -q", 1),
        ("-qn build make", 2),
        ("-f -- -x", 2),
        ("-e A=1 -e B=2 env", 4),
        ("-c 'x'", 2),
        ("-n", 1),
        ("", 0),
    ],
)
def test_options_end_at_the_first_word_of_the_command(line: str, ours: int) -> None:
    assert leading(COMMAND, line.split()) == ours


def test_an_option_may_come_again() -> None:
    for line in (["-e", "A=1", "-e", "B=2=3"], ["-e", "A=1", "--env=B=2=3"], ["-eA=1", "-e", "B=2=3"]):
        assert parse(COMMAND, line)["env"] == [("A", "1"), ("B", "2=3")]
    assert parse(COMMAND, [])["env"] is None
