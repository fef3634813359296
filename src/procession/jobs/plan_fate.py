"""What a waiting job waits for, and what follows the end of a run.  Plain functions of records."""

from __future__ import annotations

from procession.jobs.job import Ended, Ending, Job, Resting, Running, Suspended, Waiting
from procession.jobs.outcome import STOPPED, Outcome
from procession.jobs.plan_line import prerequisites
from procession.jobs.spec import ALWAYS, ON_FAILURE
from procession.records import replace
from procession.units import number, seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LONGEST = 86400.0  # seconds: no back-off is longer than a day


def is_repetition(job: Job) -> bool:
    """Does it run again by itself?  Then it has waited for the others once, which is enough."""
    return job.failures > 0 or bool(job.restarts)


def waits_for(jobs: Mapping[int, Job], job: Job) -> list[int]:
    """The jobs of which nobody knows yet how they end."""
    if is_repetition(job):
        return []
    numbers = dict.fromkeys(prerequisites(job.spec))
    return [n for n in numbers if n in jobs and not isinstance(jobs[n].state, Ended)]


def hindrance(jobs: Mapping[int, Job], job: Job) -> str:
    """Why it can never begin, as a phrase; "": it still can."""
    if is_repetition(job):
        return ""
    spec = job.spec
    for numbers, wanted in ((spec.after, True), (spec.after_any, None), (spec.after_failed, False)):
        for n in numbers:
            if n not in jobs:
                return f"job {n} is not there any more"
            state = jobs[n].state
            if isinstance(state, Ended) and wanted not in (None, state.outcome.is_well):
                return f"job {n} {short(state.outcome)}"
    return ""


def short(outcome: Outcome) -> str:
    """The reason without what led to it: of a chain, each link names only the one before."""
    return outcome.reason.partition(":")[0]


def after_run(job: Job, outcome: Outcome, now: float, draw: Callable[[], float]) -> Job:
    """The job as it is once this run of it has ended: waiting, resting or ended."""
    state, spec = job.state, job.spec
    if isinstance(state, Ending) and state.again:
        return replace(job, state=Waiting(), failures=0, restarts=())
    if isinstance(state, Ending) or outcome.kind == STOPPED:
        return replace(job, state=Ended(outcome))
    if spec.restart == ALWAYS or (spec.restart == ON_FAILURE and not outcome.is_well):
        return _restarted(job, outcome, now, draw)
    if not outcome.is_well and job.failures < spec.retries:
        failures = job.failures + 1
        wait = _doubled(spec.backoff, failures, LONGEST)
        return replace(job, state=Resting(now + wait, outcome.reason), failures=failures)
    return replace(job, state=Ended(outcome))


def _restarted(job: Job, outcome: Outcome, now: float, draw: Callable[[], float]) -> Job:
    spec = job.spec
    # A clock that was set back leaves moments that are still to come; they tell nothing.
    recent = tuple(at for at in job.restarts if 0 <= now - at < spec.restart_within)
    if len(recent) >= spec.restart_limit:
        within = f"{number(len(recent), 'restart')} within {seconds(spec.restart_within)}"
        return replace(
            job, state=Ended(replace(outcome, reason=f"{outcome.reason}: given up after {within}"))
        )
    failures = 0 if outcome.is_well else (0 if _was_stable(job, outcome, now) else job.failures) + 1
    wait = _doubled(spec.restart_delay, max(1, failures), spec.restart_cap) * (1 - spec.jitter * draw())
    return replace(job, state=Resting(now + wait, outcome.reason), failures=failures, restarts=(*recent, now))


def _was_stable(job: Job, outcome: Outcome, now: float) -> bool:
    """Did it run for so long that its earlier failures say nothing about this one?"""
    began = outcome.began
    if began is None and isinstance(job.state, Running | Suspended):
        began = job.state.since
    ended = now if outcome.ended is None else outcome.ended
    return began is not None and ended - began >= job.spec.restart_within


def _doubled(first: float, times: int, cap: float) -> float:
    # 2**1023 is the largest power of two that a float holds.
    return min(cap, LONGEST, first * 2.0 ** min(times - 1, 1000))


def longest_rest(job: Job) -> float:
    """Seconds that it may rest at most, as its failures stand."""
    spec = job.spec
    if spec.restart in (ALWAYS, ON_FAILURE):
        return _doubled(spec.restart_delay, max(1, job.failures), spec.restart_cap)
    return _doubled(spec.backoff, max(1, job.failures), LONGEST)
