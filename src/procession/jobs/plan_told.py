"""What keepers tell of their runs, and what is found of those that tell nothing any more.

What does not fit (a run that is over, an event told twice, a beginning told late) changes nothing: ``_current`` turns
it away.
"""

from __future__ import annotations

from procession.jobs.actions import Forget, Sweep
from procession.jobs.job import OCCUPYING, Ending, Job, Resting, Running, Starting, Suspended
from procession.jobs.outcome import LOST, STOPPED, UNSTARTED, Outcome
from procession.jobs.plan_known import Known
from procession.jobs.step import Step
from procession.records import replace


class Told(Known):
    """Each takes ``now``, too, since others may begin by it."""

    def began(  # noqa: PLR0917 as a keeper tells it
        self, job: int, run: int, pid: int, start: int, at: float, level: str, now: float
    ) -> Step:
        """Its command runs.  A keeper that was asked to end before is asked again: nobody knows whether it heard."""
        found = self._current(job, run)
        state = found.state if found else None
        if found and isinstance(state, Starting):
            ready = None if found.spec.ready else at
            self._core.put(replace(found, state=Running(run, at, pid, start, ready, level)))
        elif found and isinstance(state, Ending):
            if not state.pid:
                state = replace(state, since=at, pid=pid, start=start, at=now)
                found = replace(found, state=state)
                self._core.put(found)
            self._core.tell(found, end_message(state, now))
        return self._core.settle(now)

    def ready(self, job: int, run: int, at: float, now: float) -> Step:
        """What it was to be ready for has come."""
        found = self._current(job, run)
        if found and isinstance(found.state, Running | Suspended) and found.state.ready is None:
            self._core.put(replace(found, state=replace(found.state, ready=at)))
        return self._core.settle(now)

    def suspended(self, job: int, run: int, at: float, now: float, why: str = "") -> Step:
        """It has been stopped; ``why``: a phrase, "by SIGTSTP"."""
        found = self._current(job, run)
        if found and isinstance(found.state, Running):
            old = found.state
            state = Suspended(run, old.since, old.pid, old.start, old.ready, at, old.level, why)
            self._core.put(replace(found, state=state))
        return self._core.settle(now)

    def continued(self, job: int, run: int, at: float, now: float) -> Step:  # noqa: ARG002 as the others
        """It runs on."""
        found = self._current(job, run)
        if found and isinstance(found.state, Suspended):
            old = found.state
            state = Running(run, old.since, old.pid, old.start, old.ready, old.level)
            self._core.put(replace(found, state=state))
        return self._core.settle(now)

    def ended(self, job: int, run: int, outcome: Outcome, now: float) -> Step:
        """Its outcome is on disk.  Told again, only the folder is removed again."""
        found = self._current(job, run)
        if found:
            self._sweeping.pop(job, None)
            self._core.end_run(found, outcome, now)
        elif job not in self.jobs or run <= self.jobs[job].runs:
            self._core.draft.actions.append(Forget(job, run))
        return self._core.settle(now)

    def void(self, job: int, run: int, now: float) -> Step:
        """The order of this run can never be carried out: the job is ordered anew under the next number."""
        found = self._current(job, run)
        state = found.state if found else None
        if found and isinstance(state, Starting):
            self._core.close_run(found, _void(now))
            self._core.order(found, now)
        elif found and isinstance(state, Ending) and not state.pid:
            outcome = taken_back(found, state.why, now)
            self._core.end_run(found, outcome, now)
        return self._core.settle(now)

    def lost(self, job: int, run: int, why: str, now: float) -> Step:
        """Its keeper is gone and has left no outcome; ``why`` is a clause.  Its tree is to be swept."""
        found = self._current(job, run)
        if found and job not in self._sweeping:
            self._sweeping[job] = why
            self._core.draft.actions.append(Sweep(job, run, self.under_way[job].mark))
        return self._core.settle(now)

    def swept(self, job: int, run: int, why: str, now: float) -> Step:
        """And now nothing is left of it.  ``why`` counts where ``lost`` was told to another plan."""
        found = self._current(job, run)
        if found:
            why = self._sweeping.pop(job, why)
            self._core.end_run(found, _lost(found, why, now), now)
        return self._core.settle(now)

    def rebooted(self, now: float) -> Step:
        """The machine went down: what ran is lost.  What had only been ordered may still be void: ask its claim."""
        for job in list(self.jobs.values()):
            state = job.state
            if isinstance(state, Running | Suspended) or (isinstance(state, Ending) and state.pid):
                self._core.end_run(job, _lost(job, "the machine went down", None), now)
        return self._core.settle(now)

    def tick(self, now: float) -> Step:
        """Time has passed."""
        return self._core.settle(now)


def end_message(state: Ending, now: float) -> dict[str, object]:
    """What its keeper is told.  The grace is what is left of it: no number of daemons makes it longer."""
    left = min(state.grace, max(0.0, state.at + state.grace - now))
    return {"do": "end", "grace": left, "kind": STOPPED, "why": state.why}


def _void(now: float) -> Outcome:
    return Outcome(UNSTARTED, "was not begun: its order was lost with the daemon", ended=now)


def _lost(job: Job, why: str, now: float | None) -> Outcome:
    state = job.state
    began, pid = None, None
    if not isinstance(state, Starting) and isinstance(state, OCCUPYING) and state.pid:
        began, pid = state.since, state.pid
    return Outcome(LOST, f"was lost: {why}", pid=pid, began=began, ended=now)


def taken_back(job: Job, why: str, now: float) -> Outcome:
    """Of a job that was ended while nothing of it ran; ``why``: by whom, as a phrase."""
    if isinstance(job.state, Resting):
        return Outcome(STOPPED, f"{why} before its restart: it {job.state.why}", ended=now)
    return Outcome(UNSTARTED, f"{why} before it began", ended=now)
