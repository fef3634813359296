"""A book that somebody has edited, or that was put together from two: nothing is done that could do harm."""

from __future__ import annotations

from typing import Any

import pytest

from procession.jobs.actions import Order, Sweep
from procession.jobs.job import Ended, Group, Job, Resting, Run, Running, State, Waiting
from procession.jobs.plan import Plan
from procession.jobs.spec import Spec
from tests.harness.plans import WELL

NOW = 1e9


def job(number: int, state: State, runs: int = 0, **fields: Any) -> Job:
    return Job(number, Spec(("true",), **fields), "hash", state, NOW, number, runs)


def test_a_run_without_its_row_is_swept_by_a_mark_that_nobody_has() -> None:
    plan = Plan([job(1, Running(1, NOW, 7, 7, NOW), 1)], mark=lambda: "fresh")
    assert plan.lost(1, 1, "its keeper was killed", NOW).actions == (Sweep(1, 1, "fresh"),)
    assert plan.swept(1, 1, "its keeper was killed", NOW).ended


def test_a_run_under_another_number_is_not_taken_for_the_current_one() -> None:
    rows = [Run(1, 1, "old", NOW)]
    plan = Plan([job(1, Running(2, NOW, 7, 7, NOW), 2)], runs=rows, mark=lambda: "fresh")
    assert plan.under_way[1].run == 2
    assert plan.under_way[1].mark == "fresh"


@pytest.mark.parametrize("field", ["after", "after_any", "after_failed"])
def test_a_prerequisite_that_is_not_there(field: str) -> None:
    fields: dict[str, Any] = {field: (9,)}
    plan = Plan([job(1, Waiting(), **fields)])
    step = plan.tick(NOW)
    assert not step.actions
    state = plan.jobs[1].state
    assert isinstance(state, Ended)
    assert state.outcome.reason == "was not started: job 9 is not there any more"


def test_a_circle_waits_and_can_be_killed() -> None:
    plan = Plan([job(1, Waiting(), after=(2,)), job(2, Waiting(), after=(1,))])
    assert plan.tick(NOW).is_empty
    assert [number for number, _ in plan.kill(1, None, NOW).ended] == [1, 2]


def test_more_jobs_run_than_there_are_slots() -> None:
    running = [job(n, Running(1, NOW, n, 7, NOW), 1, group="one") for n in (1, 2, 3)]
    rows = [Run(n, 1, f"m{n}", NOW) for n in (1, 2, 3)]
    plan = Plan([*running, job(4, Waiting(), group="one")], [Group("one", 1)], rows)
    orders = [[a for a in plan.ended(n, 1, WELL, NOW).actions if isinstance(a, Order)] for n in (1, 2, 3)]
    assert [len(found) for found in orders] == [0, 0, 1]


def test_a_rest_that_was_over_long_ago() -> None:
    plan = Plan([job(1, Resting(5.0, "exited with code 3"), 1, retries=1)])
    assert plan.wakes_at() == 0.0
    assert [type(action) for action in plan.tick(NOW).actions] == [Order]


def test_numbers_go_on_from_the_highest() -> None:
    plan = Plan([job(8, Waiting(), at=2e9)], first=3)
    assert plan.submit(Spec(("true",)), "hash", NOW).job == 9
    assert Plan(first=30).submit(Spec(("true",)), "hash", NOW).job == 30
