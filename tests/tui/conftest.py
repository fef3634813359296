"""Screens of a recorded machine, wherever and whenever they are drawn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual._context import active_app
from textual.app import App

from procession.table import users
from tests.tui.recorded import NAMES, AppMaker, shop, top_app


@pytest.fixture(autouse=True)
def _fixed_names_and_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(users, "_users", dict(NAMES))
    monkeypatch.setattr(users, "_groups", dict(NAMES))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("COLORTERM", "truecolor")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(autouse=True)
def _no_jobs_but_of_the_test(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PN_JOBS", str(tmp_path / "jobs"))


@pytest.fixture(autouse=True)
def _keys_are_handled_before_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual's pilot waits until the process uses little CPU, which on a loaded machine means nothing."""
    monkeypatch.setattr("textual.pilot.wait_for_idle", settled)
    monkeypatch.setattr("textual.app.wait_for_idle", settled)


async def settled(*_: float) -> None:
    """Wait until no message is waiting, no callback, and nothing to be drawn."""
    app = active_app.get()
    async with asyncio.timeout(30):
        quiet = 0
        while quiet < _ROUNDS and not app._exit:
            await asyncio.sleep(0 if quiet else 0.001)
            quiet = 0 if _is_busy(app) else quiet + 1


_ROUNDS = 10  # of the event loop: a message may be between two queues


def _is_busy(app: App[object]) -> bool:
    screens = app.screen_stack
    nodes = [app, *(node for screen in screens for node in screen.walk_children(with_self=True))]
    if any(node._next_callbacks or not node._message_queue.empty() for node in nodes):
        return True
    top = screens[-1]
    drawn = top._layout_required or top._scroll_required or top._repaint_required or top._recompose_required
    return bool(drawn or top._dirty_widgets or top._callbacks)


@pytest.fixture
def top(tmp_path: Path) -> AppMaker:
    """``top(view=..., before=..., readonly=...) -> TopApp`` on the recorded shop."""
    return lambda **options: top_app(shop(tmp_path / "proc"), **options)
