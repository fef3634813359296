"""``kill``, ``stop``, ``cont``, ``restart``, ``touch``, ``type``: what is done to jobs that there are.

Of several jobs each is done for itself; if one is refused, the others are done all the same, and the answer is an error.
"""

from __future__ import annotations

import signal
import time

from procession.errors import JobsError
from procession.jobs.job import OCCUPYING
from procession.jobs.plain import Malformed
from procession.jobs.requests import fields
from procession.jobs.words import state_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from procession.jobs.daemon import Daemon
    from procession.jobs.daemon_desk import Asker
    from procession.jobs.plan import Plan
    from procession.jobs.step import Step

_YEAR = 366 * 86_400.0
_TEXT_MAX = 1 << 20  # characters


def kill(daemon: Daemon, _: Asker, message: dict[str, Any]) -> dict[str, Any]:
    """End them, or send them a signal."""
    signum = fields.value(message, "signal", (int,))
    grace = fields.number(message, "grace", 0, _YEAR)
    if signum is None:
        return _each(daemon, message, lambda plan, job, now: plan.kill(job, grace, now))
    if not 0 < signum < signal.NSIG:
        raise Malformed(f"signal: there is no signal {signum}")
    return _each(daemon, message, lambda plan, job, now: plan.signal(job, signum, now))


def stop(daemon: Daemon, _: Asker, message: dict[str, Any]) -> dict[str, Any]:
    """Suspend."""
    return _each(daemon, message, lambda plan, job, now: plan.stop(job, now))


def cont(daemon: Daemon, _: Asker, message: dict[str, Any]) -> dict[str, Any]:
    """Continue."""
    return _each(daemon, message, lambda plan, job, now: plan.cont(job, now))


def restart(daemon: Daemon, _: Asker, message: dict[str, Any]) -> dict[str, Any]:
    """Run again."""
    return _each(daemon, message, lambda plan, job, now: plan.restart(job, now))


def touch(daemon: Daemon, _: Asker, message: dict[str, Any]) -> dict[str, Any]:
    """Make it the current one."""
    job = fields.job(daemon.ledger.plan, message).id
    daemon.ledger.ask(lambda plan, now: plan.touch(job, now))
    return {}


def type_(daemon: Daemon, _: Asker, message: dict[str, Any]) -> dict[str, Any]:
    """Type a text into its terminal."""
    job = fields.job(daemon.ledger.plan, message)
    text = fields.value(message, "text", (str,), "")
    if len(text) > _TEXT_MAX:
        raise JobsError(f"a text of {len(text)} characters; at most {_TEXT_MAX} can be typed at once")
    if not job.spec.pty:
        raise JobsError(
            f"job {job.id} has no terminal: what is typed has nowhere to go (start it with --pty)"
        )
    if not isinstance(job.state, OCCUPYING):
        raise JobsError(
            f"job {job.id} does not run: it is {state_words(daemon.ledger.plan, job, time.time())}"
        )
    if not daemon.keepers.tell(job.id, job.runs, {"do": "type", "text": text}):
        raise JobsError(f"job {job.id} does not listen now: try again")
    return {}


def _each(
    daemon: Daemon, message: dict[str, Any], event: Callable[[Plan, int, float], Step]
) -> dict[str, Any]:
    ledger = daemon.ledger
    done: list[tuple[int, str]] = []
    refused: list[str] = []
    for job in fields.jobs(ledger.plan, message):
        number = job.id
        try:
            ledger.ask(lambda plan, now, number=number: event(plan, number, now))  # type: ignore[misc]
        except JobsError as error:
            refused.append(str(error))
            continue
        found = ledger.plan.jobs.get(number)
        done.append((number, state_words(ledger.plan, found, time.time()) if found else "gone"))
    if refused:
        raise JobsError("; ".join(refused))
    return {"done": done}
