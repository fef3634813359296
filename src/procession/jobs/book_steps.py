"""A step of the plan as statements, within the transaction of the book."""

from __future__ import annotations

import json

from procession.jobs.changes import DropGroup, DropJob, PutGroup, PutJob, PutRun
from procession.jobs.job_plain import job_to_plain, run_from_plain, run_to_plain
from procession.jobs.plain import plain
from procession.jobs.words_command import command_words
from procession.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from procession.jobs.changes import Change
    from procession.jobs.job import Run
    from procession.jobs.outcome import Outcome
    from procession.jobs.plan import Plan
    from procession.jobs.step import Step


def write_change(db: sqlite3.Connection, change: Change, plan: Plan) -> None:
    """Raises sqlite3.Error."""
    if isinstance(change, PutJob):
        job = change.job
        row = job.id, job.environment, json.dumps(job_to_plain(job))
        db.execute("INSERT OR REPLACE INTO jobs VALUES (?, ?, ?)", row)
    elif isinstance(change, PutRun):
        _write_run(db, change.run, plan)
    elif isinstance(change, DropJob):
        db.execute("DELETE FROM jobs WHERE id = ?", (change.id,))
    elif isinstance(change, PutGroup):
        group = change.group
        db.execute("INSERT OR REPLACE INTO groups VALUES (?, ?)", (group.name, json.dumps(plain(group))))
    else:
        assert isinstance(change, DropGroup)
        db.execute("DELETE FROM groups WHERE name = ?", (change.name,))


def _write_run(db: sqlite3.Connection, run: Run, plan: Plan) -> None:
    body, ended = json.dumps(run_to_plain(run)), _ended(run.outcome)
    job = plan.jobs.get(run.job)
    name, command = (job.spec.name, command_words(job.spec)) if job else ("", "")
    db.execute(
        "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (job, run) DO UPDATE "
        "SET ended = excluded.ended, body = excluded.body",
        (run.job, run.run, name, command, ended, body),
    )


def write_ends(db: sqlite3.Connection, step: Step) -> None:
    """A job that removes itself takes its rows with it, but for the history: its last run gets its outcome here."""
    dropped = {change.id for change in step.changes if isinstance(change, DropJob)}
    for job, outcome in step.ended:
        if job in dropped:
            rows = db.execute("SELECT body FROM runs WHERE job = ? AND ended IS NULL", (job,)).fetchall()
            for (body,) in rows:
                run = replace(run_from_plain(json.loads(body)), outcome=outcome)
                db.execute(
                    "UPDATE runs SET ended = ?, body = ? WHERE job = ? AND run = ?",
                    (_ended(outcome), json.dumps(run_to_plain(run)), run.job, run.run),
                )


def _ended(outcome: Outcome | None) -> float | None:
    """For the index: NULL is under way, 0 ended nobody knows when."""
    return None if outcome is None else outcome.ended or 0.0
