"""The fault matrix: when a worker goes wrong, and how.

Whatever happens, each task has one outcome, nothing runs twice, what was finished counts, the task that was
running is named, and a fresh worker does the rest.
"""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from procession.errors import RemoteError
from procession.pool.crew import Crew, Portion
from procession.pool.outcomes import Done, Failed, Lost, Outcome
from tests.faults.crewkit import Arriving, Fault, Ledger, count, work
from tests.unit.pool.kit import METHODS, Portions

DEADLY = {
    "SIGKILL": "was killed by SIGKILL (9)",
    "SIGSEGV": "was killed by SIGSEGV (11)",
    "os._exit": "exited with code 3",
}
GENTLE: dict[str, tuple[type[BaseException], str]] = {
    "an exception that does not pickle": (RemoteError, "tests.faults.crewkit.UnpicklableError: kept here"),
    "a result that does not pickle": (TypeError, "does not travel"),
    "MemoryError": (MemoryError, "no room"),
}
# Outside a task a gentle fault ends the worker: nobody else is there to take it.
IN_THE_WORKER = DEADLY | dict.fromkeys(GENTLE, "exited with code 1")

# Four flights for one worker; the fault is in the middle of the second while the third waits in its socket.
FLIGHTS = [(0, 1, 2), (3, 4, 5, 6), (7, 8), (9,)]
ALL = {number for flight in FLIGHTS for number in flight}
AT = 4

methods = pytest.mark.parametrize("method", METHODS)
hows = pytest.mark.parametrize("how", [*DEADLY, *GENTLE])


@pytest.fixture(autouse=True)
def no_core_dumps() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, limits)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger")


class DeathFirst:
    """An epoll that tells the death of a worker before all that it has sent since it was at task ``AT``."""

    def __init__(self, crew: Crew, ledger: Ledger) -> None:
        self._real = crew._engine._epoll
        self._flights = crew._engine.schedule.flights
        self._ledger = ledger
        self.told = False
        self.register, self.unregister = self._real.register, self._real.unregister
        self.modify, self.close = self._real.modify, self._real.close

    def poll(self, timeout: float | None) -> list[tuple[int, int]]:
        events = self._real.poll(timeout)
        sent = {flight.number for flights in self._flights.values() for flight in flights}
        if not self.told and AT in self._ledger.pids() and sent == {1, 2}:
            self.told = True
            while len(events) < 2:
                events = self._real.poll()  # the channel is readable; the pidfd is about to be
        return events[::-1]


class Trial:
    """One cell of the matrix."""

    def __init__(self, ledger: Ledger, when: str, how: str, method: str) -> None:
        self.ledger = ledger
        self.method = method
        self.once = ledger.path.with_name("once")
        self.once.touch()
        self.fault = Fault(str(ledger.path), when, how, AT, str(self.once))
        self.outcomes: list[Outcome] = []
        self.death_first = False

    def run(self) -> dict[str, set[int]]:
        """Numbers by kind of outcome."""
        handler = Arriving(self.fault) if self.fault.when == "before Ready" else work
        try:
            with Crew(handler, workers=1, start_method=self.method, setup=self.fault) as crew:
                first = DeathFirst(crew, self.ledger) if self.death_first else None
                if first:
                    crew._engine._epoll = first  # type: ignore[assignment]
                crew.run(Portions(*map(Portion, FLIGHTS)), self.outcomes.append)
                assert not first or first.told
        finally:
            if isinstance(handler, Arriving):
                handler.leave()
        assert not self.once.exists(), "the fault did not happen"
        return self.ledger.check(self.outcomes, len(ALL))

    def outcome(self) -> Outcome:
        """That of the task at which the fault was."""
        return next(outcome for outcome in self.outcomes if outcome.task == AT)

    def workers(self) -> int:
        """How many have done a task."""
        return len(set(self.ledger.pids().values()))


@methods
@hows
@pytest.mark.parametrize("when", ["mid-task", "before the result is entered", "between entry and mark"])
def test_the_task_that_was_running_is_named_and_no_other_suffers(
    when: str, how: str, method: str, ledger: Ledger
) -> None:
    trial = Trial(ledger, when, how, method)
    kinds = trial.run()
    assert kinds["done"] == ALL - {AT}
    outcome = trial.outcome()
    if when == "mid-task" and how in GENTLE:
        assert isinstance(outcome, Failed)
        assert (type(outcome.error), str(outcome.error)) == GENTLE[how]
        assert trial.workers() == 1
        return
    assert isinstance(outcome, Lost)
    assert outcome.error.exit.reason == IN_THE_WORKER[how]
    assert outcome.error.pid == ledger.pids()[AT]
    assert (outcome.note, outcome.error.doing) == (b"number 4", "number 4")
    assert str(AT) in str(outcome.error)
    assert trial.workers() == 2


@methods
@hows
@pytest.mark.parametrize(
    ("when", "last_of_the_dead"),
    [
        ("between spill and entry", AT),
        ("between spill and mark", AT),
        ("after the result is marked", AT),
        ("before the flight is reported", 6),
        ("before the next task", 6),
    ],
)
def test_what_was_finished_counts_and_a_fresh_worker_does_the_rest(
    when: str, last_of_the_dead: int, how: str, method: str, ledger: Ledger
) -> None:
    trial = Trial(ledger, when, how, method)
    assert trial.run()["done"] == ALL
    pids = ledger.pids()
    first, second = pids[0], pids[max(ALL)]
    assert first != second
    assert pids == {number: first if number <= last_of_the_dead else second for number in ALL}


@methods
@pytest.mark.parametrize(
    "when", ["between spill and entry", "between spill and mark", "before the flight is reported"]
)
def test_what_a_dead_worker_has_sent_is_read_even_if_its_death_is_seen_first(
    when: str, method: str, ledger: Ledger
) -> None:
    """A flight that it had not read makes the first recv a reset, with its messages still behind it."""
    trial = Trial(ledger, when, "SIGKILL", method)
    trial.death_first = True
    assert trial.run()["done"] == ALL


@methods
@hows
def test_a_worker_that_dies_before_it_is_ready_is_replaced(how: str, method: str, ledger: Ledger) -> None:
    trial = Trial(ledger, "before Ready", how, method)
    assert trial.run()["done"] == ALL
    assert trial.workers() == 1


@methods
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGABRT])
@pytest.mark.parametrize("at", [0, AT, max(ALL)])
def test_a_worker_that_dies_while_the_parent_reads(
    at: int, signum: signal.Signals, method: str, ledger: Ledger
) -> None:
    """It is in any task, or between two, when its parent takes in an earlier flight."""
    outcomes: list[Outcome] = []

    def deliver(outcome: Outcome) -> None:
        outcomes.append(outcome)
        if outcome.task == at:
            pid = ledger.pids()[at]
            os.kill(pid, signum)  # ours, and not reaped
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    with Crew(count, workers=1, start_method=method, setup=str(ledger.path)) as crew:
        crew.run(Portions(*map(Portion, FLIGHTS)), deliver)
    kinds = ledger.check(outcomes, len(ALL))
    assert len(kinds["lost"]) <= 1
    assert kinds["done"] == ALL - kinds["lost"]
    assert set(range(at + 1)) <= kinds["done"]
    for outcome in outcomes:
        if isinstance(outcome, Lost):
            assert outcome.error.exit.signal == signum
        else:
            assert isinstance(outcome, Done)
