"""Which rows the live list shows, and in which order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.records import replace
from procession.table.board.board import Listing, View, arrange, key_of, search
from procession.table.board.changes import CHANGES, folded, left_out, sorted_by, with_columns
from procession.table.board.columns import COLUMNS, Style, find
from procession.table.board.tree import in_tree_order
from tests.unit.table.boardkit import KERNEL, NoFiles, frame, proc, table


def pids(listing: Listing) -> list[int]:
    return [one.tid for one in listing.records]


def two(*after: object) -> object:
    before = table(proc(1), proc(2), proc(3), proc(4), taken=998.0)
    return frame(before, after[0] if after else before)  # type: ignore[arg-type]


BUSY = frame(
    table(proc(1), proc(2), proc(3), proc(4, flags=KERNEL), taken=998.0),
    table(
        proc(1, state="R", rss=5, uid=0),
        proc(2, ticks=100, rss=9),
        proc(3, ticks=200, rss=1, comm="needle"),
        proc(4, flags=KERNEL, uid=0),
        taken=1000.0,
    ),
)


def test_the_busiest_stand_first_and_the_idle_in_the_order_of_their_pids() -> None:
    assert BUSY.usage == {2: 0.5, 3: 1.0}
    assert pids(arrange(BUSY, View())) == [3, 2, 1, 4]
    assert pids(arrange(BUSY, View(flipped=True))) == [1, 4, 2, 3]


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (View(sort="pid"), [1, 2, 3, 4]),
        (View(sort="pid", flipped=True), [4, 3, 2, 1]),
        (View(sort="mem"), [2, 1, 3, 4]),
        (View(sort="command"), [3, 1, 2, 4]),
        (View(sort="pid", user=0), [1, 4]),
        (View(sort="pid", kernel=False), [1, 2, 3]),
        (View(sort="pid", idle=False), [1, 2, 3]),
        (View(sort="pid", filter="NEED"), [3]),
        (View(sort="pid", filter="need| 2"), [2, 3]),
        (View(sort="pid", filter="prog 4"), [4]),
        (View(sort="pid", filter="root prog"), [1, 4]),
        (View(sort="pid", filter="|"), [1, 2, 3, 4]),
        (View(sort="pid", pids=(4, 2)), [2, 4]),
    ],
)
def test_a_view_chooses_and_orders(view: View, expected: list[int]) -> None:
    assert pids(arrange(BUSY, view)) == expected


def test_every_column_shows_and_sorts_a_process_of_which_nothing_can_be_read() -> None:
    for column in COLUMNS.values():
        listing = arrange(BUSY, View(sort=column.name))
        assert sorted(pids(listing)) == [1, 2, 3, 4]
        text = column.cell(listing.records[0], BUSY, Style())
        assert text.isprintable(), column.name
        assert not column.width or len(text) == column.width, column.name


def test_a_process_that_has_another_start_time_is_another_one() -> None:
    later = frame(
        table(proc(7, ticks=500), taken=998.0), table(proc(7, ticks=30, started=99_900), taken=1000.0)
    )
    assert later.usage[7] == pytest.approx(0.3)  # over its own age of one second


def test_the_first_frame_has_averages_over_lives_and_says_so() -> None:
    first = frame(table(proc(10, ticks=900), taken=100.0))
    assert first.first
    assert first.usage[10] == pytest.approx(9.0 / 90.0)


def test_a_record_that_comes_back_itself_has_used_nothing() -> None:
    same = proc(5, ticks=123_456)
    assert frame(table(same, taken=998.0), table(same, taken=1000.0)).usage == {}


# ── trees ─────────────────────────────────────────────────────────────────────────────────────────


def test_children_stand_below_their_parents_in_the_order_in_which_they_came() -> None:
    rows = [proc(9, 3), proc(3, 1), proc(4, 1), proc(1, 0), proc(5, 3)]
    ordered, branches, hidden = in_tree_order(rows)
    assert [one.pid for one in ordered] == [1, 3, 9, 5, 4]
    assert branches == {1: "", 3: "├─ ", 9: "│  ├─ ", 5: "│  └─ ", 4: "└─ "}
    assert hidden == {}


def test_a_folded_row_hides_all_that_is_below_it_and_says_how_many() -> None:
    rows = [proc(1, 0), proc(2, 1), proc(3, 2), proc(4, 3), proc(5, 1)]
    ordered, _, hidden = in_tree_order(rows, {key_of(rows[1])})
    assert [one.pid for one in ordered] == [1, 2, 5]
    assert hidden == {2: 2}


def test_threads_stand_below_their_process() -> None:
    rows = [proc(8, 1), proc(8, 1, tid=81), proc(8, 1, tid=80)]
    assert [one.tid for one in in_tree_order(rows)[0]] == [8, 81, 80]


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 12)), unique_by=lambda pair: pair[0]), st.data())
def test_a_tree_shows_everybody_once_even_in_a_ring(
    pairs: list[tuple[int, int]], data: st.DataObject
) -> None:
    rows = [proc(pid, ppid) for pid, ppid in pairs]
    folds = {key_of(one) for one in rows if data.draw(st.booleans())}
    ordered, branches, hidden = in_tree_order(rows, folds)
    shown = [one.pid for one in ordered]
    assert len(shown) == len(set(shown))
    assert len(shown) + sum(hidden.values()) >= len(rows)
    if not folds:
        assert sorted(shown) == sorted(one.pid for one in rows)
    assert set(branches) <= set(shown)


def test_a_tree_that_is_deeper_than_the_stack() -> None:
    rows = [proc(pid, pid - 1) for pid in range(1, 3001)]
    assert [one.pid for one in in_tree_order(rows)[0]] == list(range(1, 3001))


# ── what keys do ──────────────────────────────────────────────────────────────────────────────────


def test_a_second_click_on_a_heading_turns_the_order_round() -> None:
    view = sorted_by(View(), "mem")
    assert (view.sort, view.flipped) == ("mem", False)
    assert sorted_by(view, "mem").flipped
    assert not sorted_by(sorted_by(view, "mem"), "cpu").flipped


def test_the_next_column_goes_round() -> None:
    view = View(columns=("pid", "cpu"), sort="cpu")
    assert CHANGES["sort_right"](view).sort == "pid"
    assert CHANGES["sort_left"](CHANGES["sort_left"](view)).sort == "cpu"
    gone = replace(view, sort="time")  # a column that is not shown
    assert CHANGES["sort_right"](gone).sort == "pid"


def test_each_toggle_is_its_own_inverse() -> None:
    for act in ("flip", "tree", "idle", "kernel", "threads", "whole", "per_core"):
        changed = CHANGES[act](View())
        assert changed != View(), act
        assert CHANGES[act](changed) == View(), act
    assert folded(folded(View(), (1, b"2")), (1, b"2")) == View()


def test_the_column_without_a_width_stays_last_and_none_is_not_a_choice() -> None:
    assert with_columns(View(), ("command", "pid")).columns == ("pid", "command")
    assert with_columns(View(), ()) == View()


def test_the_list_says_what_it_leaves_out() -> None:
    assert left_out(View()) == ""
    words = left_out(View(filter="x", user=3, idle=False, kernel=False, pids=(1,)), "ada")
    assert words == "filter: x, user: ada, 1 pids only, idle hidden, kernel threads hidden"


@pytest.mark.parametrize(
    ("word", "name"),
    [("%CPU", "cpu"), ("cpu", "cpu"), ("TIME+", "time"), ("time", "time"), ("RES", "res"), ("nosuch", "")],
)
def test_columns_are_found_by_name_or_heading(word: str, name: str) -> None:
    column = find(word)
    assert (column.name if column else "") == name


def test_a_search_goes_on_from_where_it_is_and_round() -> None:
    source = NoFiles()
    rows = [
        proc(n, command=f"run {word}", source=source) for n, word in ((1, "apple"), (2, "pear"), (3, "apple"))
    ]
    listing = Listing(rows, {}, {})
    assert search(listing, "apple", 1) == 2
    assert search(listing, "APPLE", 3) == 0
    assert search(listing, "plum", 0) == -1
    assert search(Listing([], {}, {}), "plum", 0) == -1
