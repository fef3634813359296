"""Retries, restarts and their limits; runs that are lost or were never begun."""

from __future__ import annotations

from typing import Any

import pytest

from procession.errors import JobsError
from procession.jobs.actions import Forget, Notify, Order, Sweep
from procession.jobs.job import Resting
from procession.jobs.outcome import LOST, UNSTARTED
from procession.jobs.step import Step
from tests.harness.plans import BADLY, WELL, Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()


def rest(desk: Desk, job: int) -> float:
    """Seconds until it runs again."""
    state = desk.plan.jobs[job].state
    assert isinstance(state, Resting), state
    return state.until - desk.now


def fail(desk: Desk, job: int) -> None:
    """Its run begins and fails at once."""
    desk.begin(job)
    desk.end(job, BADLY)


def test_retries_with_doubled_waits(desk: Desk) -> None:
    job = desk.submit(retries=3, backoff=2)
    waits = []
    for _ in range(3):
        fail(desk, job)
        waits.append(rest(desk, job))
        assert desk.plan.wakes_at() == desk.now + waits[-1]
        desk.reload()
        desk.wait(waits[-1])
    assert waits == [2, 4, 8]
    step = desk.end(job, BADLY)
    assert step.ended == ((job, BADLY),)
    assert desk.plan.jobs[job].runs == 4


def test_the_words_of_a_retry(desk: Desk) -> None:
    job = desk.submit(retries=3, backoff=20)
    fail(desk, job)
    assert desk.words(job) == "retrying in 20 s: exited with code 3 (retry 1 of 3)"


def test_a_retry_that_ends_well_is_the_last(desk: Desk) -> None:
    job = desk.submit(retries=3)
    fail(desk, job)
    desk.wait(1)
    desk.end(job)
    assert desk.state(job) == "ended"


def test_no_wait_is_longer_than_a_day(desk: Desk) -> None:
    job = desk.submit(retries=2000, backoff=1)
    for _ in range(1100):
        desk.end(job, BADLY)
        assert rest(desk, job) <= 86400
        desk.wait(86400)


@pytest.mark.parametrize(
    ("restart", "outcome", "again"),
    [("no", BADLY, False), ("on-failure", BADLY, True), ("on-failure", WELL, False), ("always", WELL, True)],
)
def test_restart_policies(desk: Desk, restart: str, outcome: Any, again: bool) -> None:
    job = desk.submit(restart=restart)
    desk.begin(job)
    desk.end(job, outcome)
    assert desk.state(job) == ("resting" if again else "ended")


def test_delays_are_doubled_up_to_the_cap_less_the_jitter() -> None:
    desk = Desk(draw=0.5)
    job = desk.submit(restart="on-failure", restart_delay=10, restart_cap=25, jitter=0.2, restart_limit=9)
    waits = []
    for _ in range(4):
        fail(desk, job)
        waits.append(rest(desk, job))
        desk.wait(waits[-1])
    assert waits == pytest.approx([9, 18, 22.5, 22.5])


def test_a_delay_of_zero_is_no_rest(desk: Desk) -> None:
    job = desk.submit(restart="on-failure", restart_delay=0)
    desk.begin(job)
    step = desk.end(job, BADLY)
    assert Order(job, 2, "mark1") in step.actions


def test_the_intensity_limit_ends_it_and_says_so(desk: Desk) -> None:
    job = desk.submit(restart="on-failure", restart_delay=0, restart_limit=3, restart_within=60)
    for _ in range(3):
        fail(desk, job)
    assert desk.state(job) == "starting"
    fail(desk, job)
    assert desk.words(job) == "exited with code 3: given up after 3 restarts within 1:00"
    assert desk.plan.jobs[job].runs == 4
    assert desk.runs[job, 4].outcome == BADLY  # the run itself tells only how it ended


def test_restarts_outside_the_window_do_not_count(desk: Desk) -> None:
    job = desk.submit(restart="always", restart_delay=0, restart_limit=2, restart_within=60)
    for _ in range(20):
        desk.begin(job)
        desk.wait(31)
        desk.end(job)
        assert desk.state(job) == "starting"


def test_a_run_that_was_stable_starts_the_delays_anew(desk: Desk) -> None:
    job = desk.submit(restart="on-failure", restart_delay=2, restart_within=60)
    fail(desk, job)
    desk.wait(2)
    fail(desk, job)
    assert rest(desk, job) == 4
    desk.wait(4)
    desk.begin(job)
    desk.wait(60)
    desk.end(job, BADLY)
    assert rest(desk, job) == 2


def test_a_clock_that_is_set_back_makes_no_rest_longer(desk: Desk) -> None:
    job = desk.submit(restart="on-failure", restart_delay=8)
    fail(desk, job)
    desk.wait(-500_000)
    assert rest(desk, job) == 8
    assert desk.plan.wakes_at() == desk.now + 8
    desk.wait(8)
    assert desk.state(job) == "starting"
    fail(desk, job)  # its restart in the future of this clock does not count
    assert len(desk.plan.jobs[job].restarts) == 1


def test_retries_and_restart_together_are_refused(desk: Desk) -> None:
    with pytest.raises(JobsError, match="choose one"):
        desk.submit(retries=1, restart="always")


def lose(desk: Desk, job: int) -> Step:
    """Its keeper is killed, and what is left is swept."""
    run = desk.plan.under_way[job]
    step = desk.do("lost", job, run.run, "its keeper was killed")
    assert step.actions == (Sweep(job, run.run, run.mark),)
    assert desk.do("lost", job, run.run, "its keeper was killed").is_empty
    assert desk.words(job) == "cleaning up what is left of it: its keeper was killed"
    return desk.do("swept", job, run.run, "its keeper was killed")


def test_a_lost_run_ends_the_job_without_a_policy(desk: Desk) -> None:
    job = desk.submit()
    desk.begin(job)
    lose(desk, job)
    assert desk.words(job) == "lost: its keeper was killed"
    outcome = desk.runs[job, 1].outcome
    assert outcome is not None
    assert (outcome.kind, outcome.pid, outcome.began) == (LOST, 101, 1e9)


@pytest.mark.parametrize("fields", [{"restart": "on-failure"}, {"restart": "always"}, {"retries": 1}])
def test_a_lost_run_follows_the_policy(desk: Desk, fields: dict[str, Any]) -> None:
    job = desk.submit(**fields)
    desk.begin(job)
    lose(desk, job)
    desk.wait(1)
    assert desk.ordered == [(job, 1), (job, 2)]


def test_the_sweep_is_asked_for_again_by_the_next_daemon(desk: Desk) -> None:
    job = desk.submit()
    desk.begin(job)
    desk.do("lost", job, 1, "its keeper was killed")
    desk.reload()
    step = desk.do("lost", job, 1, "its keeper was killed")
    assert step.actions == (Sweep(job, 1, "mark0"),)


def test_the_reason_of_a_loss_is_the_one_that_was_told_first(desk: Desk) -> None:
    job = desk.submit()
    desk.begin(job)
    desk.do("lost", job, 1, "the machine went down")
    desk.do("swept", job, 1, "its keeper was killed")
    assert desk.words(job) == "lost: the machine went down"


def test_an_outcome_that_is_found_after_all_counts(desk: Desk) -> None:
    job = desk.submit()
    desk.begin(job)
    desk.do("lost", job, 1, "its keeper was killed")
    desk.end(job)
    assert desk.words(job) == "ended normally"
    assert desk.do("swept", job, 1, "its keeper was killed").is_empty


def test_after_a_reboot_what_ran_is_lost_and_what_waits_stays(desk: Desk) -> None:
    plain, again = desk.submit(), desk.submit(restart="on-failure", restart_delay=3)
    waiting, ordered = desk.submit(after=(plain,)), desk.submit()
    stopped, killed = desk.submit(), desk.submit()
    for job in (plain, again, stopped, killed):
        desk.begin(job)
    desk.do("suspended", stopped, 1, desk.now)
    desk.kill(killed)
    desk.reload()
    desk.do("rebooted")
    assert desk.words(plain) == "lost: the machine went down"
    assert desk.state(again) == "resting"
    assert desk.state(ordered) == "starting"  # its claim will tell
    assert desk.state(stopped) == desk.state(killed) == "ended"
    assert desk.words(waiting) == "not started: job 1 was lost"


def test_a_void_run_is_ordered_under_the_next_number(desk: Desk) -> None:
    job = desk.submit()
    step = desk.do("void", job, 1)
    assert step.actions == (Forget(job, 1), Order(job, 2, "mark1"))
    found = desk.runs[job, 1].outcome
    assert found is not None
    assert found.kind == UNSTARTED
    assert desk.do("void", job, 1).is_empty
    assert desk.do("began", job, 1, 5, 5, desk.now, "").is_empty
    assert desk.do("ended", job, 1, WELL).actions == (Forget(job, 1),)
    assert desk.state(job) == "starting"


def test_a_void_run_keeps_its_slot_and_is_no_failure(desk: Desk) -> None:
    desk.group("one", slots=1)
    first, second = desk.submit(group="one", retries=1), desk.submit(group="one", priority=9)
    desk.do("void", first, 1)
    assert desk.state(second) == "waiting"
    assert desk.plan.jobs[first].failures == 0


def test_a_run_that_runs_cannot_be_void(desk: Desk) -> None:
    job = desk.submit()
    desk.begin(job)
    assert desk.do("void", job, 1).is_empty


def test_the_final_end_is_told_once(desk: Desk) -> None:
    job = desk.submit(retries=1, backoff=0, notify="mail")
    assert not [a for a in desk.end(job, BADLY).actions if isinstance(a, Notify)]
    step = desk.end(job, BADLY)
    assert [a.outcome for a in step.actions if isinstance(a, Notify)] == [BADLY]
    assert desk.do("ended", job, 2, BADLY).actions == (Forget(job, 2),)
