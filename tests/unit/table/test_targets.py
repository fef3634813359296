"""From pids, groups and names to records, and whom nobody may touch."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from procession.table.match import Criteria
from procession.table.targets import by_criteria, by_words, is_pid
from tests.unit.table.recordkit import made, table_of

ME = 50
TABLE = table_of(
    made(1, 0, name="init"),
    made(10, 1, name="sh", pgrp=10),
    made(ME, 10, name="pn", pgrp=ME),
    made(20, 1, name="web", pgrp=20),
    made(21, 20, name="web", pgrp=20),
    made(22, 20, name="webber", pgrp=20),
)


def chosen(*words: str, harmless: bool = False) -> tuple[list[int], int]:
    found = by_words(words, TABLE, ME, harmless=harmless)
    return [each.pid for each in found.chosen], len(found.wrong)


@pytest.mark.parametrize(
    ("words", "pids", "wrong"),
    [
        (("20",), [20], 0),
        (("20", "20", "web"), [20, 21], 0),
        (("web",), [20, 21], 0),
        (("we",), [], 1),
        (("99", "22"), [22], 1),
        (("-20",), [20, 21, 22], 0),
        (("-99",), [], 1),
        (("-1",), [], 1),
        ((str(ME),), [], 1),
        (("10",), [], 1),
        (("1",), [], 1),
        (("sh", "pn", "init"), [], 3),
        ((f"-{ME}",), [], 1),
    ],
)
def test_words(words: tuple[str, ...], pids: list[int], wrong: int) -> None:
    assert chosen(*words) == (pids, wrong)


def test_signal_0_harms_nobody() -> None:
    assert chosen("1", "10", str(ME), harmless=True) == ([1, 10, ME], 0)


def test_how_many_were_found_by_a_name() -> None:
    assert by_words(["22", "web"], TABLE, ME).by_name == 2


def test_a_pattern_never_finds_those_that_run_us() -> None:
    found = by_criteria(Criteria(patterns=("",)), TABLE, ME)
    assert [each.pid for each in found.chosen] == [20, 21, 22]
    assert by_criteria(Criteria(patterns=("sh",)), TABLE, ME).wrong


def test_a_pid_with_the_inode_of_its_pidfd() -> None:
    ours = os.getpid()
    table = table_of(made(ours, 1))
    fd = os.pidfd_open(ours)
    inode = os.fstat(fd).st_ino
    os.close(fd)
    assert by_words([f"{ours}:{inode}"], table, ME).chosen
    assert by_words([f"{ours}:{inode + 1}"], table, ME).wrong


def test_why_a_pid_is_not_there() -> None:
    above_all = int(Path("/proc/sys/kernel/pid_max").read_text()) + 1
    inside = made(20, 1, name="web", status=f"NSpid:\t20\t{above_all}\n")
    (wrong,) = by_words([str(above_all)], table_of(inside), ME).wrong
    assert (
        wrong
        == f"pid {above_all}: there is no such process here; in a pid namespace below it is pid 20 (web)"
    )
    (wrong,) = by_words([str(above_all)], TABLE, ME).wrong
    assert wrong == f"pid {above_all}: there is no such process"


def test_a_thread_is_told_from_a_process() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        (wrong,) = by_words([str(thread.native_id)], TABLE, ME).wrong
    finally:
        done.set()
        thread.join()
    assert f"is a thread of process {os.getpid()}:" in wrong


@pytest.mark.parametrize(
    ("word", "is_one"),
    [
        ("7", True),
        ("-7", True),
        ("7:8", True),
        ("7:", True),
        ("a", False),
        ("", False),
        ("7a", False),
        ("٧", False),
    ],
)
def test_what_is_a_pid(word: str, is_one: bool) -> None:
    assert is_pid(word) == is_one
