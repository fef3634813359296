"""What a crew calls, what it shows, and that it leaves nobody behind whatever a callback does."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from procession.pool import crew as crew_module
from procession.pool.crew import Crew, Portion, Sight
from procession.pool.outcomes import Cancelled, Lost, Outcome
from procession.process.child import Child
from procession.process.exits import Exit
from tests.unit.pool import handlers
from tests.unit.pool.kit import (
    METHODS,
    Payloads,
    Portions,
    children,
    count_of,
    each_once,
    only,
    refuse,
    values,
)

both = pytest.mark.parametrize("method", METHODS)


class OnPurpose(Exception):
    """Raised by a callback."""


def raise_(*_: object) -> Any:
    raise OnPurpose


# ── exceptions ────────────────────────────────────────────────────────────────────────────────────


@both
@pytest.mark.parametrize("where", ["deliver", "watch", "tick", "take"])
def test_an_exception_from_a_callback_ends_all_workers(method: str, where: str) -> None:
    readable, writer = os.pipe()
    os.write(writer, b"x")
    source: Any = Payloads(range(10_000))
    more: dict[str, Any] = {}
    outcomes: list[Outcome] = []
    deliver: Callable[[Outcome], None] = outcomes.append
    if where == "deliver":
        deliver = raise_
    elif where == "watch":
        more = {"watch": {readable: raise_}}
    elif where == "tick":
        more = {"tick": 1e-6, "on_tick": raise_}
    else:
        rest = iter(range(5))
        source = type("", (), {"take": lambda *_: Portion((next(rest),))})()
    try:
        with (
            pytest.raises((OnPurpose, StopIteration)),
            Crew(handlers.double, workers=2, start_method=method) as c,
        ):
            c.run(source, deliver, **more)
        assert children() == []
    finally:
        os.close(readable)
        os.close(writer)


@both
def test_an_exception_while_a_worker_never_ends_its_task(method: str) -> None:
    def on_tick() -> None:
        if any(sight.note for sight in crew.sights()):
            raise OnPurpose

    with pytest.raises(OnPurpose), Crew(handlers.note_and_wait, workers=2, start_method=method) as crew:
        crew.run(Payloads([b"a", b"b"]), refuse, tick=0.001, on_tick=on_tick)
    assert children() == []


def test_a_run_that_was_left_by_an_exception_can_be_taken_up_again() -> None:
    seen: list[Outcome] = []

    def deliver(outcome: Outcome) -> None:
        seen.append(outcome)
        if len(seen) == 1:
            raise OnPurpose

    source = Payloads(range(50))
    with Crew(handlers.double, workers=1, start_method="fork") as crew:
        with pytest.raises(OnPurpose):
            crew.run(source, deliver)
        crew.run(source, deliver)
    each_once(seen, 50)


def test_an_interrupted_farewell_leaves_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that does not go home, and a Ctrl-C while we wait for it."""
    real = Child.wait
    waits: list[float | None] = []

    def wait(child: Child, timeout: float | None = None) -> Exit | None:
        waits.append(timeout)
        if len(waits) == 1:
            raise KeyboardInterrupt
        return real(child, timeout)

    with (
        pytest.raises(KeyboardInterrupt),
        Crew(handlers.note_and_wait, workers=2, start_method="fork") as crew,
    ):
        with pytest.raises(OnPurpose):
            crew.run(Payloads([b"a", b"b"]), refuse, tick=0.001, on_tick=raise_)
        assert len(children()) == 2
        monkeypatch.setattr(Child, "wait", wait)
    assert waits[0] is not None  # it was the farewell, which waits only so long
    assert children() == []


def test_a_worker_that_does_not_go_home_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew_module, "GRACE", 0.01)
    with Crew(handlers.note_and_wait, workers=1, start_method="fork") as crew:
        with pytest.raises(OnPurpose):
            crew.run(Payloads([b"a"]), raise_, tick=0.001, on_tick=raise_)
        assert len(children()) == 1
    assert children() == []
    crew.close()
    crew.close(kill=True)


def test_a_crew_that_nobody_closes_ends_with_its_last_reference() -> None:
    """So it is when a Ctrl-C comes before the first line of __exit__."""
    outcomes: list[Outcome] = []
    crew = Crew(handlers.double, workers=2, start_method="fork")
    crew.run(Payloads(range(10)), outcomes.append)
    assert len(children()) == 2
    del crew
    assert children() == []
    each_once(outcomes, 10)


def test_a_copy_of_the_crew_in_a_fork_ends_nobody() -> None:
    outcomes: list[Outcome] = []
    us = os.getpid()
    codes: list[int] = []

    def deliver(outcome: Outcome) -> None:
        outcomes.append(outcome)
        if not codes:
            pid = os.fork()
            if pid == 0:
                raise OnPurpose
            codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

    try:
        with Crew(handlers.remember, workers=1, start_method="fork") as crew:
            crew.run(Payloads(range(100)), deliver)
    finally:
        if os.getpid() != us:
            os._exit(44)  # it has come through __exit__
    assert codes == [44]
    assert values(outcomes)[-1] == list(range(100))  # the first worker has done all


# ── an interrupt at the worst moment ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("moment", ["fork", "pidfd_open"])
def test_a_ctrl_c_in_the_middle_of_hiring_loses_no_child(
    moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes in both processes, as from a terminal: after the fork, or before the child is in the books."""
    real = getattr(os, moment)
    us = os.getpid()

    def interrupted(*args: Any) -> Any:
        result = real(*args)
        signal.raise_signal(signal.SIGINT)
        return result

    monkeypatch.setattr(os, moment, interrupted)
    left = []
    try:
        with pytest.raises(KeyboardInterrupt), Crew(handlers.double, workers=2, start_method="fork") as crew:
            crew.run(Payloads(range(100)), refuse)
    finally:
        left.append(os.getpid())
        if os.getpid() != us:
            os._exit(98)  # a child has come up the parent's stack
    assert left == [us]
    assert children() == []


# ── watch and tick ────────────────────────────────────────────────────────────────────────────────


def test_watched_descriptors_are_served_while_workers_work() -> None:
    readable, writer = os.pipe()
    seen: list[bytes] = []
    outcomes: list[Outcome] = []
    with Crew(handlers.note_and_wait, workers=1, start_method="fork") as crew:

        def on_readable() -> None:
            seen.append(os.read(readable, 100))
            if len(seen) == 3:
                crew.stop()
            else:
                os.write(writer, b"%d" % len(seen))

        os.write(writer, b"0")
        crew.run(Payloads([b"a"]), outcomes.append, watch={readable: on_readable})
        assert seen == [b"0", b"1", b"2"]
        os.write(writer, b"unseen")
    assert seen == [b"0", b"1", b"2"]
    each_once(outcomes, 1)  # Cancelled if it had not begun yet
    os.close(readable)
    os.close(writer)


def test_ticks_come_while_workers_work() -> None:
    ticks: list[int] = []
    with Crew(handlers.note_and_wait, workers=1, start_method="fork") as crew:

        def on_tick() -> None:
            ticks.append(len(ticks))
            if len(ticks) == 5:
                crew.stop()

        crew.run(Payloads([b"a"]), lambda _: None, tick=0.001, on_tick=on_tick)
    assert ticks[:5] == [0, 1, 2, 3, 4]


def test_ticks_come_although_messages_never_cease() -> None:
    ticks: list[int] = []
    with Crew(handlers.double, workers=2, start_method="fork") as crew:
        source = Payloads(iter(int, 1))  # endless

        def on_tick() -> None:
            ticks.append(len(source.taken))
            if len(ticks) == 5:
                crew.stop()

        crew.run(source, lambda _: None, tick=0.001, on_tick=on_tick)
    assert ticks == sorted(ticks)
    assert len(ticks) >= 5


# ── what can be seen ──────────────────────────────────────────────────────────────────────────────


@both
def test_sights_show_what_each_worker_is_at(method: str) -> None:
    seen: list[Sight] = []
    with Crew(handlers.note_and_wait, workers=2, start_method=method) as crew:
        assert crew.sights() == []

        def on_tick() -> None:
            sights = crew.sights()
            if len(sights) == 2 and all(sight.note for sight in sights):
                seen.extend(sights)
                crew.stop()

        crew.run(Payloads([b"a", b"b"]), lambda _: None, tick=0.001, on_tick=on_tick)
        assert sorted(sight.note for sight in seen[:2]) == [b"a", b"b"]
        assert all(sight.payload == sight.note for sight in seen[:2])
        assert sorted(sight.pid for sight in seen[:2]) == sorted(children())
        assert [sight.payload for sight in crew.sights()] == [None, None]


@both
def test_gauges_survive_the_death_of_their_worker(method: str) -> None:
    outcomes: list[Outcome] = []
    numbers = [1, 2, -4, 8, -16, 32, 64]
    with Crew(handlers.gauge, workers=2, start_method=method, gauges=2) as crew:
        assert crew.gauge_totals() == [0, 0]
        crew.run(Payloads(numbers), outcomes.append)
        assert crew.gauge_totals() == [7, 127]
        crew.run(Payloads([128]), outcomes.append)
        assert crew.gauge_totals() == [8, 255]
    assert crew.gauge_totals() == [8, 255]
    assert count_of(outcomes) == {"done": 6, "lost": 2}


@both
def test_the_note_of_a_death_is_that_of_its_own_task(method: str) -> None:
    outcomes: list[Outcome] = []
    with Crew(handlers.note, workers=1, start_method=method) as crew:
        crew.run(Portions(Portion((b"of the first", None))), outcomes.append)
    (lost,) = only(outcomes, Lost)
    assert (lost.payload, lost.note, lost.error.doing) == (None, b"", "")
    outcomes.clear()
    with Crew(handlers.note_and_die, workers=1, start_method=method) as crew:
        crew.run(Payloads([b"its own \xff"]), outcomes.append)
    assert [(lost.note, lost.error.doing) for lost in only(outcomes, Lost)] == [
        (b"its own \xff", "its own \\xff")
    ]


# ── kill ──────────────────────────────────────────────────────────────────────────────────────────


@both
def test_kill_names_what_each_worker_was_at(method: str) -> None:
    killed: list[tuple[int, object]] = []
    outcomes: list[Outcome] = []
    with Crew(handlers.note_and_wait, workers=2, start_method=method) as crew:

        def on_tick() -> None:
            sights = crew.sights()
            if all(sight.note for sight in sights):
                pids = children()
                killed.extend(crew.kill())
                assert sorted(pid for pid, _ in killed) == sorted(pids)
                assert children() == []

        portions = Portions(*(Portion((name,)) for name in (b"a", b"b", b"c", b"d")))
        crew.run(portions, outcomes.append, tick=0.001, on_tick=on_tick)
        assert crew.kill() == []
    assert sorted(payload for _, payload in killed) == [b"a", b"b"]  # type: ignore[type-var]
    assert outcomes == []


@pytest.mark.parametrize("where", ["deliver", "deliver of a payload that does not pickle"])
def test_kill_from_deliver_ends_the_run(where: str) -> None:
    outcomes: list[Outcome] = []
    payloads: list[object] = [*range(1000)] if where == "deliver" else [1, handlers.Unpicklable(), 2]
    with Crew(handlers.double, workers=2, start_method="fork") as crew:

        def deliver(outcome: Outcome) -> None:
            outcomes.append(outcome)
            if not isinstance(outcome, Cancelled):
                crew.kill()

        crew.run(Portions(Portion(tuple(payloads))), deliver)
        assert children() == []
    assert outcomes
    assert len({outcome.task for outcome in outcomes}) == len(outcomes)


@pytest.mark.parametrize("fatal", [{0}, {2}])
def test_kill_from_the_delivery_of_a_death_ends_the_run(fatal: set[int]) -> None:
    outcomes: list[Outcome] = []
    with Crew(handlers.die_at, workers=1, start_method="fork", setup=fatal) as crew:

        def deliver(outcome: Outcome) -> None:
            outcomes.append(outcome)
            if len(outcomes) == 1:
                assert isinstance(outcome, Lost) == (fatal == {0})
                crew.kill()

        crew.run(Portions(Portion((0, 1, 2))), deliver)
        assert children() == []
    assert len({outcome.task for outcome in outcomes}) == len(outcomes)


# ── what a hire must not leave ────────────────────────────────────────────────────────────────────


def test_a_handler_that_does_not_pickle_starts_nobody() -> None:
    lock = threading.Lock()
    with (
        pytest.raises((AttributeError, TypeError), match="pickle"),
        Crew(lambda _context, _payload: lock, workers=1, start_method="spawn") as crew,
    ):
        crew.run(Payloads([1]), refuse)
    assert children() == []


@both
def test_a_hire_that_fails_starts_nobody(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "memfd_create" if method == "fork" else "pidfd_open", no_room)
    with (
        pytest.raises(OSError, match="Too many"),
        Crew(handlers.double, workers=1, start_method=method) as crew,
    ):
        crew.run(Payloads([1]), refuse)
    assert children() == []


def test_workers_hold_no_descriptor_of_the_others() -> None:
    """Else the end of one would not be seen, or the parent's end of a channel not be the last."""
    before = handlers.sockets(None, 0)
    outcomes: list[Outcome] = []
    with Crew(handlers.sockets, workers=3, start_method="fork") as crew:
        crew.run(Payloads(range(3)), outcomes.append)
        ours = handlers.sockets(None, 0) - before
    theirs = [found - before for found in values(outcomes)]
    assert [len(ours), *map(len, theirs)] == [3, 1, 1, 1]
    assert len(ours.union(*theirs)) == 6
