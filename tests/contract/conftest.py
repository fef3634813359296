"""The same suite over the standard library's contexts and ours."""

from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from procession.process import context

METHODS = ("fork", "spawn", "forkserver")


@pytest.fixture(params=METHODS)
def ours(request: pytest.FixtureRequest) -> Any:
    """A context of ours."""
    return context.get_context(request.param)


@pytest.fixture(params=[f"{who}-{method}" for who in ("stdlib", "procession") for method in METHODS])
def ctx(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A context of either; for what both must do in the same way."""
    who, method = request.param.split("-")
    if who == "procession":
        yield context.get_context(method)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it forks while threads of other tests may still end
        yield multiprocessing.get_context(method)
    if method == "forkserver":
        from multiprocessing import forkserver

        forkserver._forkserver._stop()  # type: ignore[attr-defined]
