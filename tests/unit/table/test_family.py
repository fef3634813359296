"""Branches of the tree, their sums, and where a process came from."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from procession.table.family import DAEMON, LEFT, NONE, STRAY, branches, origin, rows_of
from procession.table.record import ProcessRecord
from procession.table.snapshot import Snapshot
from procession.table.source import Source


def one(
    source: Source,
    pid: int,
    ppid: int,
    *,
    session: int = 0,
    pgrp: int = 0,
    state: str = "S",
    flags: int = 0,
    tty: int = 0,
) -> ProcessRecord:
    """A stat line with these facts; 100 ticks of CPU and 2 pages of memory."""
    fields = [
        state,
        ppid,
        pgrp or pid,
        session or pid,
        tty,
        -1,
        flags,
        *[0] * 4,
        60,
        40,
        *[0] * 8,
        1000,
        0,
        2,
        *[0] * 28,
    ]
    return ProcessRecord(
        source, pid, pid, f"{pid} (p{pid}) {' '.join(map(str, fields))}".encode(), os.getuid()
    )


@pytest.fixture
def source() -> Iterator[Source]:
    with Source() as source:
        yield source


def one_each(_: ProcessRecord) -> int:
    return 1


def table(source: Source, *records: ProcessRecord) -> Snapshot:
    return Snapshot(sorted(records, key=lambda each: each.pid), source, 100.0, 100.0)


def test_sums_of_a_branch_and_its_lines(source: Source) -> None:
    records = one(source, 1, 0), one(source, 2, 1), one(source, 3, 2), one(source, 4, 2), one(source, 5, 1)
    found = branches(records, lambda record: record.pid * 10)
    assert [(each.process.pid, each.depth, each.count, each.memory, each.cpu_seconds) for each in found] == [
        (1, 0, 5, 150, 5.0), (2, 1, 3, 90, 3.0), (3, 2, 1, 30, 1.0), (4, 2, 1, 40, 1.0), (5, 1, 1, 50, 1.0),
    ]  # fmt: skip
    assert [each.drawn for each in found] == ["", "├─ ", "│  ├─ ", "│  └─ ", "└─ "]


def test_depth_hides_and_still_counts(source: Source) -> None:
    records = one(source, 1, 0), one(source, 2, 1), one(source, 3, 2), one(source, 4, 3)
    found = branches(records, one_each, 1)
    assert [(each.process.pid, each.count, each.hidden) for each in found] == [(1, 4, 2), (2, 3, 2)]


def test_memory_that_may_not_be_read(source: Source) -> None:
    records = one(source, 1, 0), one(source, 2, 1), one(source, 3, 2)
    found = branches(records, lambda record: 7 if record.pid == 3 else None)
    assert [(each.own, each.memory) for each in found] == [(None, 7), (None, 7), (7, 7)]


def test_a_ring_of_parents_and_a_deep_chain(source: Source) -> None:
    ring = one(source, 2, 3), one(source, 3, 2)  # of records of different moments
    assert {each.process.pid for each in branches(ring, one_each)} == {2, 3}
    chain = [one(source, pid, pid - 1) for pid in range(1, 5001)]
    found = branches(chain, one_each)
    assert (found[0].count, found[-1].depth) == (5000, 4999)


def test_rows_below_and_above(source: Source) -> None:
    all_of_it = table(source, one(source, 1, 0), one(source, 2, 1), one(source, 3, 2), one(source, 4, 1))
    assert [each.pid for each in rows_of(all_of_it, [2])] == [2, 3]
    assert [each.pid for each in rows_of(all_of_it, [3], parents=True)] == [1, 2, 3]
    assert [each.pid for each in rows_of(all_of_it, [9])] == []


@pytest.mark.parametrize(
    ("facts", "whence"),
    [
        ({"session": 50}, STRAY),  # nobody leads session 50
        ({"session": 7, "pgrp": 7}, LEFT),  # in the session of 7, and a child of init
        ({}, DAEMON),  # leads its own
        ({"tty": 34816}, NONE),  # leads its own, at a terminal: a login
        ({"session": 1, "pgrp": 60}, LEFT),  # in init's session, its group's leader has ended
        ({"session": 1, "pgrp": 1}, NONE),  # init's own child
        ({"session": 50, "state": "Z"}, NONE),
        ({"session": 50, "flags": 0x200000}, NONE),  # a thread of the kernel
    ],
)
def test_where_a_child_of_init_came_from(source: Source, facts: dict[str, int], whence: str) -> None:
    child = one(source, 9, 1, **facts)  # type: ignore[arg-type]
    assert origin(table(source, one(source, 1, 0), one(source, 7, 1), child), child) == whence


def test_children_of_others(source: Source) -> None:
    shell = one(source, 7, 1)
    child, own_session = one(source, 8, 7, session=7), one(source, 9, 7)
    adopted = one(source, 10, 7, session=50)  # by a subreaper
    everybody = table(source, one(source, 1, 0), shell, child, own_session, adopted)
    assert [origin(everybody, each) for each in (child, own_session, adopted)] == [NONE, NONE, STRAY]
