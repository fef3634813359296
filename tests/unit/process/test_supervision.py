"""The rules of a supervisor beyond OTP's list: readiness, back-off, significance, requests in between."""

from __future__ import annotations

from typing import Any

import pytest

from procession.errors import ChildStartFailed, RestartLimitReached, SupervisorError
from procession.process.childspec import Backoff
from procession.process.orders import Down
from tests.unit.process.supervisorkit import World, child

HOUR = 3600.0


def world(*names: str, strategy: str = "one_for_one", max_restarts: int = 5, **more: Any) -> World:
    specs = [child(name) for name in names]
    return World(*specs, strategy=strategy, max_restarts=max_restarts, within=HOUR, **more).start()


def cause(it: World) -> Exception | None:
    assert isinstance(it.down, Down)
    return it.down.cause


# -- readiness -------------------------------------------------------------------------------------------


def test_the_next_child_waits_until_the_one_before_is_ready() -> None:
    it = World(child("a", ready=True), child("b", ready=True), child("c")).start()
    assert it.news() == ["start a"]
    assert it.states == {"a": "starting", "b": "waiting", "c": "waiting"}
    it.say_ready("a")
    assert it.news() == ["start b"]
    assert not it.is_up()
    it.say_ready("b")
    assert it.news() == ["start c"]
    assert it.is_up()


def test_a_child_that_is_not_ready_in_time_is_stopped_and_nothing_starts() -> None:
    it = World(child("a"), child("b", ready=True, ready_timeout=2.0, shutdown=1.0), child("c")).start()
    it.deaf.add("b")
    it.wait(1.99)
    assert it.news() == ["start a", "start b"]
    it.wait(1.02)
    assert it.news() == ["term b", "kill b", "term a"]
    error = cause(it)
    assert isinstance(error, ChildStartFailed)
    assert str(error) == "supervisor: child 'b' was not ready within 2 s"


def test_an_end_before_readiness_is_a_failed_start_even_with_code_0() -> None:
    it = World(child("a"), child("b", ready=True)).start()
    it.exit("b", 0)
    assert str(cause(it)) == "supervisor: child 'b' ended normally before it was ready"
    assert it.log[-1] == "term a"


def test_readiness_without_a_time_limit() -> None:
    it = World(child("a", ready=True, ready_timeout=None)).start()
    it.wait(HOUR)
    assert it.states == {"a": "starting"}


def test_a_restart_that_is_not_ready_in_time_counts_as_one_more_failure() -> None:
    it = World(child("a", ready=True, ready_timeout=1.0), max_restarts=2, within=HOUR).start()
    it.say_ready("a")
    it.exit("a", 3)
    it.wait(1)
    it.wait(1)
    assert isinstance(error := cause(it), RestartLimitReached)
    assert [words for _, words in error.ends] == [
        "exited with code 3",
        "was not ready within 1 s",
        "was not ready within 1 s",
    ]


def test_a_crash_during_the_first_start_is_a_restart_and_the_start_goes_on() -> None:
    it = World(child("a"), child("b", ready=True), child("c")).start()
    it.exit("a", 3)
    assert it.news() == ["start a", "start b", "start a"]
    it.say_ready("b")
    assert it.news() == ["start c"]
    assert it.is_up()


def test_a_group_restart_during_the_first_start_also_starts_what_has_not_been_yet() -> None:
    specs = (child("a"), child("b", ready=True), child("c", "temporary"))
    it = World(*specs, strategy="one_for_all").start()
    it.exit("a", 3)
    assert it.news() == ["start a", "start b", "term b", "start a", "start b"]
    it.say_ready("b")
    assert it.news() == ["start c"]
    assert it.is_up()
    assert set(it.states.values()) == {"running"}


# -- back-off --------------------------------------------------------------------------------------------


def test_the_wait_grows_and_is_capped() -> None:
    it = world("a", max_restarts=9, backoff=Backoff(delay=1, cap=6, jitter=0))
    for seconds in (1, 2, 4, 6, 6):
        it.exit("a", 3)
        assert it.states == {"a": "restarting"}
        it.wait(seconds - 0.001)
        assert it.states == {"a": "restarting"}
        it.wait(0.001)
        assert it.states == {"a": "running"}


def test_jitter_only_shortens_the_wait() -> None:
    it = world("a", backoff=Backoff(delay=10, cap=100, jitter=0.5), draw=1.0)
    it.exit("a", 3)
    assert it.core.wakes_at() == 5.0


def test_others_are_served_while_one_waits() -> None:
    it = world("a", "b", backoff=Backoff(delay=10, cap=100, jitter=0))
    it.exit("a", 3)
    it.wait(5)
    it.exit("b", 3)
    assert it.states == {"a": "restarting", "b": "restarting"}
    it.wait(5)
    assert it.states == {"a": "running", "b": "restarting"}


@pytest.mark.parametrize("max_restarts", [0, 1, 10, 100])
def test_no_wait_hides_a_storm_from_the_limit(max_restarts: int) -> None:
    it = World(
        child("a"), max_restarts=max_restarts, within=5, backoff=Backoff(delay=3, cap=60, jitter=0)
    ).start()
    for _ in range(max_restarts):
        it.exit("a", 3)
        it.wait(it.core.wakes_at() - it.now)  # type: ignore[operator]
    it.exit("a", 3)
    assert isinstance(cause(it), RestartLimitReached)
    assert it.now < 2.5


def test_the_window_slides() -> None:
    it = World(child("a"), max_restarts=1, within=5.0).start()
    it.exit("a", 3)
    it.wait(5.001)
    it.exit("a", 3)
    assert it.states == {"a": "running"}
    it.wait(4.999)
    it.exit("a", 3)
    assert isinstance(cause(it), RestartLimitReached)


def test_a_group_restart_counts_once() -> None:
    it = world("a", "b", "c", strategy="one_for_all", max_restarts=1)
    it.exit("a", 3)
    assert set(it.states.values()) == {"running"}
    it.exit("b", 3)
    assert isinstance(cause(it), RestartLimitReached)


# -- significant children --------------------------------------------------------------------------------


def significant(restart: str, auto_shutdown: str) -> World:
    specs = (
        child("a"),
        child("s1", restart, significant=True),
        child("s2", restart, significant=True),
        child("t", "temporary"),
    )
    return World(*specs, auto_shutdown=auto_shutdown, max_restarts=9).start()


@pytest.mark.parametrize("restart", ["transient", "temporary"])
def test_any_significant_end_ends_the_supervisor(restart: str) -> None:
    it = significant(restart, "any_significant")
    it.exit("t")
    assert not it.is_over()
    it.news()
    it.exit("s1")
    assert cause(it) is None
    assert it.news() == ["term s2", "term a"]


def test_all_significant_ends_end_the_supervisor() -> None:
    it = significant("transient", "all_significant")
    it.exit("s2")
    it.exit("a")
    assert not it.is_over()
    it.exit("s1")
    assert cause(it) is None


def test_a_restart_or_a_request_is_no_significant_end() -> None:
    it = significant("transient", "any_significant")
    it.exit("s1", 3)
    it.get("terminate_child", "s2")
    assert not it.is_over()
    assert it.states["s1"] == "running"


def test_a_significant_temporary_that_crashes_ends_the_supervisor() -> None:
    it = significant("temporary", "any_significant")
    it.exit("s1", 3)
    assert cause(it) is None


# -- several things at once ------------------------------------------------------------------------------


def test_children_are_stopped_one_after_the_other() -> None:
    it = world("a", "b", "c")
    it.slow |= {"a", "b", "c"}
    it.news()
    it.stop()
    assert it.news() == ["term c"]
    it.exit("b", 3)  # it would have been the next
    assert it.news() == []
    it.exit("c")
    assert it.news() == ["term a"]
    it.exit("a")
    assert cause(it) is None


def test_a_child_that_fails_while_its_group_is_stopped_counts_no_further() -> None:
    it = world("a", "b", "c", strategy="one_for_all", max_restarts=1)
    it.slow.add("c")
    it.news()
    it.exit("a", 3)
    it.exit("b", 3)
    it.exit("c", 3)
    assert it.news() == ["term c", "start a", "start b", "start c"]


def test_one_terminated_during_a_group_restart_does_not_come_back() -> None:
    it = world("a", "b", "c", strategy="one_for_all")
    it.slow.add("c")
    it.news()
    it.exit("a", 3)
    token = it.ask("terminate_child", "b")  # which runs still, as c is being stopped
    assert it.answers[token].error is None
    assert it.states == {"a": "restarting", "b": "down", "c": "stopping"}
    it.exit("c")
    assert it.news() == ["term c", "term b", "start a", "start c"]
    assert it.states == {"a": "running", "b": "down", "c": "running"}


def test_a_group_restart_brings_back_what_had_ended_well_as_in_erlang() -> None:
    it = World(child("a"), child("b", "transient"), strategy="one_for_all", max_restarts=5).start()
    it.exit("b", 0)
    assert it.states["b"] == "down"
    it.exit("a", 3)
    assert it.states["b"] == "running"


def test_a_stop_during_a_back_off_starts_nobody() -> None:
    it = world("a", "b", strategy="rest_for_one", backoff=Backoff(delay=10, cap=100, jitter=0))
    it.exit("a", 3)
    it.news()
    it.stop()
    it.wait(HOUR)
    assert it.news() == []
    assert cause(it) is None


def test_a_stop_during_the_first_start_stops_what_has_started() -> None:
    it = World(child("a"), child("b", ready=True), child("c")).start()
    it.stop()
    assert it.log == ["start a", "start b", "term b", "term a"]
    assert not it.is_up()
    assert cause(it) is None


def test_stop_now_kills_all_also_those_that_had_been_asked() -> None:
    it = world("a", "b", "c")
    it.deaf |= {"a", "b", "c"}
    it.stop()
    it.news()
    it.obey(it.core.stop_now(it.now))
    assert it.news() == ["kill c", "kill b", "kill a"]
    assert cause(it) is None


def test_whoever_waits_for_a_start_is_told_of_the_stop() -> None:
    it = world("a")
    token = it.ask("start_child", child("b", ready=True))
    it.stop()
    assert isinstance(it.answers[token].error, SupervisorError)
    assert "was stopped before it was up" in str(it.answers[token].error)


def test_a_child_that_was_asked_for_and_fails_is_forgotten() -> None:
    it = world("a")
    it.broken.add("b")
    with pytest.raises(ChildStartFailed, match="could not be started"):
        it.get("start_child", child("b"))
    token = it.ask("start_child", child("c", ready=True))
    it.exit("c", 3)
    assert isinstance(it.answers[token].error, ChildStartFailed)
    assert list(it.states) == ["a"]
    it.broken.clear()
    it.get("start_child", child("b"))


def test_a_restart_that_was_asked_for_and_fails_leaves_the_child_down() -> None:
    it = world("a")
    it.get("terminate_child", "a")
    it.broken.add("a")
    with pytest.raises(ChildStartFailed):
        it.get("restart_child", "a")
    assert it.states == {"a": "down"}
    assert it["a"].last_end == "could not be started"


def test_nobody_is_started_any_more_by_a_timer_that_is_due_when_the_supervisor_gives_up() -> None:
    it = world("a", "b", max_restarts=2, backoff=Backoff(delay=10, cap=100, jitter=0))
    it.exit("a", 3)
    it.exit("b", 3)
    it.broken.add("a")
    it.news()
    it.now = 10.0
    while (wake := it.core.wakes_at()) is not None and wake <= it.now:
        it.obey(it.core.tick(it.now))
    assert it.news() == ["start a"]
    assert isinstance(cause(it), RestartLimitReached)


def test_what_is_told() -> None:
    it = world("a")
    it.exit("a", 3)
    it.stop()
    assert [(tell.what, tell.words) for tell in it.told] == [
        ("started", "pid 101"),
        ("ended", "exited with code 3"),
        ("restarting", "in 0.000 s"),
        ("started", "pid 102"),
        ("stopping", ""),
        ("ended", "was killed by SIGTERM (15)"),
    ]


def test_status() -> None:
    it = world("a")
    it.wait(7)
    it.exit("a", 3)
    it.wait(2)
    status = it["a"]
    assert (status.state, status.restarts, status.uptime) == ("running", 1, 2.0)
    assert status.last_end == "exited with code 3"
