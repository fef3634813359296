"""A plan of jobs with a book beside it that holds nothing but what the steps have stored."""

from __future__ import annotations

import itertools
from typing import Any

from procession.jobs.actions import Forget, Order, Sweep, Tell
from procession.jobs.changes import DropGroup, DropJob, PutGroup, PutJob, PutRun
from procession.jobs.job import OCCUPYING, Group, Job, Run, Starting
from procession.jobs.outcome import DONE, FAILED, Outcome
from procession.jobs.plan import Plan
from procession.jobs.spec import Spec
from procession.jobs.step import Step
from procession.jobs.words import state_words

WELL = Outcome(DONE, "ended normally", code=0)
BADLY = Outcome(FAILED, "exited with code 3", code=3)


class Desk:
    """Events go in at ``now``; each step is stored before anybody sees it, and looked at for what must never be."""

    def __init__(self, draw: float = 0.0) -> None:
        self.now = 1e9
        self.jobs: dict[int, Job] = {}
        self.groups: dict[str, Group] = {}
        self.runs: dict[tuple[int, int], Run] = {}
        self.ordered: list[tuple[int, int]] = []
        self._draw = draw
        self._marks = map("mark{}".format, itertools.count())
        self._first = 1
        self.plan = self._made()

    def _made(self) -> Plan:
        under_way = [run for run in self.runs.values() if run.outcome is None]
        return Plan(
            list(self.jobs.values()), self.groups.values(), under_way,
            first=self._first, draw=lambda: self._draw, mark=lambda: next(self._marks),
        )  # fmt: skip

    def reload(self) -> None:
        """The daemon is killed, and the next one reads the book."""
        self.plan = self._made()

    def do(self, event: str, *args: Any, **options: Any) -> Step:
        """One event."""
        if event not in ("submit", "group", "kill", "edit"):
            args = (*args, self.now)
        step: Step = getattr(self.plan, event)(*args, **options)
        self.store(step)
        return step

    def submit(self, *command: str, **fields: Any) -> int:
        """A new job; its number."""
        step = self.do("submit", Spec(command or ("true",), **fields), "hash", self.now)
        assert step.job is not None
        self._first = step.job + 1
        return step.job

    def kill(self, job: int, grace: float | None = None) -> Step:
        return self.do("kill", job, grace, self.now)

    def edit(self, job: int, **changes: Any) -> Step:
        return self.do("edit", job, changes, self.now)

    def group(self, name: str, slots: int | None = None, paused: bool | None = None) -> Step:
        return self.do("group", name, slots, paused, self.now)

    def begin(self, job: int) -> Step:
        """The keeper of its run says that it runs."""
        return self.do("began", job, self.plan.under_way[job].run, 100 + job, 7, self.now, "")

    def end(self, job: int, outcome: Outcome = WELL) -> Step:
        """Its run ends."""
        return self.do("ended", job, self.plan.under_way[job].run, outcome)

    def wait(self, seconds: float) -> Step:
        """Time passes."""
        self.now += seconds
        return self.do("tick")

    def state(self, job: int) -> str:
        return type(self.plan.jobs[job].state).__name__.lower()

    def words(self, job: int) -> str:
        return state_words(self.plan, self.plan.jobs[job], self.now)

    def started(self) -> list[int]:
        """The jobs whose runs have been ordered, in that order."""
        return [job for job, _ in self.ordered]

    def store(self, step: Step) -> None:
        """As the book does it, and then the actions."""
        for change in step.changes:
            match change:
                case PutJob(job):
                    self.jobs[job.id] = job
                case DropJob(number):
                    del self.jobs[number]
                    self.runs = {key: run for key, run in self.runs.items() if key[0] != number}
                case PutRun(run):
                    self.runs[run.job, run.run] = run
                case PutGroup(group):
                    self.groups[group.name] = group
                case DropGroup(name):
                    del self.groups[name]
        assert self.jobs == dict(self.plan.jobs), "the book has other jobs than the plan"
        assert self.groups == dict(self.plan.groups), "the book has other groups than the plan"
        for action in step.actions:
            self._act(action)

    def _act(self, action: object) -> None:
        match action:
            case Order(number, run, mark):
                assert (number, run) not in self.ordered, "a run was ordered twice"
                self.ordered.append((number, run))
                state = self.jobs[number].state
                assert isinstance(state, Starting), "a run was ordered that is not in the book as starting"
                assert state.run == run == self.jobs[number].runs
                assert self.runs[number, run].mark == mark
                assert self.runs[number, run].outcome is None
            case Forget(number, run):
                assert number not in self.jobs or self.runs[number, run].outcome is not None
            case Tell(number, run, _) | Sweep(number, run, _):
                state = self.jobs[number].state
                assert isinstance(state, OCCUPYING)
                assert state.run == run
