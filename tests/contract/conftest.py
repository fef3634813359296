"""The same suite over the standard library's contexts and ours."""

from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from procession import Pool
from procession.process import context
from tests.contract.keeperkit import Room, room
from tests.contract.poolkit import Gate

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


# ── pools ─────────────────────────────────────────────────────────────────────────────────────────

MakePool = Callable[..., Any]


@contextmanager
def _maker(who: str, method: str) -> Iterator[MakePool]:
    """Makes pools of two workers, and ends what the test has left open."""
    made: list[Any] = []

    def make(processes: int | None = 2, *args: Any, **kwargs: Any) -> Any:
        if who == "procession":
            kwargs["context"] = context.get_context(method)
            made.append(Pool(processes, *args, **kwargs))
            return made[-1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as in ``ctx``
            made.append(multiprocessing.get_context(method).Pool(processes, *args, **kwargs))
        return made[-1]

    try:
        yield make
    finally:
        while made:
            pool = made.pop()
            pool.terminate()
            pool.join()


@pytest.fixture(params=["stdlib-fork", *(f"procession-{method}" for method in METHODS)])
def any_pool(request: pytest.FixtureRequest) -> Iterator[MakePool]:
    """Makes pools, of ours or the standard library's; for what both must do in the same way."""
    with _maker(*request.param.split("-")) as make:
        yield make


@pytest.fixture(params=["fork", *(pytest.param(m, marks=pytest.mark.slow) for m in METHODS[1:])])
def our_pool(request: pytest.FixtureRequest) -> Iterator[MakePool]:
    """Makes pools of ours, by each start method.

    The quick ones by fork only: what a start method could spoil, ``any_pool`` tries by all of them.
    """
    with _maker("procession", request.param) as make:
        yield make


@pytest.fixture
def forked_pool() -> Iterator[MakePool]:
    """Makes pools of ours, for what the start method has no part in."""
    with _maker("procession", "fork") as make:
        yield make


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """Where tasks wait."""
    folder = tmp_path / "gate"
    folder.mkdir()
    made = Gate(folder)
    yield made
    made.close()


# ── keepers of jobs ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def nursery() -> Iterator[Room]:
    """A real nursery, whose daemon is the test."""
    with room() as made:
        yield made


@pytest.fixture
def jobs(nursery: Room) -> Iterator[Room]:
    """The same; the runs of a test have ended with it."""
    yield nursery
    nursery.finish()
