"""Attempts, halts and counts, without a process."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from procession.commands.outcome import NOT_BEGUN, Outcome
from procession.commands.plan import NAMED, Plan, Rules, Work

OK = Outcome(0, None, "ended normally", 1.0)
BAD = Outcome(3, None, "exited with code 3", 1.0)
ENDED = Outcome(None, 15, "was ended with the whole run", 1.0, stopped=True)


def fresh(count: int) -> Callable[[], tuple[str, ...] | None]:
    waiting = iter(range(count))
    return lambda: next(((str(n),) for n in waiting), None)


def test_numbers_count_from_one_and_the_skipped_ones_too() -> None:
    plan = Plan(fresh(4), Rules(), lambda inputs: inputs in {("0",), ("2",)})
    assert plan.take(0) == Work(2, ("1",))
    assert plan.take(0) == Work(4, ("3",))
    assert plan.take(0) is None
    assert plan.skipped == 2


def test_a_failure_is_tried_again_later_and_later() -> None:
    plan = Plan(fresh(1), Rules(retries=3, backoff=1.0))
    work = plan.take(0.0)
    assert work is not None
    dues = []
    while not plan.landed(work, BAD, 100.0):
        assert plan.due is not None
        dues.append(plan.due - 100.0)
        assert plan.take(plan.due - 0.1) is None
        again = plan.take(plan.due)
        assert again is not None
        work = again
    assert dues == [1.0, 2.0, 4.0]
    assert work.attempt == 4
    assert (plan.failed, plan.failures) == (1, ((("0",), "exited with code 3"),))


def test_a_retry_that_succeeds_is_no_failure() -> None:
    plan = Plan(fresh(1), Rules(retries=1))
    work = plan.take(0)
    assert work is not None
    assert not plan.landed(work, BAD, 0)
    again = plan.take(0)
    assert again == Work(1, ("0",), 2)
    assert plan.landed(again, OK, 0)
    assert (plan.ok, plan.failed, plan.waiting) == (1, 0, False)


def test_so_many_failures_and_no_more_is_begun() -> None:
    plan = Plan(fresh(9), Rules(halt=2))
    works = [work for _ in range(3) if (work := plan.take(0))]
    stopped = []
    for work in works[:2]:
        assert plan.landed(work, BAD, 0)
        stopped.append(plan.stopped)
    assert stopped == ["", "failures"]
    assert plan.take(0) is None
    assert plan.landed(works[2], OK, 0)
    assert (plan.ok, plan.failed) == (1, 2)


def test_what_was_ended_with_the_run_has_not_failed() -> None:
    plan = Plan(fresh(9), Rules(retries=5))
    first, second = plan.take(0), plan.take(0)
    assert first is not None
    assert second is not None
    plan.stop("interrupt")
    assert plan.landed(first, ENDED, 0)
    assert plan.landed(second, NOT_BEGUN, 0)
    assert (plan.ok, plan.failed, plan.ended) == (0, 0, 1)


def test_retries_that_are_not_given_any_more() -> None:
    plan = Plan(fresh(1), Rules(retries=5, backoff=9))
    work = plan.take(0)
    assert work is not None
    plan.landed(work, BAD, 0)
    plan.stop("interrupt")
    assert plan.drop_retries() == [Work(1, ("0",), 2)]
    assert not plan.waiting


def test_only_the_first_failures_keep_their_names() -> None:
    plan = Plan(fresh(NAMED * 2), Rules())
    while (work := plan.take(0)) is not None:
        plan.landed(work, BAD, 0)
    assert (plan.failed, len(plan.failures)) == (2 * NAMED, NAMED)


@given(st.lists(st.booleans(), max_size=30), st.integers(0, 3))
def test_each_input_ends_once(ends: list[bool], retries: int) -> None:
    plan = Plan(fresh(len(ends)), Rules(retries=retries))
    attempts = dict.fromkeys(range(1, len(ends) + 1), 0)
    over = []
    while (work := plan.take(0)) is not None:
        attempts[work.number] += 1
        if plan.landed(work, OK if ends[work.number - 1] else BAD, 0):
            over.append(work.number)
    assert sorted(over) == list(attempts)
    assert all(attempts[n] == (1 if ends[n - 1] else retries + 1) for n in attempts)
    assert (plan.ok, plan.failed) == (sum(ends), len(ends) - sum(ends))
