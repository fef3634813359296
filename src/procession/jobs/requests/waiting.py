"""``wait`` and ``watch``: answers that come when it is so."""

from __future__ import annotations

from procession.errors import NoSuchJob
from procession.jobs.changes import DropGroup, DropJob, PutGroup, PutJob, PutRun
from procession.jobs.job import Ended
from procession.jobs.job_plain import job_to_plain, run_to_plain
from procession.jobs.plain import Malformed, plain
from procession.jobs.requests import fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.jobs.changes import Change
    from procession.jobs.daemon import Daemon
    from procession.jobs.daemon_desk import Asker, Peer
    from procession.jobs.outcome import Outcome
    from procession.jobs.step import Step


class _Wait:
    def __init__(self, asker: Asker, jobs: list[int], until_any: bool) -> None:
        self.asker, self.missing, self.until_any = asker, set(jobs), until_any
        self.outcomes: dict[str, Any] = {}

    def heard(self, job: int, outcome: Outcome) -> None:
        if job in self.missing:
            self.missing.discard(job)
            self.outcomes[str(job)] = plain(outcome)

    @property
    def is_over(self) -> bool:
        return not self.missing or (self.until_any and bool(self.outcomes))


class Waits:
    """Who waits, and who watches."""

    def __init__(self) -> None:
        self._waits: list[_Wait] = []
        self._watchers: list[Asker] = []

    def told(self, step: Step) -> None:
        """A step has been stored."""
        for asker in list(self._watchers):
            for change in step.changes:
                asker.tell(_event(change))
        if step.ended:
            self._told_ends(step.ended)

    def _told_ends(self, ended: tuple[tuple[int, Outcome], ...]) -> None:
        for wait in list(self._waits):
            for job, outcome in ended:
                wait.heard(job, outcome)
            if wait.is_over:
                self._waits.remove(wait)
                wait.asker.tell({"outcomes": wait.outcomes})

    def left(self, peer: Peer) -> None:
        """It has gone."""
        self._waits = [wait for wait in self._waits if wait.asker.peer is not peer]
        self._watchers = [asker for asker in self._watchers if asker.peer is not peer]

    def add(self, wait: _Wait) -> None:
        """One more."""
        self._waits.append(wait)

    def add_watcher(self, asker: Asker) -> None:
        """One more."""
        self._watchers.append(asker)


def wait(daemon: Daemon, asker: Asker, message: dict[str, Any]) -> dict[str, Any] | None:
    """Until all of them, or with ``any`` one of them, have ended for good."""
    until_any = fields.value(message, "any", (bool,), False)
    found: dict[int, Outcome | None] = {}
    words = message.get("jobs")
    if not isinstance(words, list) or not words:
        raise Malformed("jobs: a list of jobs is wanted")
    for word in words:
        number, outcome = _now(daemon, word)
        found[number] = outcome
    new = _Wait(asker, list(found), until_any)
    for number, outcome in found.items():
        if outcome is not None:
            new.heard(number, outcome)
    if new.is_over:
        return {"outcomes": new.outcomes}
    daemon.waits.add(new)
    return None


def _now(daemon: Daemon, word: object) -> tuple[int, Outcome | None]:
    """A job and its outcome, if it has one; also of one that has been forgotten."""
    try:
        job = fields.job(daemon.ledger.plan, {"job": word})
    except NoSuchJob:
        outcome = daemon.ledger.book.last_outcome(word) if type(word) is int else None
        if outcome is None or type(word) is not int:
            raise
        return word, outcome
    return job.id, job.state.outcome if isinstance(job.state, Ended) else None


def watch(daemon: Daemon, asker: Asker, _: dict[str, Any]) -> dict[str, Any]:
    """Every change from now; first an answer that says so."""
    daemon.waits.add_watcher(asker)
    return {"watching": True}


def _event(change: Change) -> dict[str, Any]:
    if isinstance(change, PutJob):
        return {"event": "job", "job": job_to_plain(change.job)}
    if isinstance(change, PutRun):
        return {"event": "run", "run": run_to_plain(change.run)}
    if isinstance(change, DropJob):
        return {"event": "removed", "job": change.id}
    if isinstance(change, PutGroup):
        return {"event": "group", "group": plain(change.group)}
    assert isinstance(change, DropGroup)
    return {"event": "group-removed", "group": change.name}
