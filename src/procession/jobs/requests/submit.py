"""``submit``: a new job.  Its number is answered only when it is stored."""

from __future__ import annotations

from procession.jobs.book_environments import packed
from procession.jobs.job import Ended, Job
from procession.jobs.job_plain import job_to_plain
from procession.jobs.outcome import UNKNOWN, Outcome
from procession.jobs.plain import to_record
from procession.jobs.requests import fields
from procession.jobs.spec import Spec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.jobs.daemon import Daemon
    from procession.jobs.daemon_desk import Asker

_TIDY = 500  # jobs, which may all have taken themselves out of the list


def submit(daemon: Daemon, _: Asker, message: dict[str, Any]) -> dict[str, Any]:
    """A second one with the same token gives the same job, or what is still known of it."""
    ledger = daemon.ledger
    spec = to_record(Spec, message.get("spec"), "spec")
    environment = packed(fields.environment(message))
    token = fields.value(message, "token", (str,), "")[:200]
    number = ledger.book.job_of_token(token) if token else None
    if number is None:
        step = ledger.ask(
            lambda plan, now: plan.submit(spec, environment[0], now), environment=environment, token=token
        )
        assert step.job is not None
        number = step.job
        if not number % _TIDY:
            ledger.tidy()
    job = ledger.plan.jobs.get(number) or _forgotten(daemon, number, spec, environment[0])
    return {"job": job_to_plain(job), "warnings": daemon.warnings()}


def _forgotten(daemon: Daemon, number: int, spec: Spec, environment: str) -> Job:
    """It has removed itself, or somebody has: all that is left of it is in the history."""
    runs = daemon.ledger.book.runs(number)
    outcome = (runs[-1].outcome if runs else None) or Outcome(UNKNOWN, "was forgotten")
    created = runs[0].ordered if runs else 0.0
    return Job(number, spec, environment, Ended(outcome), created, 0, len(runs))
