"""What happens to jobs, decided: an event and a time come in, what to store and what to do comes out.

No clock, no file, no process.  ``docs/reference/job-states.md`` has the table of states and events.  What does not fit
(a run that is over, an event told twice, a beginning told late) changes nothing (``plan_told.py``).  What a person asks
and cannot have is refused by a JobsError of one line, before anything has been changed.

A step that could not be stored has happened here and not in the book: throw the plan away and make another from it.
"""

from __future__ import annotations

from procession.errors import JobsError, NoSuchJob
from procession.jobs.job import (
    OCCUPYING,
    Ended,
    Ending,
    Group,
    Job,
    Resting,
    Running,
    Starting,
    Suspended,
    Waiting,
)
from procession.jobs.plan_checks import check_circle, check_name, check_prerequisites, check_spec
from procession.jobs.plan_edit import edited
from procession.jobs.plan_fate import hindrance
from procession.jobs.plan_known import DEFAULT
from procession.jobs.plan_told import Told, end_message, taken_back
from procession.jobs.step import Step
from procession.records import replace
from procession.units import number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from procession.jobs.spec import Spec


class Plan(Told):
    """What a person asks for, beside what is told of the runs; see ``Known`` for how it is made."""

    def submit(self, spec: Spec, environment: str, now: float) -> Step:
        """A new job; its number is in ``step.job``.  ``environment``: its hash."""
        check_spec(spec)
        check_prerequisites(self.jobs, spec)
        job = self._next
        self._next += 1
        self._has_group(spec.group)
        self._core.put(Job(job, spec, environment, Waiting(), now, self._touch()))
        return self._core.settle(now, job)

    def kill(self, job: int, grace: float | None, now: float, why: str = "was ended by pn kill") -> Step:
        """End it, with SIGTERM and after ``grace`` seconds (None: its own) SIGKILL; it is not started again.  ``why``
        is a phrase for its outcome."""
        found = self._known(job)
        state = found.state
        if isinstance(state, Ended):
            raise JobsError(f"job {job} has ended already: it {state.outcome.reason}")
        grace = found.spec.grace if grace is None else grace
        if isinstance(state, Waiting | Resting):
            self._core.end(found, taken_back(found, why, now))
        else:
            self._ask_to_end(found, why, grace, now, again=False)
        return self._core.settle(now)

    def restart(self, job: int, now: float, why: str = "was ended by pn restart") -> Step:
        """Run it again: at once if it has ended or rests, otherwise after it has been ended."""
        found = self._known(job)
        state = found.state
        if found.spec.adopt is not None:
            raise JobsError(f"job {job} was adopted: only who started it can start it again")
        if isinstance(state, Waiting):
            raise JobsError(f"job {job} waits for its begin already")
        if isinstance(state, OCCUPYING):
            found = replace(found, touched=self._touch())
            self._ask_to_end(found, why, found.spec.grace, now, again=True)
            return self._core.settle(now)
        fresh = replace(found, state=Waiting(), failures=0, restarts=())
        hopeless = hindrance(self.jobs, fresh)
        if hopeless:
            raise JobsError(
                f"job {job} cannot be run: {hopeless}; restart that one, or change it with pn edit"
            )
        self._has_group(found.spec.group)
        self._core.put(replace(fresh, touched=self._touch()))
        return self._core.settle(now)

    def stop(self, job: int, now: float) -> Step:
        """Suspend its whole tree; its keeper will say when that is done."""
        return self._send(job, {"do": "stop"}, now, Starting, Running, Suspended)

    def cont(self, job: int, now: float) -> Step:
        """Continue it."""
        return self._send(job, {"do": "cont"}, now, Starting, Running, Suspended)

    def signal(self, job: int, signum: int, now: float, *, tree: bool = True) -> Step:
        """Send any signal, to the whole tree or to the foreground group of its terminal."""
        return self._send(job, {"do": "signal", "signal": signum, "tree": tree}, now, *OCCUPYING)

    def edit(
        self, job: int, changes: Mapping[str, object], now: float, environment: str | None = None
    ) -> Step:
        """Change fields of its spec, given as JSON has them."""
        found = self._known(job)
        spec = edited(found, changes, environment is not None)
        check_spec(spec)
        check_prerequisites(self.jobs, spec)
        check_circle(self.jobs, job, spec)
        after = replace(
            found, spec=spec, environment=found.environment if environment is None else environment
        )
        hopeless = hindrance(self.jobs, after) if isinstance(found.state, Waiting) else ""
        if hopeless:
            raise JobsError(f"job {job} would never begin: {hopeless}")
        self._has_group(spec.group)
        self._core.put(after)
        return self._core.settle(now)

    def touch(self, job: int, now: float) -> Step:
        """Make it the current one, ``%+``."""
        self._core.put(replace(self._known(job), touched=self._touch()))
        return self._core.settle(now)

    def group(self, name: str, slots: int | None, paused: bool | None, now: float) -> Step:
        """Make a group or change it; None: as it is (a new one has no limit and is not paused)."""
        check_name("group", name)
        if slots is not None and not 0 <= slots <= 1_000_000:
            raise JobsError(f"slots {slots}: it must be from 0 (no limit) to 1000000")
        found = self.groups.get(name, Group(name))
        slots = found.slots if slots is None else slots
        self._core.put_group(Group(name, slots, found.paused if paused is None else paused))
        return self._core.settle(now)

    def drop_group(self, name: str, now: float) -> Step:
        """Remove a group that nobody needs any more."""
        if name not in self.groups:
            raise JobsError(f"there is no group {name!r}")
        left = self._core.line.unfinished(name)
        if left:
            raise JobsError(
                f"group {name!r} is needed: {number(left, 'job')} of it {'has' if left == 1 else 'have'} not ended"
            )
        self._core.drop_group(name)
        return self._core.settle(now)

    def remove(self, jobs: Iterable[int], now: float) -> Step:
        """Take ended jobs out of the list, with their runs and logs."""
        found = [self._known(job) for job in dict.fromkeys(jobs)]
        for job in found:
            if not isinstance(job.state, Ended):
                raise JobsError(f"job {job.id} has not ended: kill it first")
        for job in found:
            self._core.drop(self.jobs[job.id])
        return self._core.settle(now)

    # Below.

    def _known(self, job: int) -> Job:
        found = self.jobs.get(job)
        if found is None:
            raise NoSuchJob(f"there is no job {job}")
        return found

    def _touch(self) -> int:
        self._touched += 1
        return self._touched

    def _has_group(self, name: str) -> None:
        if name != DEFAULT and name not in self.groups:
            self._core.put_group(Group(name))

    def _ask_to_end(self, job: Job, why: str, grace: float, now: float, *, again: bool) -> None:
        state = job.state
        assert isinstance(state, OCCUPYING)
        pid, start = (0, 0) if isinstance(state, Starting) else (state.pid, state.start)
        asked = Ending(state.run, state.since, pid, start, now, why, again, grace)
        job = replace(job, state=asked)
        self._core.put(job)
        if pid:
            self._core.tell(job, end_message(asked, now))

    def _send(self, job: int, message: dict[str, object], now: float, *allowed: type) -> Step:
        found = self._known(job)
        if not isinstance(found.state, allowed):
            raise JobsError(f"job {job} is {_NOT_RUNNING[type(found.state)]}")
        found = replace(found, touched=self._touch())
        self._core.put(found)
        self._core.tell(found, message)
        return self._core.settle(now)


_NOT_RUNNING = {
    Waiting: "waiting for its begin, not running",
    Resting: "waiting for its restart, not running",
    Ending: "being ended",
    Ended: "not running: it has ended",
}
