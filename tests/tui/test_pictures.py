"""Every screen, drawn from a recorded machine.  Look at the picture before you accept a new one."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from procession.jobs import board
from procession.pool.status_record import PoolRecord
from procession.records import replace
from procession.table.board import pools
from procession.table.board.board import View
from procession.table.board.columns import Style
from tests.tui.recorded import AppMaker

DRAWN_WITH = "8.2.8"

pytestmark = pytest.mark.skipif(
    version("textual") != DRAWN_WITH, reason=f"the pictures were drawn with Textual {DRAWN_WITH}"
)

WIDE, SMALL = (120, 40), (80, 24)
Compare = Callable[..., bool]


@pytest.mark.parametrize(
    ("size", "keys"),
    [
        pytest.param(WIDE, [], id="main"),
        pytest.param(SMALL, [], id="main-small"),
        pytest.param(WIDE, ["t", "c"], id="tree-commands"),
        pytest.param(WIDE, ["1", "g", "M"], id="cores-graphs-by-memory"),
        pytest.param(SMALL, ["H", "I", "R"], id="threads-of-the-machine-upside-down"),
        pytest.param(SMALL, ["space", "space", "k"], id="kill-tagged"),
        pytest.param(SMALL, ["r"], id="renice"),
        pytest.param(SMALL, ["backslash", *"post", "enter"], id="filter"),
        pytest.param(SMALL, ["slash", *"ngi"], id="search"),
        pytest.param(WIDE, ["f", "down", "space"], id="columns"),
        pytest.param(SMALL, ["o"], id="sort"),
        pytest.param(SMALL, ["u"], id="user"),
        pytest.param(WIDE, ["w"], id="words"),
        pytest.param(SMALL, ["w"], id="words-small"),
        pytest.param((150, 40), ["question_mark"], id="help"),
        pytest.param(SMALL, ["i", "K", "Z"], id="held-still"),
        pytest.param(WIDE, ["enter"], id="details"),
        pytest.param(WIDE, ["enter", "3"], id="memory"),
        pytest.param(SMALL, ["l"], id="files"),
        pytest.param(SMALL, ["s"], id="signals"),
        pytest.param(SMALL, ["e", "7"], id="environment"),
        pytest.param(SMALL, ["e", "9"], id="family"),
    ],
)
def test_the_screen_is_as_it_was_drawn(
    top: AppMaker, snap_compare: Compare, size: tuple[int, int], keys: list[str]
) -> None:
    assert snap_compare(top(), terminal_size=size, press=keys)


def test_the_first_refresh_says_that_its_figures_are_averages(top: AppMaker, snap_compare: Compare) -> None:
    assert snap_compare(top(before=0, readonly=True), terminal_size=SMALL)


def test_without_colours_everything_can_be_told(
    top: AppMaker, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    view = View(style=replace(Style(), whole=True))
    assert snap_compare(top(view=view), terminal_size=SMALL, press=["down", "space"])


def test_the_tab_of_pools(top: AppMaker, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = PoolRecord(
        name="thumbnails", pid=4711, start=1, boot_id="x", namespace=1, start_method="forkserver",
        workers=((4720, "resize('a.jpg')", 3.4), (4721, "", 0.0)), queued=118, running=1, done=1240, failed=2,
        rate=42.0, began=0.0, updated=0.0,
    )  # fmt: skip
    monkeypatch.setattr(pools, "read", lambda: [pool])
    assert snap_compare(top(), terminal_size=SMALL, press=["tab"])


def test_the_tab_of_jobs(
    top: AppMaker, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log = tmp_path / "1"
    log.write_bytes(b"compiling 1\r 2\r 3\r\n\x1b[31mwarning:\x1b[0m x\x1b[2J\x1b]0;evil\x07\nlinking\n")
    rows = [
        board.Row(5, "+", "running", "running for 3:07", "make -j4 all", True, str(log)),
        board.Row(4, "-", "waiting", "waiting for job 5", "./deploy", True, ""),
        board.Row(3, " ", "ended", "exited with code 2", "Größe", False, str(tmp_path / "gone")),
        board.Row(2, " ", "suspended", "suspended for 4 s", "vim notes", True, ""),
    ]
    monkeypatch.setattr(board, "read", lambda: rows)
    assert snap_compare(top(), terminal_size=SMALL, press=["tab", "tab", "down", "down", "up", "up"])
