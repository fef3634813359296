"""The heart of the plan: how a job gets from one state into another, and what follows for the others.

Every change of a job passes ``put``, which keeps the index right, and every event ends with ``settle``, which looks
again at all whom it may concern: whose prerequisites have ended, whose time has come, for whom there is a slot.
"""

from __future__ import annotations

from procession.jobs.actions import DropLogs, Forget, Notify, Order, Tell
from procession.jobs.job import OCCUPYING, Ended, Group, Job, Resting, Run, Starting, Waiting
from procession.jobs.outcome import UNSTARTED, Outcome
from procession.jobs.plan_fate import after_run, hindrance, longest_rest, waits_for
from procession.jobs.plan_line import Line
from procession.jobs.step import Draft
from procession.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from procession.jobs.spec import Spec
    from procession.jobs.step import Step


class Core:
    """The jobs, and the step that is being made."""

    def __init__(
        self,
        jobs: Iterable[Job],
        groups: Iterable[Group],
        runs: Iterable[Run],
        draw: Callable[[], float],
        mark: Callable[[], str],
    ) -> None:
        self.jobs = {job.id: job for job in sorted(jobs, key=lambda job: job.id)}
        self.groups = {group.name: group for group in groups}
        self.under_way = self._found_under_way(runs, mark)
        self.line = Line(self.jobs.values())
        self._draw = draw
        self._mark = mark
        self._now = 0.0  # of the last event
        self._changed: set[int] = set()
        self._draft = Draft()
        self._open = {job.id for job in self.jobs.values() if isinstance(job.state, Waiting | Resting)}
        self._groups_open = set(self.groups)
        self._vanishing: set[int] = set()

    def _found_under_way(self, runs: Iterable[Run], mark: Callable[[], str]) -> dict[int, Run]:
        known = {(run.job, run.run): run for run in runs if run.outcome is None}
        found = {}
        for job in self.jobs.values():
            state = job.state
            if isinstance(state, OCCUPYING):
                # Without its row nothing is known of the tree; a new mark fits nobody.
                found[job.id] = known.get((job.id, state.run)) or Run(job.id, state.run, mark(), state.since)
        return found

    @property
    def draft(self) -> Draft:
        """Of the event at hand."""
        return self._draft

    def put(self, job: Job) -> None:
        """The job is this from now on."""
        old = self.jobs.get(job.id)
        self.jobs[job.id] = job
        self.line.replace(old, job)
        self._changed.add(job.id)
        self._draft.put_job(job)
        if isinstance(job.state, Waiting | Resting):
            self._open.add(job.id)
        if old is not None:
            self._groups_open.add(old.spec.group)
            if isinstance(old.state, Ended) != isinstance(job.state, Ended):
                self._open.update(self.line.followers(job.id))

    def put_group(self, group: Group) -> None:
        """The group is this from now on."""
        self.groups[group.name] = group
        self._draft.put_group(group)
        self._groups_open.add(group.name)
        self.line.moved.add(group.name)

    def drop_group(self, name: str) -> None:
        """Who names it later makes it anew."""
        del self.groups[name]
        self._draft.drop_group(name)

    def tell(self, job: Job, message: dict[str, object]) -> None:
        """To the keeper of the run that is under way."""
        self._draft.actions.append(Tell(job.id, self.under_way[job.id].run, message))

    def order(self, job: Job, now: float) -> None:
        """The next run of the job."""
        run = Run(job.id, job.runs + 1, self._mark(), now)
        self.under_way[job.id] = run
        self._draft.put_run(run)
        self.put(replace(job, state=Starting(run.run, now), runs=run.run))
        self._draft.actions.append(Order(job.id, run.run, run.mark))

    def close_run(self, job: Job, outcome: Outcome) -> None:
        """Its run is over; the folder may go."""
        run = self.under_way.pop(job.id)
        self._draft.put_run(replace(run, outcome=outcome))
        self._draft.actions.append(Forget(job.id, run.run))

    def end_run(self, job: Job, outcome: Outcome, now: float) -> None:
        """Its run is over: what follows from that."""
        self.close_run(job, outcome)
        after = after_run(job, outcome, now, self._draw)
        if isinstance(after.state, Ended):
            self.end(job, after.state.outcome)
        else:
            self.put(after)

    def end(self, job: Job, outcome: Outcome) -> None:
        """It has ended for good."""
        self.put(replace(job, state=Ended(outcome)))
        self._draft.ended.append((job.id, outcome))
        if job.spec.notify:
            self._draft.actions.append(Notify(job.id, job.spec, job.environment, outcome))
        if job.spec.remove and outcome.is_well:
            self._vanishing.add(job.id)

    def drop(self, job: Job) -> None:
        """Take an ended job out of the list.  Those that have waited for it have got what they waited for."""
        for follower in self.line.followers(job.id):
            other = self.jobs[follower]
            self.put(replace(other, spec=_without(other.spec, job.id)))
        del self.jobs[job.id]
        self.line.replace(job, None)
        self._open.discard(job.id)
        self._changed.discard(job.id)
        self._draft.drop_job(job.id)
        self._draft.actions.append(DropLogs(job.id))

    def settle(self, now: float, job: int | None = None) -> Step:
        """Look at all whom it may concern, and hand out the step."""
        if now < self._now:
            self._set_back(now)
        self._now = now
        self._open.update(n for n in self.line.due(now) if n in self.jobs)
        while self._open or self._groups_open or self._vanishing:
            self._settle_once(now)
        draft, self._draft = self._draft, Draft()
        return draft.step(job)

    def _settle_once(self, now: float) -> None:
        while self._open:
            for number in sorted(self._open):
                self._open.discard(number)
                self._look_at(self.jobs[number], now)
        for group in sorted(self._groups_open):
            self._groups_open.discard(group)
            self._fill(group, now)
        for number in sorted(self._vanishing):
            self.drop(self.jobs[number])
        self._vanishing.clear()

    def _look_at(self, job: Job, now: float) -> None:
        self.line.leave(job.id)
        self._changed.add(job.id)
        state = job.state
        if isinstance(state, Resting):
            if state.until > now:
                self.line.wake(state.until, job.id)
                return
            job = replace(job, state=Waiting())
            self.put(job)
            self._open.discard(job.id)
        if not isinstance(job.state, Waiting):
            return
        why = hindrance(self.jobs, job)
        if why:
            self.end(job, Outcome(UNSTARTED, f"was not started: {why}", ended=now))
        elif waits_for(self.jobs, job):
            pass  # the end of the last of them brings us here again
        elif job.spec.at is not None and job.spec.at > now:
            self.line.wake(job.spec.at, job.id)
        else:
            self.line.enter(job)
            self._groups_open.add(job.spec.group)

    def _fill(self, group: str, now: float) -> None:
        """Begin whoever has a slot."""
        while self.has_slot(group):
            number = self.line.first(group)
            if number is None:
                return
            self.order(self.jobs[number], now)
            self._groups_open.discard(group)

    def has_slot(self, group: str) -> bool:
        """May one more begin in this group?"""
        found = self.groups.get(group)
        if found is None:
            return True
        return not found.paused and (not found.slots or self.line.used(group) < found.slots)

    def _set_back(self, now: float) -> None:
        """The clock went backwards: nobody rests longer for that, and who was not to begin before a time waits for it."""
        for job in list(self.jobs.values()):
            state = job.state
            if isinstance(state, Resting) and state.until - now > longest_rest(job):
                self.put(replace(job, state=replace(state, until=now + longest_rest(job))))
            elif isinstance(state, Waiting) and job.spec.at is not None:
                self._open.add(job.id)

    def take_changed(self) -> set[int]:
        """Whose words may be other ones than at the last call: the job, what it waits for or its place in the line."""
        changed, self._changed = self._changed, set()
        return changed | self.line.take_moved()

    def next_time(self) -> float | None:
        """When the earliest waits for the clock to be looked at again; 0: jobs from the book have not been, yet."""
        if self._open:
            return 0.0
        while (found := self.line.next_time()) is not None:
            at, number = found
            job = self.jobs.get(number)
            if job is not None and self._waits_until(job) == at:
                return at
            self.line.drop_next_time()
        return None

    def _waits_until(self, job: Job) -> float | None:
        if isinstance(job.state, Resting):
            return job.state.until
        return job.spec.at if isinstance(job.state, Waiting) else None


def _without(spec: Spec, number: int) -> Spec:
    """It names this job no more."""
    names = ("after", "after_any", "after_failed")
    return replace(spec, **{name: tuple(n for n in getattr(spec, name) if n != number) for name in names})
