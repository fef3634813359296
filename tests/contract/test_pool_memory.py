"""Memory: a pool keeps no task and no result longer than somebody needs it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract import poolkit
from tests.harness import processes

MakePool = Callable[..., Any]
MIB = 1 << 20
MANY = 10_000_000
pytestmark = [pytest.mark.slow, pytest.mark.hang_limit(300)]


def resident() -> int:
    """Bytes that this process has in RAM."""
    return int(processes.read(os.getpid(), "statm").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_ten_million_items_by_imap_in_flat_memory(forked_pool: MakePool) -> None:
    pool = forked_pool()
    results = pool.imap(poolkit.double, (number for number in range(MANY)))
    most = before = count = total = 0
    for value in results:
        count += 1
        total += value
        if count % 500_000 == 0:
            most = max(most, resident())
            before = before or most  # once all that it needs is there
    assert (count, total) == (MANY, MANY * (MANY - 1))
    assert most - before < 24 * MIB


def test_ten_million_nones_by_map_cost_a_list(forked_pool: MakePool) -> None:
    pool = forked_pool()
    pool.map(poolkit.nothing, range(100_000))
    before = resident()
    results = pool.map(poolkit.nothing, (number for number in range(MANY)))
    assert len(results) == MANY
    assert set(results) == {None}
    assert resident() - before < 8 * MANY * 1.3 + 48 * MIB  # a list that grows has some room left


def test_a_reader_that_sleeps_stops_the_rest(forked_pool: MakePool) -> None:
    pool = forked_pool()
    results = pool.imap(bytes, iter([100_000] * 100_000))
    assert len(next(results)) == 100_000
    begun = resident()
    poolkit.wait_until(lambda: results.job._starved and pool.stats().running == 0)
    assert resident() - begun < 400 * MIB  # of 10 GB
