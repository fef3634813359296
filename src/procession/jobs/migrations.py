"""The tables of the book, version by version: ``PRAGMA user_version`` says how many steps a file has gone.

A step that has been released is never changed; what is to be different comes as another step.
"""

from __future__ import annotations

from procession.errors import JobsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

# Jobs, runs and groups are JSON objects (job_plain.py) with the columns beside them that a query needs.
# ``runs`` keeps its rows after the job has gone: that is the history.
STEPS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        "CREATE TABLE environments (hash TEXT PRIMARY KEY, body TEXT NOT NULL)",
        "CREATE TABLE groups (name TEXT PRIMARY KEY, body TEXT NOT NULL)",
        "CREATE TABLE jobs (id INTEGER PRIMARY KEY, environment TEXT NOT NULL, body TEXT NOT NULL)",
        (
            "CREATE TABLE runs (job INTEGER NOT NULL, run INTEGER NOT NULL, name TEXT NOT NULL, "
            "command TEXT NOT NULL, ended REAL, body TEXT NOT NULL, PRIMARY KEY (job, run))"
        ),
        "CREATE INDEX runs_by_end ON runs (ended)",
        "CREATE TABLE tokens (token TEXT PRIMARY KEY, job INTEGER NOT NULL, at REAL NOT NULL)",
    ),
    (
        "CREATE TABLE notices (number INTEGER PRIMARY KEY, body TEXT NOT NULL)",
        "CREATE INDEX runs_under_way ON runs (job) WHERE ended IS NULL",
        "CREATE INDEX tokens_by_age ON tokens (at)",
    ),
)


def migrate(db: sqlite3.Connection) -> None:
    """Bring the file to the version of this program, all steps or none.  Raises JobsError for a file of a newer one,
    sqlite3.Error."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > len(STEPS):
        raise JobsError(
            f"the book of the jobs was written by a newer version of procession (its form is {version}, "
            f"this one knows {len(STEPS)}): use that one, or set PN_JOBS to another folder"
        )
    if version == len(STEPS):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        for step in STEPS[version:]:
            for statement in step:
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {len(STEPS)}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
