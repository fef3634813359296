"""The grammars of ``pn ps``: what a command line is taken for."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.cli.ps_formats import short_keys, slots, sort_keys
from procession.cli.ps_request import Improper, Request
from procession.cli.ps_standard import columns
from procession.cli.ps_words import read


def request(line: str) -> Request:
    return read(line.split(), columns)[0]


def headings(line: str) -> str:
    found, _ = read(line.split(), columns)[1]
    return " ".join(slot.heading for slot in found)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", "PID TTY TIME CMD"),
        ("-f", "UID PID PPID C STIME TTY TIME CMD"),
        ("-elf", "F S UID PID PPID C PRI NI ADDR SZ WCHAN STIME TTY TIME CMD"),
        ("aux", "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND"),
        ("-aux", "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND"),
        ("ax", "PID TTY STAT TIME COMMAND"),
        ("-eLf", "UID PID PPID LWP C NLWP STIME TTY TIME CMD"),
        ("axjf", "PPID PID PGID SID TTY TPGID STAT UID TIME COMMAND"),
        ("-o pid,user:20 -o comm=Name", "PID USER Name"),
        ("opid,comm", "PID COMMAND"),
        ("-O ppid", "PID PPID S TTY TIME COMMAND"),
        ("--format=pid --format stat", "PID STAT"),
        ("word", "USER PID %CPU %MEM RSS STAT START TIME COMMAND"),
        ("-ef word", "UID PID PPID C STIME TTY TIME CMD"),
    ],
)
def test_columns_of_command_lines(line: str, expected: str) -> None:
    assert headings(line) == expected


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("python worker", ["python", "worker"]),
        ("aux nginx", ["nginx"]),
        ("-ef nginx -p 1", ["nginx"]),
        (":8080", [":8080"]),
        ("-- aux", ["aux"]),
        ("-ef -- -x", ["-x"]),
        ("/usr/bin/thing", ["/usr/bin/thing"]),
        ("aux", []),
        ("sh", []),
        ("123", []),
        ("-u root -f", []),
    ],
)
def test_free_words(line: str, words: list[str]) -> None:
    assert request(line).words == words


def test_lists_in_all_their_spellings() -> None:
    for line in ("-p 1,2", "-p1,2", "p 1,2", "p1,2", "--pid 1,2", "--pid=1,2", "--pid:1,2", "-fp 1,2"):
        assert [(field, sorted(values)) for field, values in request(line).lists] == [("pid", [1, 2])], line
    assert [field for field, _ in request("1 -2 +3").lists] == ["pid", "pgrp", "session"]
    assert request("-p 0x10").lists == [("pid", [16])]
    assert request("-C averyverylongname").lists == [("name", [b"averyverylongna"])]


def test_watch_and_json() -> None:
    assert request("--watch").watch == 2.0
    assert request("--watch=0.5").watch == 0.5
    assert request("--json").json
    assert request("-efh").human


@pytest.mark.parametrize(
    "line",
    ["--nosuch", "-p", "-p 1,", "-p 0", "-p -1x", "-u nosuchuser", "ul", "-o", "--json=1", "--watch=-1", "--cols 0",
     "-q 1 -q 2", "-q 1 --sort pid", "-o pid:0", "-L -T", "-H -L", "-y", "--sort=", "-V -f"],
)  # fmt: skip
def test_refused(line: str) -> None:
    with pytest.raises(Improper):
        read(line.split(), columns)


def test_the_first_reason_is_told() -> None:
    with pytest.raises(Improper, match="no user 'nosuchuser'"):
        request("-u nosuchuser")


def test_sort_keys() -> None:
    assert [(key.name, down) for key, down in sort_keys("-rss,+pid,comm")] == [
        ("rss", True),
        ("pid", False),
        ("comm", False),
    ]
    short = short_keys("u-pC", is_tree=False)
    assert short is not None
    assert [(key.name, down) for key, down in short] == [("user", False), ("pid", True), ("pcpu", False)]
    assert short_keys("pp", is_tree=False) is None
    assert short_keys("P", is_tree=True) is None
    assert short_keys("p-", is_tree=False) is None


@given(st.lists(st.text("aefluxopCH-+=:,.%0 19\x1bé", max_size=6), max_size=4))
def test_any_command_line_is_read_or_refused(words: list[str]) -> None:
    with suppress(Improper):
        found, (made, _) = read(words, columns)
        assert isinstance(found, Request)
        assert made


@given(st.text("pidcom,=:%12 U\n", max_size=12))
def test_any_format_is_read_or_refused(text: str) -> None:
    with suppress(Improper):
        assert slots(text)
