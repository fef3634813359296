"""Signals in all their spellings, held against procps's kill."""

from __future__ import annotations

import shutil
import signal
import subprocess

import pytest

from procession.table.signals import (
    NUMBERS,
    full_name,
    list_lines,
    signal_name,
    signal_number,
    table_lines,
    translate,
)

KILL = shutil.which("kill")
needs_kill = pytest.mark.skipif(KILL is None, reason="procps's kill is not installed")


def procps(*words: str) -> tuple[int, str]:
    assert KILL is not None
    ran = subprocess.run([KILL, *words], capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout.strip()


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("9", 9), ("KILL", 9), ("SIGKILL", 9), ("kill", 9), ("sigkill", 9), ("SigKill", 9), ("0", 0), ("EXIT", 0),
        ("CLD", signal.SIGCHLD), ("IOT", signal.SIGABRT), ("IO", signal.SIGIO), ("POLL", signal.SIGPOLL),
        ("RTMIN", signal.SIGRTMIN), ("RTMIN+3", signal.SIGRTMIN + 3), ("SIGRTMAX-1", signal.SIGRTMAX - 1),
        ("RTMAX", signal.SIGRTMAX), ("64", 64),
    ],
)  # fmt: skip
def test_all_spellings(word: str, number: int) -> None:
    assert signal_number(word) == number


@pytest.mark.parametrize(
    "word",
    ["", "65", "NOSUCH", "SIG", "-9", "SIGSIGKILL", "RTMIN-1", "RTMAX+1", "RTMIN+99", "RTMIN+", "٩", "9 "],
)
def test_what_is_no_signal(word: str) -> None:
    assert signal_number(word) is None


def test_each_number_has_a_name_that_leads_back() -> None:
    for number in range(1, signal.SIGRTMAX + 1):
        if number not in (32, 33):  # the C library's own
            assert signal_number(signal_name(number)) == number
    assert full_name(32) == "signal 32"


def test_numbers_are_those_of_python() -> None:
    assert all(number == getattr(signal, f"SIG{name}") for name, number in NUMBERS.items())


@needs_kill
def test_the_list_is_that_of_procps() -> None:
    assert "\n".join(list_lines()) == procps("-l")[1]


@needs_kill
def test_the_table_is_that_of_procps_and_a_line_on_real_time() -> None:
    *ours, more = table_lines()
    assert [line.strip() for line in ours] == [line.strip() for line in procps("-L")[1].splitlines()]
    assert str(signal.SIGRTMAX.value) in more


@needs_kill
@pytest.mark.parametrize(
    "word", [*map(str, range(1, 32)), *NUMBERS, *(f"SIG{name}" for name in NUMBERS), "term"]
)
def test_translations_are_those_of_procps(word: str) -> None:
    assert (0, translate(word)) == procps("-l", word)


@pytest.mark.parametrize(
    ("word", "answer"), [("137", "KILL"), ("143", "TERM"), ("0", None), ("RTMIN+1", "35"), ("x", None)]
)
def test_exit_statuses_are_translated_too(word: str, answer: str | None) -> None:
    assert translate(word) == answer
