"""The columns of ``pn jobs``: of each, its heading and its text for a job."""

from __future__ import annotations

from procession.jobs.job import Ended, Ending, Job, Running, Suspended
from procession.jobs.words import moment
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


@record
class Column:
    """``text``: of a job, at a Unix time.  ``right``: numbers stand below one another by their last digit."""

    heading: str
    text: Callable[[Job, float], str]
    right: bool = False


def pid(job: Job, _now: float = 0.0) -> str:
    """Of the command while it runs; "" otherwise."""
    state = job.state
    return str(state.pid) if isinstance(state, Running | Suspended | Ending) and state.pid else ""


def _since(job: Job, now: float) -> str:
    """When its run began, or the job if it has none."""
    state = job.state
    if isinstance(state, Running | Suspended | Ending):
        return moment(state.since, now, exact=True)
    if isinstance(state, Ended) and state.outcome.began is not None:
        return moment(state.outcome.began, now, exact=True)
    return moment(job.created, now, exact=True)


def _exit(job: Job, _now: float) -> str:
    """The code or the signal of a job that has ended."""
    if not isinstance(job.state, Ended):
        return ""
    outcome = job.state.outcome
    if outcome.signal is not None:
        from procession.process.exits import signal_name

        return signal_name(outcome.signal)
    return "" if outcome.code is None else str(outcome.code)


def _runs(job: Job, _now: float) -> str:
    return str(job.runs) if job.runs else ""


LONG = (
    Column("PID", pid, right=True),
    Column("RUNS", _runs, right=True),
    Column("SINCE", _since),
    Column("EXIT", _exit, right=True),
)
