"""Workers that end, fall silent or never begin: the crew goes on, gives up, and hangs never."""

from __future__ import annotations

import os
import signal
import socket
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from procession.errors import CrewBroken, WorkerDied
from procession.pool.crew import Crew, Portion
from procession.pool.ends import SHOT_MAX, STILLBORN_MAX
from procession.pool.outcomes import Done, Failed, Lost, Outcome
from procession.process.start import fork_child
from tests.unit.pool import dies_at_import, handlers
from tests.unit.pool.kit import (
    METHODS,
    Payloads,
    Portions,
    children,
    count_of,
    deaths,
    each_once,
    failures,
    only,
    refuse,
    run,
    values,
)

if TYPE_CHECKING:
    from procession.pool.worker import Handler

both = pytest.mark.parametrize("method", METHODS)


@both
@pytest.mark.parametrize("workers", [1, 3])
def test_only_the_tasks_that_kill_are_lost(method: str, workers: int) -> None:
    fatal = {0, 1, 17, 40, 99}
    outcomes = run(handlers.die_at, range(100), method, workers=workers, setup=fatal)
    assert {outcome.payload: outcome.value for outcome in only(outcomes, Done)} == {
        number: number for number in range(100) if number not in fatal
    }
    died = deaths(outcomes)
    assert set(died) == fatal
    assert {death.exit.reason for death in died.values()} == {"was killed by SIGKILL (9)"}
    assert len({death.pid for death in died.values()}) == len(fatal)


@both
def test_a_crew_may_lose_a_worker_at_every_task(method: str) -> None:
    """Each has begun its task: that is progress, and no reason to give up."""
    outcomes = run(handlers.exit_hard, [3] * (3 * STILLBORN_MAX), method, workers=1)
    assert count_of(outcomes) == {"lost": 3 * STILLBORN_MAX}
    assert {lost.error.exit.reason for lost in only(outcomes, Lost)} == {"exited with code 3"}


@both
def test_a_payload_that_kills_whoever_unpickles_it(method: str) -> None:
    outcomes = run(handlers.ignore, [1, handlers.KillsItsReader(), 3], method, workers=1)
    assert [type(outcome).__name__ for outcome in sorted(outcomes, key=lambda o: o.task)] == [
        "Done",
        "Lost",
        "Done",
    ]


@both
def test_workers_that_are_killed_between_two_runs_are_replaced(method: str) -> None:
    outcomes: list[Outcome] = []
    with Crew(handlers.pid, workers=2, start_method=method) as crew:
        crew.run(Payloads(range(10)), outcomes.append)
        old = children()
        for pid in old:
            os.kill(pid, signal.SIGKILL)  # ours, and not reaped
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        crew.run(Payloads(range(10)), outcomes.append)
        assert not set(old) & set(children())
    each_once(outcomes, 20)
    assert not set(values(outcomes[10:])) & set(old)


# ── workers that fall silent ──────────────────────────────────────────────────────────────────────


@both
@pytest.mark.parametrize("handler", [handlers.close_everything, handlers.close_and_wait])
def test_a_worker_that_closes_all_its_descriptors_is_ended(method: str, handler: Handler) -> None:
    outcomes = run(handler, range(10), method, workers=2)
    # Number 3 is lost or done, depending on who is faster; a worker that cannot speak may not go on.
    assert {o.payload for o in only(outcomes, Done)} | set(deaths(outcomes)) == set(range(10))
    if handler is handlers.close_and_wait:
        assert {payload: str(death.exit.reason) for payload, death in deaths(outcomes).items()} == {
            3: "was killed by SIGKILL (9)"
        }


@pytest.mark.parametrize("method", METHODS)
def test_a_grandchild_that_keeps_the_channel_open_delays_nothing(method: str, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        outcomes = run(handlers.fork_and_die, range(10), method, workers=2, setup=str(tmp_path / "s"))
        assert list(deaths(outcomes)) == [3]
        assert count_of(outcomes) == {"done": 9, "lost": 1}
        grandchild, _ = listener.accept()
        with grandchild:
            assert grandchild.recv(4) == b"here"
            grandchild.setblocking(False)
            with pytest.raises(BlockingIOError):  # it lives still, and has all that its parent had
                grandchild.recv(1)


@both
def test_a_child_that_comes_back_out_of_the_handler_runs_nothing_twice(method: str, tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    outcomes = run(handlers.fork_and_return, range(10), method, workers=2, setup=str(lines))
    assert values(outcomes) == list(range(10))
    assert Counter(lines.read_text().split()) == Counter(str(number) for number in range(10))


# ── workers that never begin ──────────────────────────────────────────────────────────────────────


def test_a_handler_that_cannot_be_imported_breaks_the_crew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PN_DIE_AT_IMPORT", "1")
    outcomes: list[Outcome] = []
    source = Payloads(range(1000))
    with Crew(dies_at_import.handle, workers=2, start_method="spawn") as crew:
        with pytest.raises(CrewBroken, match=r"3 workers .* load their handler.* exited with code 23"):
            crew.run(source, outcomes.append)
        with pytest.raises(CrewBroken):  # for good
            crew.run(source, refuse)
    each_once(outcomes, len(source.taken))
    assert all(isinstance(error, CrewBroken) for error in failures(outcomes).values())
    assert len(failures(outcomes)) == len(outcomes) > 0


@pytest.mark.parametrize("moment", ["before Ready", "after Ready"])
def test_workers_that_fail_at_their_start_break_the_crew(
    moment: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from procession.pool import worker

    outcomes: list[Outcome] = []
    source = Payloads(range(1000))
    us = os.getpid()
    name = "send" if moment == "before Ready" else "receive"
    real = getattr(worker, name)

    def only_in_workers(*args: object) -> object:
        if os.getpid() != us:
            raise RuntimeError("no start today")
        return real(*args)

    monkeypatch.setattr(worker, name, only_in_workers)
    words = "load their handler" if moment == "before Ready" else "begin a task"
    with Crew(handlers.double, workers=2, start_method="fork") as crew:
        with pytest.raises(CrewBroken, match=rf"{words}.* exited with code 1"):
            crew.run(source, outcomes.append)
        assert children() == []
    each_once(outcomes, len(source.taken))
    assert count_of(outcomes) == {"failed": len(outcomes)}
    assert "RuntimeError: no start today" in capfd.readouterr().err


def test_a_broken_crew_ends_what_its_healthy_workers_have_in_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """One worker is at work; every further one dies at its start."""
    from procession.pool import hand

    outcomes: list[Outcome] = []
    hired: list[int] = []

    def fork(main: object, *args: object) -> object:
        hired.append(len(hired))
        return fork_child(main if len(hired) == 1 else lambda: os._exit(9), *args)  # type: ignore[arg-type]

    monkeypatch.setattr(hand, "fork_child", fork)
    with Crew(handlers.note_and_wait, workers=2, start_method="fork") as crew:

        def deliver(outcome: Outcome) -> None:
            outcomes.append(outcome)
            if isinstance(outcome, Failed):
                crew.stop()  # lets the one at work end its task

        with pytest.raises(CrewBroken, match=f"{STILLBORN_MAX} workers in a row .* exited with code 9"):
            crew.run(Portions(*(Portion((name,)) for name in (b"a", b"b", b"c", b"d"))), deliver)
    each_once(outcomes, len(outcomes))
    assert len(hired) == 1 + STILLBORN_MAX
    by_payload = {outcome.payload: type(outcome).__name__ for outcome in outcomes}
    assert by_payload.pop(b"a") in ("Done", "Cancelled")
    assert by_payload.pop(b"b") == "Failed"


@pytest.mark.parametrize(
    ("how", "attempts"), [(lambda: os._exit(9), STILLBORN_MAX), (handlers.kill_self, SHOT_MAX)]
)
def test_those_who_are_shot_are_replaced_for_longer(
    how: Callable[[], None], attempts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from procession.pool import hand

    hired: list[int] = []

    def fork(_main: object, *args: object) -> object:
        hired.append(len(hired))
        return fork_child(how, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(hand, "fork_child", fork)
    outcomes: list[Outcome] = []
    with Crew(handlers.double, workers=1, start_method="fork") as crew, pytest.raises(CrewBroken):
        crew.run(Payloads(range(5)), outcomes.append)
    assert len(hired) == attempts
    assert len(failures(outcomes)) == len(outcomes) > 0


def test_progress_of_others_forgives_a_stillborn_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of three start badly, again and again, and still all is done."""
    from procession.pool import hand

    hired: list[int] = []

    def fork(main: object, *args: object) -> object:
        hired.append(len(hired))
        return fork_child(main if len(hired) % 3 == 0 else lambda: os._exit(9), *args)  # type: ignore[arg-type]

    monkeypatch.setattr(hand, "fork_child", fork)
    outcomes = run(handlers.exit_hard, [3] * 5, "fork", workers=1)
    assert count_of(outcomes) == {"lost": 5}
    assert len(hired) == 15


def test_the_exit_of_a_worker_that_other_code_has_reaped() -> None:
    outcomes: list[Outcome] = []
    with Crew(handlers.note_and_wait, workers=1, start_method="fork") as crew:

        def on_tick() -> None:
            if any(sight.note for sight in crew.sights()):
                (pid,) = children()
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)

        crew.run(Payloads([b"a"]), outcomes.append, tick=0.001, on_tick=on_tick)
    (death,) = deaths(outcomes).values()
    assert isinstance(death, WorkerDied)
    assert death.doing == "a"
    assert death.exit.reason == "ended, and its exit status was taken by other code"
