"""What comes of one event: first all changes in one transaction, then the actions in their order."""

from __future__ import annotations

from procession.jobs.actions import Action
from procession.jobs.changes import Change, DropGroup, DropJob, PutGroup, PutJob, PutRun
from procession.jobs.job import Group, Job, Run
from procession.jobs.outcome import Outcome
from procession.records import record


@record
class Step:
    """``job``: the number of a job that was submitted.  ``ended``: who has ended for good in this step, and how; that
    is all that is left of one that removes itself."""

    changes: tuple[Change, ...] = ()
    actions: tuple[Action, ...] = ()
    job: int | None = None
    ended: tuple[tuple[int, Outcome], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Is there nothing to store and nothing to do?"""
        return not self.changes and not self.actions


class Draft:
    """Collects a step.  Of each row only its last state counts; a run comes before the job that has it."""

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self.ended: list[tuple[int, Outcome]] = []
        self._groups: dict[str, Change] = {}
        self._runs: dict[tuple[int, int], Change] = {}
        self._jobs: dict[int, Change] = {}

    def put_job(self, job: Job) -> None:
        self._jobs[job.id] = PutJob(job)

    def drop_job(self, job: int) -> None:
        self._jobs[job] = DropJob(job)
        for key in [key for key in self._runs if key[0] == job]:
            del self._runs[key]

    def put_run(self, run: Run) -> None:
        self._runs[run.job, run.run] = PutRun(run)

    def put_group(self, group: Group) -> None:
        self._groups[group.name] = PutGroup(group)

    def drop_group(self, name: str) -> None:
        self._groups[name] = DropGroup(name)

    def step(self, job: int | None = None) -> Step:
        changes = (*self._groups.values(), *self._runs.values(), *self._jobs.values())
        return Step(changes, tuple(self.actions), job, tuple(self.ended))
