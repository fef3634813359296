"""The main thread is the first, whatever its number."""

from __future__ import annotations

import os

import pytest

from procession.table.source import Source


def test_numbers_that_have_wrapped_around(monkeypatch: pytest.MonkeyPatch) -> None:
    with Source() as source:
        monkeypatch.setattr(Source, "_names", lambda *_: ["301", "32767", "299"])
        assert source.tids(32767) == [32767, 299, 301]
        monkeypatch.undo()
        assert source.tids(os.getpid())[0] == os.getpid()
