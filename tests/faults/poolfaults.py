"""Tasks that go wrong at a chosen moment in a chosen way, given to a pool by any of its faces."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from procession.records import record
from tests.faults.crewkit import leave_a_line

WHENS = (
    "pickling the task",
    "unpickling the task",
    "running",
    "pickling the result",
    "unpickling the result",
)
IN_THE_PARENT = {WHENS[0], WHENS[4]}
HOWS = ("exception", "sys.exit", "os._exit", "SIGSEGV", "SIGKILL", "hang")
GENTLE = {"exception", "sys.exit"}  # what may happen in the parent without being its end


class Sprung(Exception):
    """What a trap raises."""


@record
class Trap:
    """What happens, when, and who must be left alone by it."""

    when: str
    how: str

    def spring(self, now: str) -> None:
        """If it is to happen now."""
        if now == self.when:
            _HOWS[self.how]()


def _raise() -> None:
    raise Sprung("as it was to be")


def _kill(number: int) -> Callable[[], None]:
    def kill() -> None:
        faulthandler.disable()  # the stacks would be of no interest
        os.kill(os.getpid(), number)

    return kill


def _hang() -> None:
    while True:
        signal.pause()


_HOWS: dict[str, Callable[[], Any]] = {
    "exception": _raise,
    "sys.exit": lambda: sys.exit(3),
    "os._exit": lambda: os._exit(3),
    "SIGSEGV": _kill(signal.SIGSEGV),
    "SIGKILL": _kill(signal.SIGKILL),
    "hang": _hang,
}


class Parcel:
    """A task or a result: a number, and perhaps a trap that springs when it is pickled or unpickled."""

    def __init__(self, what: str, number: int, trap: Trap | None, ledger: str = "") -> None:
        self.what = what
        self.number = number
        self.trap = trap
        self.ledger = ledger

    def __reduce__(self) -> tuple[object, ...]:
        if self.trap is not None:
            self.trap.spring(f"pickling the {self.what}")
        return _arrived, (self.what, self.number, self.trap, self.ledger)


def _arrived(what: str, number: int, trap: Trap | None, ledger: str) -> Parcel:
    if trap is not None:
        trap.spring(f"unpickling the {what}")
    return Parcel(what, number, trap, ledger)


def work(task: Parcel) -> Any:
    """Leave a line; return the number, or what springs on its way back."""
    leave_a_line(task.ledger, task.number)
    if task.trap is None:
        return task.number
    task.trap.spring("running")
    return Parcel("result", task.number, task.trap)


# ── faces: each gives all tasks and returns, for each, its result or its exception ────────────────


def by_apply(pool: Any, tasks: list[Parcel], timeout: float) -> list[Any]:
    return [outcome_of(lambda task=task: pool.apply(work, (task,), timeout=timeout)) for task in tasks]  # type: ignore[misc]


def by_map(pool: Any, tasks: list[Parcel], timeout: float) -> list[Any]:
    return list(pool.map(work, tasks, errors="return", timeout=timeout))


def by_imap_unordered(pool: Any, tasks: list[Parcel], timeout: float) -> list[Any]:
    """In an order of its own: results by their number, failures by what they say, or in the gaps."""
    results = list(pool.imap_unordered(work, iter(tasks), errors="return", timeout=timeout))
    by_number = {value: value for value in results if type(value) is int}
    failures = [value for value in results if type(value) is not int]
    named = {error.task: error for error in failures if hasattr(error, "task")}
    gentle = [error for error in failures if not hasattr(error, "task")]

    def fitting(trap: Trap | None) -> Any:
        how = trap.how if trap else ""
        return gentle.pop(
            next(at for at, error in enumerate(gentle) if isinstance(error, Sprung) == (how == "exception"))
        )

    return [
        by_number[n] if n in by_number else named[n] if n in named else fitting(task.trap)
        for n, task in enumerate(tasks)
    ]


def by_submit(pool: Any, tasks: list[Parcel], _timeout: float) -> list[Any]:
    """No time limit there: for tasks that end."""
    futures = [pool.executor().submit(work, task) for task in tasks]
    return [outcome_of(future.result) for future in futures]


def by_run(pool: Any, tasks: list[Parcel], timeout: float) -> list[Any]:
    """A time limit is an await that is given up."""

    async def one(task: Parcel) -> Any:
        try:
            limit = timeout if task.trap is not None and task.trap.how == "hang" else None
            return await asyncio.wait_for(pool.run(work, task), limit)
        except BaseException as error:  # a SystemExit would leave the loop
            return error

    async def all_of_them() -> list[Any]:
        return list(await asyncio.gather(*map(one, tasks)))

    return asyncio.run(all_of_them())


def outcome_of(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except BaseException as error:
        return error


FACES = {
    "apply": by_apply,
    "map": by_map,
    "imap_unordered": by_imap_unordered,
    "submit": by_submit,
    "run": by_run,
}
