"""The graph of waits: what is stuck, which ring is its core."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from procession.table.graph import Ring, chain, rings, stuck
from procession.table.waits import Party, Wait

Threads = dict[int, list[Wait | None]]


def one(pid: int, *parties: int, every: bool = False, outside: bool = False, unseen: bool = False) -> Wait:
    """A process of one thread that waits for others."""
    return Wait(
        pid, pid, "pipe", "read", parties=tuple(Party(each, "writer") for each in parties), every=every,
        outside=outside, unseen=unseen,
    )  # fmt: skip


def table(*waits: Wait, running: tuple[int, ...] = ()) -> Threads:
    return {**{wait.pid: [wait] for wait in waits}, **{pid: [None] for pid in running}}


def test_two_that_wait_for_each_other() -> None:
    a, b = one(1, 2), one(2, 1)
    assert stuck(table(a, b)) == {1, 2}
    assert rings(table(a, b)) == [Ring((a, b))]
    assert rings(table(a, b))[0].pids == (1, 2)


def test_one_that_waits_for_itself() -> None:
    assert rings(table(one(1, 1))) == [Ring((one(1, 1),))]


def test_anybody_free_among_several_is_enough_unless_all_are_needed() -> None:
    assert stuck(table(one(1, 2, 3), one(2, 1), running=(3,))) == set()
    assert stuck(table(one(1, 2, 3, every=True), one(2, 1), running=(3,))) == {1, 2}


def test_the_outside_and_the_unseen_are_free() -> None:
    assert stuck(table(one(1, 2, outside=True), one(2, 1))) == set()
    assert stuck(table(one(1, 2, unseen=True), one(2, 1))) == set()
    assert stuck(table(one(1), one(2, 1))) == set()  # nobody to name: nothing is claimed
    assert stuck(table(one(1, 9), one(2, 1))) == set()  # 9 was not looked at


def test_a_process_with_a_free_thread_is_free_and_a_thread_is_not() -> None:
    held = Wait(1, 11, "pipe", "read", parties=(Party(2, "writer"),))
    assert stuck({1: [None, held], 2: [one(2, 1)]}) == set()
    mutex = Wait(2, 2, "futex", "futex", parties=(Party(1, "owner", tid=11),))
    assert stuck({1: [None, held], 2: [mutex]}) == {11, 2}


def test_victims_are_behind_their_ring_only() -> None:
    waits = one(1, 2), one(2, 1), one(3, 1), one(4, 3), one(5, 6), one(6, 5)
    found = rings(table(*waits))
    assert [(ring.pids, ring.victims) for ring in found] == [((1, 2), (3, 4)), ((5, 6), ())]


def test_the_chain_ends_at_a_choice_a_ring_and_who_runs() -> None:
    waits: dict[int, Wait | None] = {2: one(2, 3), 3: one(3, 4, 5), 4: None}
    assert chain(one(1, 2), waits) == [one(2, 3), one(3, 4, 5)]
    assert chain(one(3, 4, 5), waits) == []
    assert chain(one(1, 2), {2: one(2, 1)}) == [one(2, 1)]
    assert chain(one(1, 4), waits) == []


GRAPHS = st.lists(
    st.one_of(
        st.none(),
        st.tuples(st.lists(st.integers(0, 5), max_size=3, unique=True), st.booleans(), st.booleans()),
    ),
    min_size=1,
    max_size=6,
)


@given(GRAPHS)
def test_stuck_is_the_largest_set_that_holds_itself(graph: list[tuple[list[int], bool, bool] | None]) -> None:
    threads: Threads = {
        pid: [None if each is None else one(pid, *each[0], every=each[1], outside=each[2])]
        for pid, each in enumerate(graph)
    }

    def holds(group: set[int]) -> bool:
        for pid in group:
            (wait,) = threads[pid]
            if wait is None or wait.outside or not wait.parties:
                return False
            inside = [party.pid in group for party in wait.parties]
            if not (any(inside) if wait.every else all(inside)):
                return False
        return True

    best: set[int] = set()
    for size in range(len(graph) + 1):
        for group in combinations(range(len(graph)), size):
            if holds(set(group)):
                best |= set(group)
    assert stuck(threads) == best
    assert bool(rings(threads)) == bool(best)
