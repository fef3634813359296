"""Tasks that leave a line each, faults at chosen moments, and the ledger that holds all to account.

The payload of a task is its number, and its value too.
"""

from __future__ import annotations

import faulthandler
import os
import select
import signal
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from procession.errors import CrewBroken
from procession.pool import worker
from procession.pool.messages import LANDED, Head, send
from procession.pool.outcomes import Cancelled, Done, Failed, Lost, Outcome
from procession.pool.page import HALF, MARK, Page
from procession.records import record

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from procession.pool.worker import Context, Handler

# ── the worker's side ─────────────────────────────────────────────────────────────────────────────


def leave_a_line(ledger: str, number: int) -> None:
    """One write(2) to a file opened with O_APPEND: whole lines, never mixed."""
    descriptor = os.open(ledger, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(descriptor, f"{number} {os.getpid()}\n".encode())
    finally:
        os.close(descriptor)


def count(context: Context, number: int) -> int:
    """Leave a line in the ledger that the crew was set up with."""
    if context.state is None:
        context.state = "warm"
        faulthandler.disable()  # a fork has it from pytest; the stacks of a SIGSEGV interest nobody
    leave_a_line(context.setup, number)
    return number


def count_and_spin(context: Context, number: int) -> int:
    """The same for a task of some length, 0 to 0.3 ms, so that a killer has something to meet."""
    for _ in range(number * 7919 % 2000):
        pass
    leave_a_line(context.setup, number)
    for _ in range(number * 104_729 % 2000):
        pass
    return number


class Large(int):
    """A number whose pickle fits into no journal."""

    def __reduce__(self) -> tuple[object, ...]:
        return _small, (int(self), bytes(HALF))


def _small(number: int, _ballast: bytes) -> int:
    return number


class UnpicklableError(Exception):
    """An exception that does not pickle."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("does not travel")


class Unpicklable:
    """A result that does not pickle."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("does not travel")


@record
class Fault:
    """What goes wrong, when, and at which number; ``once``: a file that is there until it has happened."""

    ledger: str
    when: str
    how: str
    at: int
    once: str

    def strike(self) -> object:
        """Go wrong, if it has not happened yet; what is returned does not pickle."""
        try:
            os.unlink(self.once)
        except FileNotFoundError:
            return None
        if self.how in ("SIGKILL", "SIGSEGV"):
            faulthandler.disable()  # a fork has it from pytest; the stacks of a SIGSEGV interest nobody
            os.kill(os.getpid(), signal.Signals[self.how])
        elif self.how == "os._exit":
            os._exit(3)
        elif self.how == "an exception that does not pickle":
            raise UnpicklableError("kept here")
        elif self.how == "MemoryError":
            raise MemoryError("no room")
        return Unpicklable()

    def strike_outside_a_task(self) -> None:
        """The same in the worker's own code, where a result is nobody's."""
        if self.strike() is not None:
            raise TypeError("this is no place for a result")


def work(context: Context, number: int) -> object:
    """Leave a line; at its number, bring the fault about or let it come."""
    fault: Fault = context.setup
    if context.state is None:
        context.state = Ambush(fault, context._page)
    context.note(b"number %d" % number)
    leave_a_line(fault.ledger, number)
    if number != fault.at:
        return number
    if fault.when == "mid-task":
        return fault.strike()
    context.state.armed = True
    return Large(number) if fault.when in SPILLS else number


SPILLS = {"between spill and entry", "between spill and mark"}


class Ambush:
    """Strikes at a moment that no handler sees: in a worker's own code, once the task ``fault.at`` is over.

    It is laid at the first task of a worker and reaches whatever begins after that.
    """

    def __init__(self, fault: Fault, page: Page) -> None:
        self.fault = fault
        self.armed = False
        self._spilled = False
        self._open_journal, self._open_array, self._send = Page.open_journal, Page.open_array, send
        page.slots = Slots(page.slots, self)  # type: ignore[assignment]
        Page.open_journal = self._opening(page)  # type: ignore[method-assign,assignment]
        Page.open_array = lambda _, *more: Array(self._open_array(page, *more), self)  # type: ignore[method-assign,assignment]
        vars(worker)["send"] = self._sending

    def strike(self, *moments: str) -> None:
        """If it is to happen now."""
        if self.armed and self.fault.when in moments:
            self.fault.strike_outside_a_task()

    def _opening(self, page: Page) -> Callable[[Page, int], object]:
        def open_journal(_: Page, flight: int) -> Callable[[bytes], object]:
            self.strike("before the next task")
            write = self._open_journal(page, flight)

            def write_and_strike(data: bytes) -> object:
                self.strike("before the result is entered")
                if self._spilled:
                    self.strike("between spill and entry")
                return write(data)

            return write_and_strike

        return open_journal

    def _sending(self, sock: socket.socket, head: Head, *more: Any, **named: Any) -> None:
        if self.armed and os.path.exists(self.fault.once):
            select.select([sock], [], [])  # a further flight is there, and may never be read
        if head.kind == LANDED:
            self.strike("before the flight is reported")
        self._send(sock, head, *more, **named)
        self._spilled = head.kind != LANDED


class Array:
    """The first part of a journal, with an eye on each entry."""

    def __init__(self, array: memoryview, ambush: Ambush) -> None:
        self._array = array
        self._ambush = ambush

    def __setitem__(self, index: int, value: Any) -> None:
        self._ambush.strike("before the result is entered")
        self._array[index] = value


class Slots:
    """The slots of a page, with an eye on MARK."""

    def __init__(self, slots: memoryview, ambush: Ambush) -> None:
        self._slots = slots
        self._ambush = ambush

    def __getitem__(self, index: int) -> int:
        value: int = self._slots[index]
        return value

    def __setitem__(self, index: int, value: int) -> None:
        marks = index in (MARK, MARK + 1)
        if marks:
            self._ambush.strike("between entry and mark", "between spill and mark")
        self._slots[index] = value
        if marks:
            self._ambush.strike("after the result is marked")


class Arriving:
    """The handler ``work``, whose arrival in a worker strikes.

    In a spawned worker that is its unpickling; a forked worker has it already, so there it is the first
    message, READY.
    """

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        us = os.getpid()

        def strike_and_send(sock: socket.socket, head: Head, *more: Any, **named: Any) -> None:
            if os.getpid() != us:
                fault.strike_outside_a_task()
            send(sock, head, *more, **named)

        vars(worker)["send"] = strike_and_send

    def leave(self) -> None:
        """Be as before in this process."""
        vars(worker)["send"] = send

    def __call__(self, context: Context, number: int) -> object:
        return work(context, number)

    def __reduce__(self) -> tuple[object, ...]:
        return _arrived, (self.fault,)


def _arrived(fault: Fault) -> Handler:
    fault.strike_outside_a_task()
    return work


# ── the parent's side ─────────────────────────────────────────────────────────────────────────────


class Ledger:
    """What the tasks themselves have written, against what the crew says about them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def lines(self) -> list[tuple[int, int]]:
        """(number, pid) of each task that was run, in the order of their writing."""
        lines = self.path.read_text(encoding="ascii").splitlines()
        return [(int(number), int(pid)) for number, pid in (line.split() for line in lines)]

    def pids(self) -> dict[int, int]:
        """Who ran each number."""
        return dict(self.lines())

    def check(self, outcomes: Iterable[Outcome], count: int) -> dict[str, set[int]]:
        """Each of the tasks 0 to count-1 has one outcome, and the lines agree with it.

        Returns the numbers by kind of outcome.
        """
        outcomes = list(outcomes)
        seen = Counter(outcome.task for outcome in outcomes)
        assert seen == Counter(range(count)), {n: seen[n] for n in {*seen, *range(count)} if seen[n] != 1}
        lines = Counter(number for number, _ in self.lines())
        assert set(lines) <= set(range(count))
        assert [number for number, times in lines.items() if times > 1] == [], "ran twice"
        kinds: dict[str, set[int]] = {"done": set(), "failed": set(), "lost": set(), "not run": set()}
        for outcome in outcomes:
            number = outcome.task
            kind, run = self._kind(outcome)
            kinds[kind].add(number)
            assert outcome.payload == number
            assert run is None or lines[number] == run, f"{kind}, with {lines[number]} lines: {outcome}"
        return kinds

    def _kind(self, outcome: Outcome) -> tuple[str, int | None]:
        """Its kind, and how many lines it must have."""
        if isinstance(outcome, Done):
            assert outcome.value == outcome.task
            return "done", 1
        if isinstance(outcome, Lost):
            error = outcome.error
            assert error.task == outcome.task
            assert self.pids().get(outcome.task, error.pid) == error.pid, "it was somebody else's"
            return "lost", None  # it may have died before the line
        if isinstance(outcome, Failed) and not isinstance(outcome.error, CrewBroken):
            return "failed", 1
        assert isinstance(outcome, Cancelled | Failed)
        return "not run", 0
