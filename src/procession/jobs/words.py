"""The state of a job in words, with why.  They follow "it is" or stand alone: "waiting for job 3"."""

from __future__ import annotations

from time import localtime, strftime

from procession.jobs.job import Ended, Ending, Job, Resting, Running, Starting, Suspended, Waiting
from procession.jobs.spec import NO
from procession.jobs.words_command import safe
from procession.units import number, seconds, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.jobs.outcome import Outcome
    from procession.jobs.plan import Plan

_NAMED = 4  # jobs that are waited for, by their numbers


def state_words(plan: Plan, job: Job, now: float) -> str:
    """What it does now, or waits for, or how it ended."""
    state = job.state
    if isinstance(state, Waiting):
        return _waiting(plan, job, now)
    if isinstance(state, Ended):
        return outcome_words(state.outcome)
    swept = plan.sweeping(job.id)
    if swept:
        return f"cleaning up what is left of it: {safe(swept)}"
    if isinstance(state, Running):
        return f"running for {_since(state.since, now)}{_run(job)}{_unready(job, state)}"
    if isinstance(state, Suspended):
        why = f" {safe(state.why)}" if state.why else ""
        return f"suspended for {_since(state.at, now)}{why}{_run(job)}"
    if isinstance(state, Resting):
        return _resting(job, state, now)
    if isinstance(state, Starting):
        return f"starting{_run(job)}"
    return _ending(state, now)


def changes_with_time(job: Job) -> bool:
    """Do its words change though nothing happens?"""
    state = job.state
    return not isinstance(state, Ended | Starting) and not (
        isinstance(state, Waiting) and job.spec.at is None
    )


def outcome_words(outcome: Outcome) -> str:
    """How it ended: "exited with code 3", "killed by SIGKILL (9)"."""
    lost = f" ({size(outcome.log_lost)} of its output could not be stored)" if outcome.log_lost else ""
    return safe(outcome.reason).removeprefix("was ") + lost


def _waiting(plan: Plan, job: Job, now: float) -> str:
    others = plan.waits_for(job)
    if others:
        return f"waiting for {_jobs(others)}"
    at = job.spec.at
    if at is not None and at > now:
        return f"not before {moment(at, now)}"
    group = plan.group_of(job)
    if group.paused:
        return f"group {safe(group.name)} is paused"
    before = plan.position(job)
    if before is None or not group.slots:
        return "about to start"
    of_group = "" if group.name == "default" else f" of group {safe(group.name)}"
    return f"queued behind {number(group.slots, 'slot')}{of_group} ({_in_line(before)})"


def _jobs(numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"job {numbers[0]}"
    if len(numbers) > _NAMED:
        named, rest = numbers[: _NAMED - 1], len(numbers) - _NAMED + 1
        return f"jobs {', '.join(map(str, named))} and {rest} more"
    return f"jobs {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


def _in_line(before: int) -> str:
    if not before:
        return "next in line"
    place = before + 1
    ending = "th" if 10 < place % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{ending} in line"


def _resting(job: Job, state: Resting, now: float) -> str:
    spec = job.spec
    if spec.restart != NO:
        within = f" within {seconds(spec.restart_within)}"
        word, count = "restarting", f"restart {len(job.restarts)} of {spec.restart_limit}{within}"
    else:
        word, count = "retrying", f"retry {job.failures} of {spec.retries}"
    why = safe(state.why).removeprefix("was ")
    return f"{word} {_until(state.until, now)}: {why} ({count})"


def _ending(state: Ending, now: float) -> str:
    why = "being " + safe(state.why).removeprefix("was ")
    if not state.pid:
        return f"{why}, before it has begun"
    if state.again:
        why += ", to run again"
    kill = state.at + state.grace
    return f"{why}, SIGKILL {_until(kill, now)}" if kill > now else f"{why}, SIGKILL sent"


def _unready(job: Job, state: Running) -> str:
    if state.ready is not None or not job.spec.ready:
        return ""
    kind, _, value = job.spec.ready.partition(":")
    what = {"log": f'"{safe(value)}" in its log', "file": f"the file {safe(value)}"}.get(
        kind, f"port {value}"
    )
    return f" (not ready yet: waits for {what})"


def _run(job: Job) -> str:
    return f" (run {job.runs})" if job.runs > 1 else ""


def _since(at: float, now: float) -> str:
    return seconds(max(0.0, now - at))


def _until(at: float, now: float) -> str:
    return f"in {seconds(at - now)}" if at > now else "now"


def moment(at: float, now: float, *, exact: bool = False) -> str:
    """``22:30``, with seconds if there are any or ``exact``, with the day if it is not today."""
    found = localtime(at)
    clock = strftime("%H:%M:%S" if found.tm_sec or exact else "%H:%M", found)
    return clock if found[:3] == localtime(now)[:3] else f"{strftime('%Y-%m-%d', found)} {clock}"
