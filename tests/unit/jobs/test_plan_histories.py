"""Any history of events, told late, twice or to a daemon that has just read the book, keeps the promises.

The machine plays the keepers: it knows of each order whether a keeper began it, and what it would tell.  Nothing that
it tells is wrong, but any of it may come at any time, or again.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from procession.errors import JobsError
from procession.jobs.actions import Order
from procession.jobs.job import OCCUPYING, Ended, Resting, Starting, Waiting
from procession.jobs.outcome import UNSTARTED, Outcome
from procession.jobs.step import Step
from procession.jobs.table import Options, _Table
from procession.jobs.words import state_words
from tests.harness.plans import BADLY, WELL, Desk

GROUPS = ("default", "one", "two")
SPECS = st.fixed_dictionaries(
    {},
    optional={
        "group": st.sampled_from(GROUPS),
        "priority": st.integers(-2, 2),
        "remove": st.booleans(),
        "ready": st.sampled_from(("", "port:80")),
        "delay": st.sampled_from((0, 3, 50)),
        "retries": st.integers(0, 3),
        "restart": st.sampled_from(("on-failure", "always")),
        "restart_limit": st.integers(1, 3),
        "restart_delay": st.sampled_from((0.0, 1.0, 8.0)),
        "backoff": st.sampled_from((0.0, 2.0)),
    },
)
PICK = st.integers(0, 1 << 20)


class Histories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.alive: set[tuple[int, int]] = set()  # runs that a keeper has begun and not ended
        self.outcomes: dict[tuple[int, int], Outcome] = {}  # what keepers have left
        self.void: set[tuple[int, int]] = set()
        self.table = _Table(self.desk.plan)

    # What people do.

    @rule(
        fields=SPECS,
        picks=st.lists(PICK, max_size=3),
        kind=st.sampled_from(("after", "after_any", "after_failed")),
    )
    def submit(self, fields: dict[str, Any], picks: list[int], kind: str) -> None:
        fields = dict(fields)
        if "delay" in fields:
            fields["at"] = self.desk.now + fields.pop("delay")
        if fields.get("retries"):
            fields.pop("restart", None)
        others = sorted(self.desk.jobs)
        if others:
            fields[kind] = tuple({others[pick % len(others)] for pick in picks})
        self.desk.submit(**fields)

    @rule(pick=PICK, grace=st.sampled_from((None, 0.0)))
    def kill(self, pick: int, grace: float | None) -> None:
        self._ask(lambda job: self.desk.kill(job, grace), pick, lambda state: not isinstance(state, Ended))

    @rule(pick=PICK)
    def restart(self, pick: int) -> None:
        self._ask(lambda job: self.desk.do("restart", job), pick, None)

    @rule(pick=PICK, event=st.sampled_from(("stop", "cont")))
    def suspend(self, pick: int, event: str) -> None:
        self._ask(lambda job: self.desk.do(event, job), pick, None)

    @rule(pick=PICK)
    def remove(self, pick: int) -> None:
        self._ask(lambda job: self.desk.do("remove", [job]), pick, lambda state: isinstance(state, Ended))

    @rule(pick=PICK, other=PICK, change=st.sampled_from(("group", "priority", "after", "remove")))
    def edit(self, pick: int, other: int, change: str) -> None:
        jobs = sorted(self.desk.jobs)
        value: dict[str, Any] = {
            "group": GROUPS[other % 3],
            "priority": other % 5,
            "after": [jobs[other % len(jobs)]] if jobs else [],
            "remove": bool(other % 2),
        }
        self._ask(lambda job: self.desk.edit(job, **{change: value[change]}), pick, None)

    @rule(name=st.sampled_from(GROUPS), slots=st.integers(0, 2), paused=st.booleans())
    def group(self, name: str, slots: int, paused: bool) -> None:
        self.desk.group(name, slots, paused)

    def _ask(self, act: Any, pick: int, must_work: Any) -> None:
        jobs = sorted(self.desk.jobs)
        if not jobs:
            return
        job = jobs[pick % len(jobs)]
        must = must_work is not None and must_work(self.desk.jobs[job].state)
        before = dict(self.desk.plan.jobs)
        try:
            act(job)
        except JobsError:
            assert not must, f"{self.desk.jobs[job]} was refused"
            assert dict(self.desk.plan.jobs) == before, "a refusal changed something"
            assert self.desk.do("tick").is_empty, "a refusal left something behind"

    # What keepers do, and tell; any of it again and again.

    @precondition(lambda self: self.desk.ordered)
    @rule(pick=PICK)
    def begin(self, pick: int) -> None:
        key = self._pick(pick)
        if key not in self.void and key not in self.outcomes:
            self.alive.add(key)
            self._tell("began", key, 100 + key[0], 7, self.desk.now, "")

    @precondition(lambda self: self.alive)
    @rule(pick=PICK, event=st.sampled_from(("ready", "suspended", "continued")))
    def report(self, pick: int, event: str) -> None:
        self._tell(event, self._one_of(self.alive, pick), self.desk.now)

    @precondition(lambda self: self.alive)
    @rule(pick=PICK, outcome=st.sampled_from((WELL, BADLY)), is_told=st.booleans())
    def end(self, pick: int, outcome: Outcome, is_told: bool) -> None:
        key = self._one_of(self.alive, pick)
        self.alive.discard(key)
        self.outcomes[key] = outcome
        if is_told:
            self._tell("ended", key, outcome)

    @precondition(lambda self: self.alive)
    @rule(pick=PICK)
    def keeper_killed(self, pick: int) -> None:
        key = self._one_of(self.alive, pick)
        self.alive.discard(key)
        self.void.add(key)
        self._tell("lost", key, "its keeper was killed")
        self._tell("swept", key, "its keeper was killed")

    @precondition(lambda self: self.outcomes)
    @rule(pick=PICK)
    def told_again(self, pick: int) -> None:
        key = self._one_of(self.outcomes, pick)
        was_current = self._is_current(key)
        step = self._tell("ended", key, self.outcomes[key])
        assert was_current or not step.changes, "an end that had been told changed something"

    @precondition(lambda self: self.desk.ordered)
    @rule(pick=PICK)
    def late(self, pick: int) -> None:
        """A run that is over tells that it begins, becomes ready, is void."""
        key = self._pick(pick)
        if self._is_current(key):
            return
        for event, *args in (
            ("began", 5, 5, self.desk.now, ""), ("ready", self.desk.now), ("suspended", self.desk.now),
            ("continued", self.desk.now), ("lost", "why"), ("swept", "why"), ("void",),
        ):  # fmt: skip
            assert not self.desk.do(event, *key, *args).changes, event

    # The daemon.

    @rule(seconds=st.sampled_from((0.0, 1.0, 2.5, 60.0, -30.0, -100_000.0)))
    def wait(self, seconds: float) -> None:
        self.desk.now += seconds
        self._watch(self.desk.do("tick"))
        wakes = self.desk.plan.wakes_at()
        assert wakes is None or wakes > self.desk.now

    @rule()
    def crash(self) -> None:
        """And the next one looks after each run that is under way, as docs/decisions/0013-jobs.md has it."""
        self.desk.reload()
        for run in list(self.desk.plan.under_way.values()):
            key = run.job, run.run
            if key in self.outcomes:
                self._tell("ended", key, self.outcomes[key])
            elif key in self.alive:
                self._tell("began", key, 100 + key[0], 7, self.desk.now, "")
            elif key in self.void:
                self._tell("lost", key, "its keeper was killed")
                self._tell("swept", key, "its keeper was killed")
            else:
                self.void.add(key)
                self._tell("void", key)
        self._watch(self.desk.do("tick"))

    @rule()
    def reboot(self) -> None:
        self.desk.reload()
        for key in list(self.alive):
            self.void.add(key)
        self.alive.clear()
        for key, outcome in self.outcomes.items():
            if self._is_current(key):
                self._tell("ended", key, outcome)
        self._watch(self.desk.do("rebooted"))
        self.crash()

    def _tell(self, event: str, key: tuple[int, int], *args: Any) -> Step:
        return self._watch(self.desk.do(event, *key, *args))

    def _watch(self, step: Step) -> Step:
        ended = [job for job, _ in step.ended]
        assert len(ended) == len(set(ended)), "a job ended twice in a step"
        return step

    def _is_current(self, key: tuple[int, int]) -> bool:
        run = self.desk.plan.under_way.get(key[0])
        return run is not None and run.run == key[1]

    def _pick(self, pick: int) -> tuple[int, int]:
        return self.desk.ordered[-1 - pick % len(self.desk.ordered)]

    def _one_of(self, keys: Any, pick: int) -> tuple[int, int]:
        found = sorted(keys)
        chosen: tuple[int, int] = found[pick % len(found)]
        return chosen

    # What must always hold.

    @invariant()
    def words_that_are_kept_are_not_old(self) -> None:
        plan, now = self.desk.plan, self.desk.now
        if self.table.plan is not plan:
            self.table = _Table(plan)
        self.table.text(now, Options(), 0, colour=False)
        for number, words in self.table._words.items():
            assert number not in plan.jobs or words == state_words(plan, plan.jobs[number], now)

    @invariant()
    def slots_are_kept(self) -> None:
        plan = self.desk.plan
        for name in GROUPS:
            used = sum(j.spec.group == name and isinstance(j.state, OCCUPYING) for j in plan.jobs.values())
            assert plan.used(name) == used

    @invariant()
    def whoever_runs_is_under_way(self) -> None:
        plan = self.desk.plan
        assert {job.id for job in plan.jobs.values() if isinstance(job.state, OCCUPYING)} == set(
            plan.under_way
        )
        assert {(r.job, r.run) for r in self.desk.runs.values() if r.outcome is None} == {
            (r.job, r.run) for r in plan.under_way.values()
        }

    @invariant()
    def nobody_is_forgotten(self) -> None:
        """Whoever waits has a reason, and something that will end it."""
        plan = self.desk.plan
        wakes = plan.wakes_at()
        for job in plan.jobs.values():
            if isinstance(job.state, Resting):
                assert wakes is not None
                assert wakes <= job.state.until
            if not isinstance(job.state, Waiting) or plan.waits_for(job):
                continue
            if job.spec.at is not None and job.spec.at > self.desk.now:
                assert wakes is not None
                assert wakes <= job.spec.at
                continue
            group = plan.group_of(job)
            assert group.paused or (group.slots and plan.used(group.name) >= group.slots), job
            assert plan.position(job) is not None

    @invariant()
    def the_next_daemon_would_do_the_same(self) -> None:
        """A plan made of the book waits for the same, wakes early enough, and finds nothing that was left undone."""
        desk = self.desk
        before, wakes = desk.plan, desk.plan.wakes_at()
        desk.reload()
        step = desk.plan.tick(desk.now)
        assert step.is_empty, step
        later = desk.plan.wakes_at()
        assert later is None or (wakes is not None and wakes <= later)  # too early does no harm
        for job in desk.plan.jobs.values():
            assert before.position(job) == desk.plan.position(job)
            assert before.waits_for(job) == desk.plan.waits_for(job)
        desk.plan = before


class Watched(Histories):
    """Beside that: who begins may begin.  It looks at the jobs as they were before each step."""

    def _watch(self, step: Step) -> Step:
        for action in step.actions:
            if isinstance(action, Order):
                self._may_begin(action.job)
        return super()._watch(step)

    def _may_begin(self, number: int) -> None:
        job = self.desk.plan.jobs.get(number)
        if job is None or not isinstance(job.state, Starting) or job.runs > 1:
            return  # it was void at once, or has waited once
        for field, wanted in (("after", True), ("after_any", None), ("after_failed", False)):
            for other in getattr(job.spec, field):
                state = self.desk.plan.jobs[other].state
                assert isinstance(state, Ended), f"{job} began before the end of job {other}"
                assert wanted in (None, state.outcome.is_well)


def play(examples: int, steps: int) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    run_state_machine_as_test(
        Watched,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=checks
        ),
    )


def test_histories() -> None:
    play(40, 40)


@pytest.mark.slow
@pytest.mark.hang_limit(600)
def test_many_histories() -> None:
    play(500, 100)


def test_unstarted_is_a_kind_of_its_own() -> None:
    assert not Outcome(UNSTARTED, "").is_well
