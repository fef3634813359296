"""Outputs wait for their turn, in memory or in a file, and come out as they went in."""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from procession.commands import turns
from procession.commands.capture import unnamed_file
from procession.commands.outcome import Outcome, Stored
from procession.commands.plan import Work
from procession.commands.turns import Turns, pieces


def outcome(text: bytes, *, stored: bool = False) -> Outcome:
    output: bytes | Stored = text
    if stored:
        output = Stored(unnamed_file(), len(text))
        os.write(output.fd, text)
    return Outcome(0, None, "ended normally", 1.0, stdout=output)


def taken(line: Turns) -> list[tuple[int, bytes]]:
    out = []
    while (done := line.next()) is not None:
        out.append((done.work.number, b"".join(pieces(done.stdout))))
    return out


@settings(deadline=None)
@given(
    st.permutations(range(1, 9)), st.sets(st.integers(1, 8)), st.sets(st.integers(1, 8)), st.integers(0, 9)
)
def test_in_order_whatever_the_order(
    ends: list[int], stored: set[int], dropped: set[int], memory: int
) -> None:
    before, turns.MEMORY = turns.MEMORY, memory
    try:
        line = Turns(ordered=True)
        for number in range(1, 9):
            line.begun(Work(number, ("x",)))
        out = []
        for number in ends:
            if number in dropped:
                line.dropped(number)
            else:
                line.finished(Work(number, ("x",)), outcome(b"%d" % number * 3, stored=number in stored))
            out += taken(line)
        assert out == [(n, b"%d" % n * 3) for n in range(1, 9) if n not in dropped]
        assert line._file is None
        assert line._memory == 0
    finally:
        turns.MEMORY = before


def test_unordered_means_at_once() -> None:
    line = Turns(ordered=False)
    for number in (1, 2):
        line.begun(Work(number, ("x",)))
    line.finished(Work(2, ("x",)), outcome(b"b"))
    assert taken(line) == [(2, b"b")]
    line.finished(Work(1, ("x",)), outcome(b"a"))
    assert taken(line) == [(1, b"a")]


def test_many_large_outputs_take_one_descriptor() -> None:
    line = Turns(ordered=True)
    before = len(os.listdir("/proc/self/fd"))
    for number in range(1, 40):
        line.begun(Work(number, ("x",)))
    for number in range(39, 1, -1):
        line.finished(Work(number, ("x",)), outcome(b"x" * 200_000, stored=True))
    assert len(os.listdir("/proc/self/fd")) == before + 1
    line.finished(Work(1, ("x",)), outcome(b""))
    assert [(number, len(text)) for number, text in taken(line)][1:] == [(n, 200_000) for n in range(2, 40)]
    assert len(os.listdir("/proc/self/fd")) == before
