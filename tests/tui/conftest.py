"""Screens of a recorded machine, wherever and whenever they are drawn."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from procession.table import users
from tests.tui.recorded import AppMaker, shop, top_app


@pytest.fixture(autouse=True)
def _fixed_names_and_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    names = {0: "root", 33: "www-data", 112: "postgres", 1000: "ada", 1001: "grace"}
    monkeypatch.setattr(users, "_users", dict(names))
    monkeypatch.setattr(users, "_groups", dict(names))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("COLORTERM", "truecolor")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def top(tmp_path: Path) -> AppMaker:
    """``top(view=..., before=..., readonly=...) -> TopApp`` on the recorded shop."""
    return lambda **options: top_app(shop(tmp_path / "proc"), **options)  # type: ignore[arg-type]
