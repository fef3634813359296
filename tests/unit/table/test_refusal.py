"""Why a signal did not help, in words."""

from __future__ import annotations

import pytest

from procession.table import refusal
from tests.unit.table.recordkit import made

TERM, KILL = 15, 9


def masks(**found: int) -> str:
    return "".join(f"{name}:\t{1 << (number - 1):016x}\n" for name, number in found.items())


def test_whose_it_is() -> None:
    assert "belongs to root" in refusal.not_permitted(made(5, uid=0))
    assert "belongs to 54321 " in refusal.not_permitted(made(5, uid=54321))
    assert "kernel" in refusal.not_permitted(made(5, flags=0x200000))


def test_a_zombie_names_its_parent_and_what_to_do() -> None:
    words = refusal.zombie(refusal.Parent(7, "nginx"))
    assert "7 (nginx)" in words
    assert "pn kill -CHLD 7" in words
    assert "process 1 (init)" in refusal.zombie(refusal.Parent(1, "init"))
    assert "ended already" in refusal.zombie(None)


@pytest.mark.parametrize(
    ("state", "status", "number", "words"),
    [
        ("D", "", KILL, "waits in folio_wait"),
        ("D", "", KILL, "no signal ends it"),
        ("D", "", TERM, "only -KILL"),
        ("S", masks(SigIgn=TERM), TERM, "ignores SIGTERM"),
        ("S", masks(SigBlk=TERM), TERM, "has blocked SIGTERM"),
        ("S", masks(SigCgt=TERM), TERM, "has a handler for SIGTERM"),
        ("T", "", TERM, "pn cont 5"),
        ("t", "", TERM, "by a debugger"),
        ("S", masks(SigIgn=1), TERM, "still runs (state S)"),
        ("S", masks(SigIgn=KILL), KILL, "still runs (state S)"),
        ("R", "", 0, "still runs (state R)"),
        ("S", "NSpid:\t5\t1\n", TERM, "pid namespace"),
    ],
)
def test_why_it_is_still_there(state: str, status: str, number: int, words: str) -> None:
    assert words in refusal.still_there(made(5, state=state, status=status), number)


@pytest.mark.parametrize(
    ("state", "status", "number", "words"),
    [
        ("S", "", TERM, ""),
        ("D", "", TERM, "when it wakes"),
        ("D", "", 0, ""),
        ("S", "NSpid:\t5\t1\n", TERM, "only -KILL"),
        ("S", "NSpid:\t5\t1\n" + masks(SigCgt=TERM), TERM, ""),
        ("S", "NSpid:\t5\t1\n", KILL, ""),
        ("S", "NSpid:\t5\t9\n", TERM, ""),
        ("S", "NSpid:\t5\n", TERM, ""),
    ],
)
def test_what_is_to_be_said_of_a_signal_that_was_sent(
    state: str, status: str, number: int, words: str
) -> None:
    said = refusal.remark(made(5, state=state, status=status), number)
    assert words in said
    assert bool(words) == bool(said)


def test_threads_of_the_kernel() -> None:
    for number in (TERM, KILL):
        assert "ignores signals" in refusal.remark(made(5, flags=0x200000), number)


def test_names_cannot_reach_the_terminal() -> None:
    assert refusal.named(made(5, name="a\x1b[31m\nb")) == "pid 5 (a?[31m?b)"
