"""Patterns and criteria over records."""

from __future__ import annotations

from typing import Any

import pytest

from procession.table.match import Criteria, choose
from tests.unit.table.recordkit import made, table_of

ME = 50
TABLE = table_of(
    made(1, 0, name="init", start=1),
    made(10, 1, name="sshd", command="sshd: alice [priv]", uid=0, start=1000),
    made(20, 10, name="bash", command="-bash", uid=7, session=20, tty=34816, start=2000),
    made(
        30,
        20,
        name="python",
        command="python train.py --fast",
        uid=7,
        pgrp=30,
        session=20,
        tty=34816,
        start=3000,
    ),
    made(31, 20, name="python", command="python serve.py", uid=8, pgrp=30, session=20, state="T", start=3000),
    made(ME, 20, name="pn", command="pn pgrep train.py", uid=7, session=20, start=4000),
    made(60, 2, name="kworker/u8:1", command="", flags=0x200000, start=5),
    made(70, 1, name="odd\nna\x1bme", command="odd\nname x", start=9000, cgroup="/system.slice/odd"),
)


def pids(**what: Any) -> list[int]:
    if "patterns" in what:
        what["patterns"] = tuple(what["patterns"].split())
    return [each.pid for each in choose(Criteria(**what), TABLE, ME)]


@pytest.mark.parametrize(
    ("what", "found"),
    [
        ({"patterns": "ython"}, [30, 31]),
        ({"patterns": "^pyt.*n$"}, [30, 31]),
        ({"patterns": "pyt", "exact": True}, []),
        ({"patterns": "python", "exact": True}, [30, 31]),
        ({"patterns": "bash|sshd", "exact": True}, [10, 20]),
        ({"patterns": "PYTHON"}, []),
        ({"patterns": "PYTHON", "ignore_case": True}, [30, 31]),
        ({"patterns": "train.py", "full": True}, [30]),  # not the command that looks
        ({"patterns": "train.py"}, []),
        ({"patterns": "[[:digit:]]:[[:digit:]]"}, [60]),
        ({"patterns": "kworker", "full": True}, [60]),  # by its name in brackets
        ({"patterns": "odd[?]na[?]me"}, [70]),
        ({"patterns": "^odd.name.x$", "full": True}, [70]),
        ({"patterns": "python bash"}, [20, 30, 31]),
        ({"patterns": "python", "literal": True}, [30, 31]),
        ({"patterns": "pyt.on", "literal": True}, []),
        ({"patterns": "python", "inverse": True}, [1, 10, 20, 60, 70]),
        ({"euids": frozenset({7})}, [20, 30]),
        ({"uids": frozenset({8})}, [31]),
        ({"gids": frozenset({7, 8})}, [20, 30, 31]),
        ({"parents": frozenset({20})}, [30, 31]),
        ({"groups": frozenset({30})}, [30, 31]),
        ({"sessions": frozenset({20}), "states": "S"}, [20, 30]),
        ({"ttys": frozenset({34816})}, [20, 30]),
        ({"states": "TZ"}, [31]),
        ({"older": 80.0}, [1, 10, 20, 60]),
        ({"younger": 20.0}, [70]),
        ({"older": 60.0, "younger": 85.0}, [20, 30, 31]),
        ({"cgroups": frozenset({"/system.slice/odd"})}, [70]),
        ({"pids": frozenset({30, 99})}, [30]),
        ({"patterns": "bash", "ignore_ancestors": True}, []),
        ({"patterns": "python", "newest": True}, [31]),  # of the same age: the larger pid
        ({"patterns": "python", "oldest": True}, [30]),
        ({"newest": True}, [70]),
        ({"patterns": "nobody", "newest": True}, []),
    ],
)
def test_criteria(what: dict[str, Any], found: list[int]) -> None:
    assert pids(**what) == found


def test_a_bad_pattern_says_so() -> None:
    with pytest.raises(ValueError, match="is no regular expression"):
        pids(patterns="a[")


def test_names_are_cut_as_the_kernel_cuts_them() -> None:
    table = table_of(made(5, name="averyveryverylo"))
    assert choose(Criteria(patterns=("averyveryverylongname",), literal=True), table, 1)


def test_nothing_chosen_is_known_as_such() -> None:
    assert Criteria(full=True, inverse=True).is_empty
    assert not Criteria(patterns=("",)).is_empty
