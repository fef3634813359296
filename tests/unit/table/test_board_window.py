"""The view and the cursor stay with a process while rows change places around it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from procession.table.board.board import Listing
from procession.table.board.window import Window, at_row, moved, resized, scrolled, settled, thumb
from tests.unit.table.boardkit import proc


def listing(*pids: int) -> Listing:
    return Listing([proc(pid) for pid in pids], {}, {})


TEN = listing(*range(1, 11))


def test_who_has_not_gone_anywhere_sees_the_first_rows_whoever_they_are() -> None:
    window = settled(Window(height=3), listing(1, 2, 3, 4, 5))
    window = settled(window, listing(5, 4, 3, 2, 1))
    assert (window.top, window.cursor, window.held) == (0, 0, False)


def test_a_process_that_was_chosen_keeps_its_line_on_the_screen() -> None:
    window = at_row(settled(Window(height=4), TEN), TEN, 5)
    line = window.cursor - window.top
    after = settled(window, listing(9, 10, 1, 2, 3, 4, 5, 8, 6, 7))
    assert after.cursor == 8
    assert after.cursor - after.top in (line, line - 1, 2)  # as far as the end of the list allows it
    assert after.top == 5


def test_one_that_is_gone_leaves_the_cursor_to_its_successor() -> None:
    window = at_row(settled(Window(height=4), TEN), TEN, 5)
    after = settled(window, listing(1, 2, 3, 4, 5, 7, 8, 9, 10))
    assert (after.cursor, after.held) == (5, False)
    assert after.key is not None
    assert after.key[0] == 7


def test_a_pid_that_is_another_process_now_is_not_followed() -> None:
    window = at_row(settled(Window(height=4), TEN), TEN, 5)
    others = Listing([proc(6, started=9), proc(1), proc(2)], {}, {})
    after = settled(window, others)
    assert (after.cursor, after.held) == (2, False)


def test_the_first_row_lets_go() -> None:
    window = at_row(at_row(settled(Window(height=4), TEN), TEN, 5), TEN, 0)
    assert not window.held


def test_scrolling_takes_the_cursor_along_only_as_far_as_it_must() -> None:
    window = at_row(settled(Window(height=4), TEN), TEN, 3)
    assert scrolled(window, TEN, 2).cursor == 3
    assert scrolled(window, TEN, 5).cursor == 5
    assert scrolled(window, TEN, 99).top == 6


@given(
    st.integers(0, 40), st.integers(1, 12),
    st.lists(st.tuples(st.sampled_from(["move", "row", "scroll", "size", "list"]), st.integers(-50, 50)), max_size=12),
)  # fmt: skip
def test_whatever_is_done_the_cursor_is_a_row_in_view(
    count: int, height: int, steps: list[tuple[str, int]]
) -> None:
    rows = listing(*range(1, count + 1))
    window = settled(Window(height=height), rows)
    for what, figure in steps:
        if what == "move":
            window = moved(window, rows, figure)
        elif what == "row":
            window = at_row(window, rows, figure)
        elif what == "scroll":
            window = scrolled(window, rows, figure)
        elif what == "size":
            window = resized(window, rows, figure)
        else:
            rows = listing(*range(abs(figure), 0, -1))
            window = settled(window, rows)
        count = len(rows.records)
        assert 0 <= window.cursor < max(1, count)
        assert window.top <= window.cursor < window.top + window.height
        assert 0 <= window.top <= max(0, count - window.height)
        assert (window.key is None) == (count == 0)


def test_the_thumb_reaches_both_ends_and_is_never_lost() -> None:
    assert thumb(Window(height=10), 10) == (0, 0)
    assert thumb(Window(height=10, top=0), 10_000) == (0, 1)
    assert thumb(Window(height=10, top=9_990), 10_000) == (9, 1)
    assert thumb(Window(height=10, top=10), 20) == (5, 5)
