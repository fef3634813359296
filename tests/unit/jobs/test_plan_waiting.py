"""Who begins when: prerequisites, slots, priorities, times."""

from __future__ import annotations

import pytest

from procession.errors import JobsError
from procession.jobs.job import Job
from procession.jobs.outcome import KILLED, UNSTARTED, Outcome
from tests.harness.plans import BADLY, WELL, Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()


def outcome_of(desk: Desk, job: int) -> Outcome:
    state = desk.plan.jobs[job].state
    found = getattr(state, "outcome", None)
    assert isinstance(found, Outcome), state
    return found


def test_a_job_without_conditions_begins_at_once(desk: Desk) -> None:
    job = desk.submit()
    assert desk.ordered == [(job, 1)]
    assert desk.state(job) == "starting"
    desk.begin(job)
    assert desk.state(job) == "running"
    step = desk.end(job)
    assert step.ended == ((job, WELL),)
    assert outcome_of(desk, job) == WELL


@pytest.mark.parametrize(
    ("field", "outcome", "starts"),
    [
        ("after", WELL, True),
        ("after", BADLY, False),
        ("after_any", WELL, True),
        ("after_any", BADLY, True),
        ("after_failed", WELL, False),
        ("after_failed", BADLY, True),
    ],
)
def test_prerequisites(desk: Desk, field: str, outcome: Outcome, starts: bool) -> None:
    first = desk.submit()
    second = desk.submit(**{field: (first,)})
    assert desk.started() == [first]
    assert desk.words(second) == "waiting for job 1"
    desk.begin(first)
    desk.end(first, outcome)
    if starts:
        assert desk.started() == [first, second]
    else:
        assert outcome_of(desk, second).kind == UNSTARTED
        how = "exited with code 3" if outcome is BADLY else "ended normally"
        assert desk.words(second) == f"not started: job 1 {how}"


def test_all_of_several_are_waited_for(desk: Desk) -> None:
    others = tuple(desk.submit() for _ in range(6))
    job = desk.submit(after=others)
    assert desk.words(job) == "waiting for jobs 1, 2, 3 and 3 more"
    for other in others[:-1]:
        desk.end(other)
    assert desk.state(job) == "waiting"
    desk.end(others[-1])
    assert desk.state(job) == "starting"


def test_the_first_that_fails_decides(desk: Desk) -> None:
    first, second = desk.submit(), desk.submit()
    job = desk.submit(after=(first, second))
    desk.end(first, BADLY)
    assert desk.state(job) == "ended"


def test_chains_fall_through(desk: Desk) -> None:
    chain = [desk.submit()]
    for _ in range(50):
        chain.append(desk.submit(after=(chain[-1],)))
    rescue = desk.submit(after_failed=(chain[-1],))
    step = desk.end(chain[0], BADLY)
    assert len(step.ended) == 51
    assert desk.words(chain[2]) == "not started: job 2 was not started"
    assert desk.state(rescue) == "starting"


def test_a_prerequisite_that_is_repeated_counts_by_its_final_end(desk: Desk) -> None:
    first = desk.submit(retries=1, backoff=4)
    second = desk.submit(after=(first,))
    desk.end(first, BADLY)
    assert desk.state(second) == "waiting"
    desk.wait(4)
    desk.end(first)
    assert desk.state(second) == "starting"


def test_one_that_has_ended_already_decides_at_once(desk: Desk) -> None:
    first = desk.submit()
    desk.end(first, BADLY)
    assert desk.state(desk.submit(after=(first,))) == "ended"
    assert desk.state(desk.submit(after_failed=(first,))) == "starting"


def test_what_was_met_stays_met_when_the_other_is_removed(desk: Desk) -> None:
    desk.group("one", slots=1)
    busy = desk.submit(group="one")
    first = desk.submit()
    waiting = desk.submit(group="one", after=(first,))
    desk.end(first)
    desk.do("remove", [first])
    assert desk.words(waiting) == "queued behind 1 slot of group one (next in line)"
    desk.reload()
    desk.end(busy)
    assert desk.state(waiting) == "starting"


def test_a_job_that_removes_itself_has_told_its_followers_before(desk: Desk) -> None:
    first = desk.submit(remove=True)
    follower = desk.submit(after=(first,))
    other = desk.submit(after_failed=(first,))
    step = desk.end(first)
    assert first not in desk.plan.jobs
    assert dict(step.ended)[first] == WELL
    assert desk.state(follower) == "starting"
    assert desk.words(other) == "not started: job 1 ended normally"


def test_a_job_that_removes_itself_stays_when_it_failed(desk: Desk) -> None:
    job = desk.submit(remove=True)
    desk.end(job, BADLY)
    assert desk.state(job) == "ended"


def test_a_number_is_never_used_again(desk: Desk) -> None:
    first = desk.submit(remove=True)
    desk.end(first)
    desk.reload()
    assert desk.submit() == first + 1


@pytest.mark.parametrize("field", ["after", "after_any", "after_failed"])
def test_an_unknown_prerequisite_is_refused(desk: Desk, field: str) -> None:
    with pytest.raises(JobsError, match="there is no job 7 to wait for"):
        desk.submit(**{field: (7,)})
    assert not desk.plan.jobs


def test_slots_are_never_exceeded_and_go_by_priority_then_age(desk: Desk) -> None:
    desk.group("two", slots=2)
    jobs = [desk.submit(group="two", priority=p) for p in (0, 0, 0, 5, 0, 5)]
    assert desk.started() == jobs[:2]
    assert desk.words(jobs[4]) == "queued behind 2 slots of group two (4th in line)"
    for at in range(4):
        desk.end(desk.started()[at])
    assert desk.started() == [jobs[0], jobs[1], jobs[3], jobs[5], jobs[2], jobs[4]]


def test_the_default_group_has_no_limit_until_it_gets_one(desk: Desk) -> None:
    jobs = [desk.submit() for _ in range(9)]
    assert desk.started() == jobs
    desk.group("default", slots=1)
    later = desk.submit()
    assert desk.words(later) == "queued behind 1 slot (next in line)"
    desk.group("default", slots=0)
    assert desk.state(later) == "starting"


def test_a_suspended_job_keeps_its_slot_and_a_resting_one_does_not(desk: Desk) -> None:
    desk.group("one", slots=1)
    first = desk.submit(group="one", retries=1)
    second = desk.submit(group="one")
    desk.begin(first)
    desk.do("suspended", first, 1, desk.now)
    assert desk.state(first) == "suspended"
    assert desk.state(second) == "waiting"
    desk.end(first, BADLY)
    assert desk.state(first) == "resting"
    assert desk.state(second) == "starting"
    desk.wait(5)
    assert desk.words(first) == "queued behind 1 slot of group one (next in line)"


def test_a_paused_group_begins_nothing(desk: Desk) -> None:
    desk.group("night", paused=True)
    job = desk.submit(group="night")
    assert desk.words(job) == "group night is paused"
    desk.group("night", paused=False)
    assert desk.state(job) == "starting"


def test_a_group_is_made_by_whoever_names_it_and_goes_when_nobody_needs_it(desk: Desk) -> None:
    job = desk.submit(group="new")
    assert desk.plan.groups["new"].slots == 0
    with pytest.raises(JobsError, match="is needed: 1 job of it has not ended"):
        desk.do("drop_group", "new")
    desk.end(job)
    desk.do("drop_group", "new")
    assert "new" not in desk.plan.groups
    desk.do("restart", job)
    assert "new" in desk.plan.groups


def test_not_before(desk: Desk) -> None:
    job = desk.submit(at=1e9 + 60)
    assert desk.state(job) == "waiting"
    assert desk.plan.wakes_at() == 1e9 + 60
    desk.reload()
    desk.do("tick")
    assert desk.plan.wakes_at() == 1e9 + 60
    desk.wait(59)
    assert desk.state(job) == "waiting"
    desk.wait(1)
    assert desk.state(job) == "starting"
    assert desk.plan.wakes_at() is None


def test_the_time_of_a_job_that_is_gone_wakes_nobody(desk: Desk) -> None:
    job = desk.submit(at=1e9 + 60)
    desk.kill(job)
    assert desk.plan.wakes_at() is None


def test_a_job_may_wait_for_a_time_and_for_others(desk: Desk) -> None:
    first = desk.submit()
    job = desk.submit(at=1e9 + 60, after=(first,))
    desk.wait(70)
    assert desk.words(job) == "waiting for job 1"
    desk.end(first)
    assert desk.state(job) == "starting"


def test_a_prerequisite_that_is_run_again_is_waited_for_again(desk: Desk) -> None:
    desk.group("one", slots=1)
    busy = desk.submit(group="one")
    first = desk.submit()
    job = desk.submit(group="one", after=(first,))
    desk.end(first)
    desk.do("restart", first)
    assert desk.words(job) == "waiting for job 2"
    desk.end(busy)
    assert desk.state(job) == "waiting"
    desk.end(first, Outcome(KILLED, "was killed by SIGKILL (9)", signal=9))
    assert desk.words(job) == "not started: job 2 was killed by SIGKILL (9)"


def test_what_has_begun_before_does_not_wait_again(desk: Desk) -> None:
    first = desk.submit()
    job = desk.submit(after=(first,), retries=1, backoff=5)
    desk.end(first)
    desk.end(job, BADLY)
    desk.do("restart", first)
    desk.wait(5)
    assert desk.state(job) == "starting"
    assert desk.state(first) == "starting"


def test_a_clock_that_is_set_back_makes_a_job_in_line_wait_for_its_time_again(desk: Desk) -> None:
    desk.group("night", paused=True)
    job = desk.submit(group="night", at=1e9 + 60)
    desk.wait(60)
    assert desk.words(job) == "group night is paused"
    desk.wait(-30)
    desk.group("night", paused=False)
    assert desk.state(job) == "waiting"
    desk.wait(30)
    assert desk.state(job) == "starting"


def test_an_event_looks_only_at_whom_it_concerns(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.group("default", slots=2)
    first, _ = desk.submit(), desk.submit()
    followers = [desk.submit(after=(first,), group="else") for _ in range(10)]
    for _ in range(300):
        desk.submit()
    core, looked = desk.plan._core, []
    look_at = core._look_at

    def counted(job: Job, now: float) -> None:
        looked.append(job.id)
        look_at(job, now)

    monkeypatch.setattr(core, "_look_at", counted)
    step = desk.end(first)
    assert sorted(looked) == followers
    assert len(step.changes) == 24  # jobs and runs: one ends, ten follow, one takes its slot
    looked.clear()
    desk.submit()
    assert len(looked) == 1
