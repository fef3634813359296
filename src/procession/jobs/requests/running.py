"""``status``, ``configure``, ``halt``, ``replace``: the daemon itself."""

from __future__ import annotations

import os
import sqlite3

from procession._version import __version__
from procession.errors import JobsError
from procession.jobs import faults
from procession.jobs.job import Ended
from procession.jobs.job_plain import kind_of
from procession.jobs.plain import Malformed
from procession.jobs.requests import fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.jobs.daemon import Daemon
    from procession.jobs.daemon_desk import Asker

_YEAR = 366 * 86_400.0
_BYTES = 2.0**62
_SETTINGS = {
    "idle": (0.0, _YEAR),
    "log_max": (4096.0, _BYTES),
    "log_keep": (0.0, 1000.0),
    "log_age": (0.0, 100 * _YEAR),
}


def status(daemon: Daemon, _: Asker, __: dict[str, Any]) -> dict[str, Any]:
    """All about it."""
    counts: dict[str, int] = {}
    for job in daemon.ledger.plan.jobs.values():
        kind = kind_of(job.state)
        counts[kind] = counts.get(kind, 0) + 1
    settings = {name: _number(daemon.ledger.book.setting(name)) for name in _SETTINGS}
    return {
        "pid": os.getpid(),
        "version": __version__,
        "since": daemon.since,
        "nursery": daemon.nursery.pid,
        "jobs": counts,
        **settings,
        "book": daemon.ledger.book.path,
        "unstored": daemon.ledger.unstored,
        "warnings": daemon.warnings(),
    }


def _number(value: str | None) -> float | None:
    return None if value is None else float(value)


def configure(daemon: Daemon, _: Asker, message: dict[str, Any]) -> dict[str, Any]:
    """``idle``: seconds with nothing to do after which it ends; ``log_max``, ``log_keep``, ``log_age``: of logs of runs
    that begin from now.  null: as it is by default."""
    changed: dict[str, str | None] = {}
    for name, (low, high) in _SETTINGS.items():
        if name in message:
            value = fields.number(message, name, low, high)
            changed[name] = (
                None if value is None else f"{value:g}" if name in ("idle", "log_age") else str(int(value))
            )
    try:
        daemon.ledger.book.set(changed)
    except sqlite3.Error as error:
        raise JobsError(f"this cannot be stored: {daemon.ledger.book.path}: {error}") from None
    daemon.settings_changed()
    return {}


def halt(daemon: Daemon, asker: Asker, message: dict[str, Any]) -> dict[str, Any] | None:
    """End: the jobs go on (``leave``), or are ended first (``end``)."""
    jobs = message.get("jobs", "leave")
    if jobs not in ("leave", "end"):
        raise Malformed('jobs: "leave" or "end" is wanted')
    if jobs == "end":
        for number, job in list(daemon.ledger.plan.jobs.items()):
            if not isinstance(job.state, Ended):
                try:
                    daemon.ledger.ask(lambda plan, now, n=number: plan.kill(n, None, now))  # type: ignore[misc]
                except JobsError:
                    if number in daemon.ledger.plan.jobs and daemon.ledger.trouble:
                        raise
    daemon.halt_when_done(asker, wait=jobs == "end")
    return None


def replace(daemon: Daemon, asker: Asker, _: dict[str, Any]) -> None:
    """Make room for a daemon of the version that is on the disk now."""
    asker.tell({})
    daemon.replace()


def fault(_: Daemon, __: Asker, message: dict[str, Any]) -> dict[str, Any]:
    """For tests, see ``faults.py``."""
    if not faults.are_allowed():
        raise Malformed("there is no request 'fault'")
    faults.arm(fields.value(message, "point", (str,), "any"), fields.value(message, "count", (int,), 1))
    return {}
