"""The fault matrix of the pool: when a task goes wrong, how, by which face it was given, by which start method.

Exactly the tasks that go wrong have failed, each with what it failed of; all others were done once; the pool
keeps its size.
"""

from __future__ import annotations

import resource
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from procession import Pool, get_context
from procession.errors import TaskTimeout, WorkerDied
from tests.contract.poolkit import wait_until
from tests.faults.crewkit import Ledger
from tests.faults.poolfaults import FACES, GENTLE, HOWS, IN_THE_PARENT, WHENS, Parcel, Sprung, Trap

COUNT = 40
FIRST, STEP = 4, 5  # the tasks that go wrong: 4, 9, 14, ...
TIMEOUT = {"fork": 0.5, "spawn": 2.0, "forkserver": 1.0}
SIGNALS = {"SIGSEGV": 11, "SIGKILL": 9}


def cells() -> Iterator[Any]:
    for method in TIMEOUT:
        for face in FACES:
            if method != "fork" and face not in {"map", "apply"}:
                continue  # what is beyond the start of a worker is the same
            for when in WHENS:
                quick = method == "fork" or (face == "map" and (method == "forkserver" or when == "running"))
                marks = [] if quick else [pytest.mark.slow]
                yield pytest.param(when, face, method, marks=marks, id=f"{method}-{face}-{when}")


@pytest.fixture(autouse=True)
def no_core_dumps() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, limits)


@pytest.mark.parametrize(("when", "face", "method"), list(cells()))
def test_exactly_the_tasks_that_go_wrong_have_failed(
    when: str, face: str, method: str, tmp_path: Path
) -> None:
    ledger = Ledger(tmp_path / "ledger")
    hows = [how for how in HOWS if when not in IN_THE_PARENT or how in GENTLE]
    if face == "submit":
        hows = [how for how in hows if how != "hang"]  # a future has no time limit
    traps = {FIRST + STEP * index: Trap(when, how) for index, how in enumerate(hows)}
    tasks = [Parcel("task", number, traps.get(number), str(ledger.path)) for number in range(COUNT)]
    pool = Pool(2, context=get_context(method))
    try:
        outcomes = FACES[face](pool, tasks, TIMEOUT[method])
        wait_until(lambda: len(pool._pool) == 2)
        assert pool.map(abs, range(-9, 0)) == list(range(9, 0, -1))
    finally:
        pool.terminate()
        pool.join()
    for number, trap in traps.items():
        check_failure(trap.how, outcomes[number], ledger.pids().get(number), face)
    for number in sorted(set(range(COUNT)) - set(traps)):
        assert outcomes[number] == number, outcomes[number]
    check_lines(ledger, traps)


def check_failure(how: str, error: Any, pid: int | None, face: str) -> None:
    """It says what happened, and to whom."""
    if how == "exception":
        assert isinstance(error, Sprung), error
    elif how == "sys.exit":
        assert isinstance(error, SystemExit), error
        assert error.code == 3
    elif how == "hang":
        assert isinstance(error, TimeoutError if face == "run" else TaskTimeout), error
    else:
        assert isinstance(error, WorkerDied), error
        assert (error.exit.code, error.exit.signal) == (None if how in SIGNALS else 3, SIGNALS.get(how))
        assert pid in {None, error.pid}
        assert f"worker {error.pid} {error.exit.reason} in the middle of task {error.task}" in str(error)


def check_lines(ledger: Ledger, traps: dict[int, Trap]) -> None:
    """Each was run once; those that went wrong before they ran, never."""
    lines = Counter(number for number, _ in ledger.lines())
    early = {number for number, trap in traps.items() if trap.when in WHENS[:2]}
    assert lines == Counter(set(range(COUNT)) - early)
