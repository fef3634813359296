"""Every key and the mouse, typed into the application by Textual's pilot."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from textual.events import Key
from textual.pilot import Pilot

from procession.jobs import board
from procession.records import replace
from procession.table import keeping
from procession.table.board import cells
from procession.table.board.board import View, arrange
from procession.table.board.cells import heading_spans
from procession.table.board.changes import left_out
from procession.table.board.frame import Watcher, reader
from procession.table.board.keys import KEYS
from procession.table.keeping import Kept
from procession.tui.app import TopApp
from procession.tui.details import PAGES, Details
from procession.tui.dialogs import Ask, Choose, Page
from procession.tui.pager import Pager
from procession.tui.screen import TopScreen
from tests.tui.recorded import SHOP, AppMaker, Proc, shop, top_app

Steps = Callable[[Pilot[None], TopScreen], Awaitable[None]]


def drive(app: TopApp, steps: Steps, size: tuple[int, int] = (100, 30)) -> None:
    async def go() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            screen = app.screen
            assert isinstance(screen, TopScreen)
            await steps(pilot, screen)

    asyncio.run(go())


def pids(screen: TopScreen) -> list[int]:
    return [one.tid for one in screen.rows.listing.records]


def tab(screen: TopScreen) -> str:
    return ("processes", "pools", "jobs")[screen.tab]


def is_open(pilot: Pilot[None], kind: type) -> bool:
    return isinstance(pilot.app.screen, kind)


def chosen(screen: TopScreen) -> int:
    one = screen.rows.chosen
    assert one is not None
    return one.tid


# ── order, choice, columns ────────────────────────────────────────────────────────────────────────


def test_each_key_of_the_table_is_bound_to_an_act_of_the_screen() -> None:
    for key in KEYS:
        assert callable(getattr(TopScreen, f"action_{key.act}")), key


def test_the_order_keys(top: AppMaker) -> None:
    async def steps(pilot: Pilot[None], screen: TopScreen) -> None:
        assert pids(screen)[:2] == [4711, 2044]
        await pilot.press("M")
        assert (screen.view.sort, pids(screen)[0]) == ("mem", 4711)
        await pilot.press("T")
        assert pids(screen)[0] == 702
        await pilot.press("N")
        assert pids(screen) == sorted(pids(screen))
        await pilot.press("R")
        assert pids(screen) == sorted(pids(screen), reverse=True)
        await pilot.press("P")
        assert (screen.view.flipped, pids(screen)[0]) == (False, 4711)
        await pilot.press("greater_than_sign")
        assert screen.view.sort == "mem"
        await pilot.press("less_than_sign", "less_than_sign")
        assert screen.view.sort == "state"
        await pilot.press("f6", "home", "enter")
        assert screen.view.sort == "pid"

    drive(top(), steps)


def test_the_keys_that_choose_rows(top: AppMaker) -> None:
    async def steps(pilot: Pilot[None], screen: TopScreen) -> None:
        await pilot.press("K")
        assert 2 not in pids(screen)
        await pilot.press("K", "i")
        assert set(pids(screen)) == {one.pid for one in SHOP if one.busy or one.state == "R"}
        await pilot.press("i", "H")
        assert {4711, 4712, 4713} <= set(pids(screen))
        assert screen.frame is not None
        assert screen.frame.threads
        await pilot.press("H", "u", "down", "enter")  # after "all", who has most
        assert screen.view.user == 0
        assert {one.uid for one in screen.rows.listing.records} == {0}
        await pilot.press("escape")
        assert not left_out(screen.view)
        assert len(pids(screen)) == len(SHOP)

    drive(top(), steps)


def test_a_filter_is_live_and_escape_brings_the_old_one_back(top: AppMaker) -> None:
    async def steps(pilot: Pilot[None], screen: TopScreen) -> None:
        await pilot.press("backslash", *"ngi")
        assert pids(screen)[:3] == [812, 813, 811]
        await pilot.press("enter", "backslash", *"zz")
        assert not screen.rows.listing.records
        await pilot.press("escape")
        assert screen.view.filter == "ngi"
        await pilot.press("f4", *["backspace"] * 3, "enter")
        assert len(pids(screen)) == len(SHOP)

    drive(top(), steps)


def test_keys_that_come_all_at_once_lose_nothing_and_mean_nothing_else(top: AppMaker) -> None:
    """As a paste, or a fast hand: none of the letters is taken for a key of the screen below (k: kill)."""

    async def steps(pilot: Pilot[None], screen: TopScreen) -> None:
        driver = pilot.app._driver
        assert driver is not None
        for character in "kill nginx":
            key = "space" if character == " " else character
            if character == "k":
                driver.send_message(Key("backslash", "\\"))
            driver.send_message(Key(key, character))
        await pilot.press("enter")
        assert screen.view.filter == "kill nginx"
        assert pilot.app.screen is screen
        for key in ("k", "down", "down", "escape", "M"):
            driver.send_message(Key(key, key if len(key) == 1 else None))
        await pilot.pause()
        assert pilot.app.screen is screen
        assert screen.view.sort == "mem"

    drive(top(), steps)


def test_a_search_goes_from_one_to_the_next(top: AppMaker) -> None:
    async def steps(pilot: Pilot[None], screen: TopScreen) -> None:
        await pilot.press("slash", *"nginx", "enter")
        assert chosen(screen) == 812
        await pilot.press("n")
        assert chosen(screen) == 813
        await pilot.press("f3", *"nowhere", "enter")
        assert "nowhere" in screen.notice[1]

    drive(top(), steps)


def test_columns_are_chosen_moved_and_kept(
    top: AppMaker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    async def steps(pilot: Pilot[None], screen: TopScreen) -> None:
        # USER away, PR before PID, then of those that are not shown the first
        await pilot.press("f2", "down", "space", "down", "minus", "minus")
        await pilot.press(*["down"] * 12, "space", "enter")
        assert screen.view.columns[:3] == ("pr", "pid", "ni")
        assert "user" not in screen.view.columns
        assert screen.view.columns[-1] == "command"
        assert len(screen.view.columns) == 12
        await pilot.press("W")
        assert "kept in" in screen.notice[1]
        assert keeping.load().view.columns == screen.view.columns

    drive(top(), steps)


def test_a_tree_folds(top: AppMaker) -> None:
    async def steps(pilot: Pilot[None], screen: TopScreen) -> None:
        await pilot.press("t")
        row = pids(screen).index(3308)
        screen.rows.go(row)
        await pilot.press("minus")
        assert 4711 not in pids(screen)
        assert chosen(screen) == 3308
        await pilot.press("plus")
        assert 4711 in pids(screen)

    drive(top(), steps)


def test_the_rest_of_the_keys_that_show(top: AppMaker) -> None:
    async def steps(pilot: Pilot[None], screen: TopScreen) -> None:
        await pilot.press("c", "I", "E", "1", "g", "right")
        style = screen.view.style
        assert (style.whole, style.per_core, style.unit) == (True, False, "m")
        assert (screen.cores, screen.graph, screen.rows.shift) == (True, True, 16)
        await pilot.press("left", "left")
        assert screen.rows.shift == 0
        await pilot.press("tab")
        assert tab(screen) == "pools"
        await pilot.press("tab")
        assert tab(screen) == "jobs"
        await pilot.press("tab")
        assert tab(screen) == "processes"
        await pilot.press("d", *["backspace"] * 3, *"0.7", "enter")
        assert screen.delay == 0.7
        await pilot.press("d", *["backspace"] * 3, *"x", "enter")
        assert screen.notice[0] == "bad"
        await pilot.press("Z")
        before = screen.frame
        await pilot.press("ctrl+l")
        assert screen.frame is before
        await pilot.press("Z", "ctrl+l")
        assert screen.frame is not before

    drive(top(), steps)


OPENS: dict[str, type] = {
    "question_mark": Page, "h": Page, "f1": Page, "w": Page, "f": Choose, "o": Choose, "u": Choose, "k": Choose,
    "f9": Choose, "r": Ask, "slash": Ask, "d": Ask, "enter": Details, "l": Details,
}  # fmt: skip


def test_what_opens_is_closed_with_escape(top: AppMaker) -> None:
    async def steps(pilot: Pilot[None], screen: TopScreen) -> None:
        for key, kind in OPENS.items():
            await pilot.press(key)
            assert isinstance(pilot.app.screen, kind), key
            await pilot.press("escape")
            assert pilot.app.screen is screen, key

    drive(top(), steps)


@pytest.mark.parametrize("key", ["q", "f10"])
def test_it_is_left(top: AppMaker, key: str) -> None:
    app = top()

    async def steps(pilot: Pilot[None], _: TopScreen) -> None:
        assert app.is_running
        await pilot.press(key)

    drive(app, steps)
    assert app.return_code == 0


def test_so_many_refreshes_and_no_more(top: AppMaker) -> None:
    app = top(number=2)

    async def steps(pilot: Pilot[None], screen: TopScreen) -> None:
        assert app.is_running
        screen.renew()
        await pilot.pause()

    drive(app, steps)
    assert app.return_code == 0


# ── one process ───────────────────────────────────────────────────────────────────────────────────


def test_the_cursor_stays_with_its_process(tmp_path: Path) -> None:
    procs = [replace_proc(one) for one in SHOP]
    recorder = shop(tmp_path / "proc", procs)

    async def steps(pilot: Pilot[None], screen: TopScreen) -> None:
        await pilot.press("down", "down", "down")
        one, line = chosen(screen), screen.rows.window.cursor - screen.rows.window.top
        assert one == 812
        recorder.last = 99
        next(each for each in procs if each.pid == 812).busy = 30.0
        await pilot.press("ctrl+l")
        assert pids(screen)[0] == 812
        assert chosen(screen) == 812
        assert line == 3
        procs.remove(next(each for each in procs if each.pid == 812))
        await pilot.press("ctrl+l")
        assert chosen(screen) == 4711  # in its place
        await pilot.press("home")
        assert not screen.rows.window.held

    drive(top_app(recorder), steps, size=(100, 16))


def replace_proc(one: Proc) -> Proc:
    return Proc(**vars(one))


def test_pages_of_a_process(top: AppMaker) -> None:
    async def steps(pilot: Pilot[None], _: TopScreen) -> None:
        await pilot.press("e")
        details = pilot.app.screen
        assert isinstance(details, Details)
        seen = []
        for _turn in PAGES:
            seen.append(details._page)
            assert details.query_one(Pager)._lines
            await pilot.press("right")
        assert tuple(seen) == PAGES
        await pilot.press("left")
        assert details._page == "tree"
        await pilot.press("s")
        assert details._page == "signals"
        await pilot.click("#pages", offset=(3, 0))
        assert details._page == "overview"

    drive(top(), steps)


def test_a_process_that_ends_while_it_is_looked_at_stays_and_is_said_to_have_ended(tmp_path: Path) -> None:
    procs = list(SHOP)
    recorder = shop(tmp_path / "proc", procs)

    async def steps(pilot: Pilot[None], screen: TopScreen) -> None:
        await pilot.press("enter")
        details = pilot.app.screen
        assert isinstance(details, Details)
        screen.renew()
        assert not details._ended
        procs[:] = [one for one in procs if one.pid != 4711]
        screen.renew()
        assert details._ended

    drive(top_app(recorder), steps)


def test_a_read_only_screen_changes_nothing(top: AppMaker) -> None:
    async def steps(pilot: Pilot[None], screen: TopScreen) -> None:
        for key in ("k", "f9", "r", "f7", "f8"):
            await pilot.press(key)
            assert pilot.app.screen is screen, key
            assert "read-only" in screen.notice[1], key
            screen.notice = ("", "")
        await pilot.click("#bottom", offset=(67, 0))  # F9
        assert pilot.app.screen is screen

    drive(top(readonly=True), steps)


@contextmanager
def sleepers(count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    started = [subprocess.Popen(["sleep", "1000"]) for _ in range(count)]
    try:
        yield started
    finally:
        for each in started:
            each.kill()
            each.wait()


def live(*processes: subprocess.Popen[bytes]) -> TopApp:
    view = View(pids=tuple(each.pid for each in processes), sort="pid")
    return TopApp(Watcher(reader(view.pids)), view, Kept(), delay=None)


def test_all_that_are_tagged_get_the_signal_and_nobody_else() -> None:
    with sleepers(3) as (first, second, third):

        async def steps(pilot: Pilot[None], screen: TopScreen) -> None:
            await pilot.press("space", "down", "space")  # the first and the third
            assert len(screen.rows.tags) == 2
            await pilot.press("k", "down", "enter")
            assert screen.notice == ("good", "SIGKILL sent to 2 processes")

        drive(live(first, second, third), steps)
        assert first.wait(30) == third.wait(30) == -signal.SIGKILL
        assert second.poll() is None


def test_a_process_that_has_ended_meanwhile_is_said_to_be_gone() -> None:
    with sleepers(1) as (one,):

        async def steps(pilot: Pilot[None], screen: TopScreen) -> None:
            await pilot.press("k")
            one.kill()
            one.wait()
            await pilot.press("enter")
            assert screen.notice[0] == "bad"
            assert str(one.pid) in screen.notice[1]

        drive(live(one), steps)


def test_nice_values_go_up() -> None:
    with sleepers(1) as (one,):
        start = os.getpriority(os.PRIO_PROCESS, one.pid)

        async def steps(pilot: Pilot[None], screen: TopScreen) -> None:
            await pilot.press("f8")
            assert screen.notice[0] == "good"
            await pilot.press("r", *["backspace"] * 3, *"19", "enter")
            await pilot.press("r", *["backspace"] * 3, *"no", "enter")
            assert screen.notice[0] == "bad"

        drive(live(one), steps)
        assert start < os.getpriority(os.PRIO_PROCESS, one.pid) == 19


def test_the_page_of_explanations_says_what_a_process_waits_for() -> None:
    with sleepers(1) as (one,):

        async def steps(pilot: Pilot[None], screen: TopScreen) -> None:
            await pilot.press("y")
            lines = pilot.app.screen.query_one(Pager)._lines
            assert "sleep" in "".join(text for line in lines for _, text in line)
            screen.renew()
            await pilot.press("escape")

        drive(live(one), steps)


def test_before_a_signal_to_those_that_run_us_there_is_a_warning() -> None:
    view = View(pids=(os.getppid(),))

    async def steps(pilot: Pilot[None], _: TopScreen) -> None:
        await pilot.press("k")
        dialog = pilot.app.screen
        assert isinstance(dialog, Choose)
        assert "its own kill or exit" in dialog._warning
        await pilot.press("escape")

    drive(TopApp(Watcher(reader(view.pids)), view, Kept(), delay=None), steps)


# ── the mouse ─────────────────────────────────────────────────────────────────────────────────────


def test_headings_rows_wheel_and_bottom_line_can_be_clicked(top: AppMaker) -> None:
    async def steps(pilot: Pilot[None], screen: TopScreen) -> None:
        heading = "".join(text for _, text in heading_spans(screen.view))
        await pilot.click("#list", offset=(heading.index("RES") + 1, 0))
        assert (screen.view.sort, screen.view.flipped) == ("res", False)
        await pilot.click("#list", offset=(heading.index("RES") + 1, 0))
        assert screen.view.flipped
        await pilot.click("#list", offset=(20, 4))
        assert screen.rows.window.cursor == 3
        await pilot.click("#list", offset=(20, 4), times=2)
        assert is_open(pilot, Details)
        await pilot.press("escape")
        await pilot.click("#header", offset=(3, 2))
        assert is_open(pilot, Page)
        await pilot.press("escape")
        await pilot.click("#title", offset=(14, 0))
        assert tab(screen) == "pools"
        await pilot.press("tab")
        assert tab(screen) == "jobs"
        await pilot.press("tab")
        await pilot.click("#bottom", offset=(2, 0))
        assert is_open(pilot, Page)

    drive(top(), steps)


def test_the_wheel_and_the_bar_move_the_view(top: AppMaker) -> None:
    async def steps(pilot: Pilot[None], screen: TopScreen) -> None:
        rows = screen.rows
        await pilot._post_mouse_events([_wheel()], "#list", offset=(20, 4))  # Pilot has no wheel of its own
        assert rows.window.top == 3
        await pilot.click("#list", offset=(rows.size.width - 1, rows.window.height))
        assert rows.window.cursor == len(SHOP) - 1

    drive(top(), steps, size=(100, 18))


def _wheel() -> type:
    from textual.events import MouseScrollDown

    return MouseScrollDown


# ── many ──────────────────────────────────────────────────────────────────────────────────────────


def test_of_ten_thousand_rows_only_those_in_view_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed: cells are made for the rows of the screen, and for none twice that did not change."""
    from procession.tui import listing

    made: list[int] = []
    real = cells.row_spans

    def counted(one: object, *args: object, **options: object) -> object:
        made.append(one.tid)  # type: ignore[attr-defined]
        return real(one, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(listing, "row_spans", counted)
    recorder = shop(tmp_path / "proc", [Proc(1, "init", 0)])
    recorder.procs = [Proc(pid, "many", 1) for pid in range(1, 10_001)]
    recorder.source.uids.update({one.pid: 0 for one in recorder.procs})  # type: ignore[attr-defined]
    app = top_app(recorder, view=View(sort="pid"), before=1)

    async def steps(pilot: Pilot[None], screen: TopScreen) -> None:
        height = screen.rows.window.height
        assert len(pids(screen)) == 10_000
        assert len(made) <= 2 * height
        made.clear()
        screen.renew()
        await pilot.pause()
        assert made == []
        await pilot.press("end")
        assert chosen(screen) == 10_000
        assert len(made) <= height + 1

    drive(app, steps)


def test_a_view_of_the_same_frame_is_the_same_however_it_was_reached(top: AppMaker) -> None:
    async def steps(pilot: Pilot[None], screen: TopScreen) -> None:
        await pilot.press("M", "R", "t", "t", "R", "P", "c", "c")
        assert screen.frame is not None
        plain = replace(screen.view)
        assert pids(screen) == [one.tid for one in arrange(screen.frame, plain).records]

    drive(top(), steps)


@pytest.mark.parametrize("size", [(1, 1), (10, 2), (79, 12), (300, 100)])
def test_no_terminal_is_too_small_or_too_large(top: AppMaker, size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[None], screen: TopScreen) -> None:
        for key in ("w", "k", "f", "enter", "slash", "question_mark"):
            await pilot.press(key, "down", "escape")
            assert pilot.app.screen is screen
        await pilot.press("1", "g", "t", "down", "end", "tab", "down")

    drive(top(), steps, size=size)


def test_the_chosen_job_stays_chosen_whatever_comes_and_goes(
    top: AppMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [3, 2, 1]
    monkeypatch.setattr(
        board,
        "read",
        lambda: [board.Row(n, " ", "running", "running", f"job {n}", True, "") for n in numbers],
    )

    async def steps(pilot: Pilot[None], screen: TopScreen) -> None:
        await pilot.press("tab", "tab")
        assert screen.board.chosen == 3
        await pilot.press("down", "down", "down", "up")
        assert screen.board.chosen == 2
        numbers.insert(0, 4)
        await pilot.press("ctrl+l")
        assert screen.board.chosen == 2
        numbers.remove(2)
        await pilot.press("ctrl+l")
        assert screen.board.chosen == 4
        await pilot.press("end")
        assert screen.board.chosen == 1
        numbers.clear()
        await pilot.press("ctrl+l", "up")
        assert screen.board.chosen is None

    drive(top(), steps)
