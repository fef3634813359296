"""``edit``, ``group``, ``clean``, ``history``: jobs changed, shared out, forgotten and remembered."""

from __future__ import annotations

import time

from procession.jobs.book_environments import packed
from procession.jobs.job import Ended
from procession.jobs.job_plain import job_to_plain
from procession.jobs.plain import Malformed, plain
from procession.jobs.requests import fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.jobs.daemon import Daemon
    from procession.jobs.daemon_desk import Asker
    from procession.jobs.job import Job

_FOREVER = 1e12  # seconds
_RUNS_MAX = 100_000


def edit(daemon: Daemon, _: Asker, message: dict[str, Any]) -> dict[str, Any]:
    """Change fields of its spec; with ``env`` its environment, too."""
    ledger = daemon.ledger
    number = fields.job(ledger.plan, message).id
    changes = message.get("changes")
    if not isinstance(changes, dict):
        raise Malformed("changes: an object is wanted")
    environment = packed(fields.environment(message)) if message.get("env") is not None else None
    digest = environment[0] if environment else None
    ledger.ask(lambda plan, now: plan.edit(number, changes, now, digest), environment=environment)
    job = ledger.plan.jobs.get(number)
    return {"job": job_to_plain(job) if job else None}


def group(daemon: Daemon, _: Asker, message: dict[str, Any]) -> dict[str, Any]:
    """Make, change or remove one; without a name only answer them all."""
    ledger = daemon.ledger
    name = fields.value(message, "name", (str,))
    slots = fields.value(message, "slots", (int,))
    paused = fields.value(message, "paused", (bool,))
    remove = fields.value(message, "remove", (bool,), False)
    if name is not None and remove:
        ledger.ask(lambda plan, now: plan.drop_group(name, now))
    elif name is not None and (slots is not None or paused is not None or name not in ledger.plan.groups):
        ledger.ask(lambda plan, now: plan.group(name, slots, paused, now))
    return {"groups": [plain(found) for found in ledger.plan.groups.values()]}


def clean(daemon: Daemon, _: Asker, message: dict[str, Any]) -> dict[str, Any]:
    """Forget jobs that have ended: those named, or all that ended well (with ``failed`` also the others), at least
    ``older`` seconds ago."""
    ledger = daemon.ledger
    failed = fields.value(message, "failed", (bool,), False)
    older = fields.number(message, "older", 0, _FOREVER)
    if message.get("jobs") is not None:
        chosen = fields.jobs(ledger.plan, message)
    else:
        chosen = [job for job in ledger.plan.jobs.values() if _is_over(job, failed)]
    if older is not None:
        latest = time.time() - older
        chosen = [job for job in chosen if not isinstance(job.state, Ended) or _end_of(job) <= latest]
    numbers = [job.id for job in chosen]
    if numbers:
        ledger.ask(lambda plan, now: plan.remove(numbers, now))
        ledger.tidy()
    return {"removed": numbers}


def _is_over(job: Job, failed: bool) -> bool:
    return isinstance(job.state, Ended) and (failed or job.state.outcome.is_well)


def _end_of(job: Job) -> float:
    assert isinstance(job.state, Ended)
    return job.state.outcome.ended or job.created


def history(daemon: Daemon, _: Asker, message: dict[str, Any]) -> dict[str, Any]:
    """Runs that have ended, also of jobs that have been forgotten."""
    limit = fields.value(message, "limit", (int,), 50)
    since = fields.number(message, "since", -_FOREVER, _FOREVER)
    return {"runs": daemon.ledger.book.history(min(max(limit, 0), _RUNS_MAX), since)}
