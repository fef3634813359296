"""``find``, ``list``, ``table``, ``show``: what there is."""

from __future__ import annotations

import os
import time

from procession.jobs import names, table
from procession.jobs.job import OCCUPYING
from procession.jobs.job_plain import job_to_plain, run_to_plain
from procession.jobs.plain import Malformed, plain, to_record
from procession.jobs.requests import fields
from procession.jobs.words import state_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.jobs.daemon import Daemon
    from procession.jobs.daemon_desk import Asker

_WIDTH_MAX = 100_000


def find(daemon: Daemon, _: Asker, message: dict[str, Any]) -> dict[str, Any]:
    """Numbers of the jobs that words mean, in their order."""
    return {"jobs": [job.id for job in fields.jobs(daemon.ledger.plan, message, "words")]}


def list_(daemon: Daemon, _: Asker, message: dict[str, Any]) -> dict[str, Any]:
    """All jobs, or with ``jobs`` these."""
    plan, now = daemon.ledger.plan, time.time()
    chosen = fields.jobs(plan, message) if message.get("jobs") is not None else list(plan.jobs.values())
    current, previous = names.current(plan), names.previous(plan)
    return {
        "jobs": [job_to_plain(job) for job in chosen],
        "words": {str(job.id): state_words(plan, job, now) for job in chosen},
        "current": current.id if current else None,
        "previous": previous.id if previous else None,
        "groups": [plain(group) for group in plan.groups.values()],
    }


def table_(daemon: Daemon, _: Asker, message: dict[str, Any]) -> bytes:
    """The text of ``pn jobs``."""
    plan = daemon.ledger.plan
    found = message.get("options")
    if not isinstance(found, dict):
        raise Malformed("options: an object is wanted")
    options = to_record(
        table.Options, {name: value for name, value in found.items() if name != "words"}, "options"
    )
    if found.get("words"):
        chosen = tuple(job.id for job in fields.jobs(plan, found, "words"))
        options = to_record(table.Options, {**plain(options), "jobs": list(chosen)}, "options")
    width = fields.value(message, "width", (int,), 0)
    colour = fields.value(message, "colour", (bool,), False)
    text = table.text(plan, time.time(), options, min(max(width, 0), _WIDTH_MAX), colour)
    return text.encode("utf-8", "backslashreplace")


def show(daemon: Daemon, _: Asker, message: dict[str, Any]) -> dict[str, Any]:
    """All of one job.  Its environment, which may hold secrets, only where it is asked for."""
    ledger = daemon.ledger
    job = fields.job(ledger.plan, message)
    places: dict[str, Any] = {"log": None, "socket": None}
    if job.runs:
        log = daemon.places.log(job.id, job.runs)
        places["log"] = log if os.path.exists(log) else None
        if isinstance(job.state, OCCUPYING):
            places["socket"] = daemon.places.keeper(job.id, job.runs)
    answer = {
        "job": job_to_plain(job),
        "runs": [run_to_plain(run) for run in ledger.book.runs(job.id)],
        "words": state_words(ledger.plan, job, time.time()),
        "places": places,
    }
    if fields.value(message, "env", (bool,), False):
        answer["env"] = ledger.book.environment(job.environment)
    return answer
