"""The book: all that the daemon must not forget, in one SQLite file.

WAL with ``synchronous=FULL``: a step that has been stored survives the power cut.  Each step of the plan is one
transaction, written whole or not at all; sqlite3.Error (a full disk, a disk that is broken) means not at all.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time

from procession.errors import JobsError
from procession.jobs import faults
from procession.jobs.actions import Notify
from procession.jobs.book_environments import restored
from procession.jobs.book_steps import write_change, write_ends
from procession.jobs.job_plain import group_from_plain, job_from_plain, run_from_plain
from procession.jobs.migrations import migrate
from procession.jobs.outcome import Outcome
from procession.jobs.plain import Malformed, plain
from procession.jobs.plan import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.jobs.job import Run
    from procession.jobs.step import Step

_TOKENS_LIVE = 86_400.0  # seconds
HISTORY = 10_000  # runs of jobs that are not in the list any more
_BUSY = 5.0  # seconds that another reader or writer of the file may take


class Book:
    """Open it with ``open_book``."""

    def __init__(self, path: str) -> None:
        """Raises sqlite3.Error, JobsError (it is of a newer version)."""
        self.path = path
        self._db = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, cached_statements=64)
        try:
            os.chmod(path, 0o600)  # it has the environments of jobs, and so perhaps secrets
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            migrate(self._db)
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Nothing is lost without it."""
        self._db.close()

    def check(self) -> None:
        """Is all of it whole?  Raises sqlite3.DatabaseError, Malformed, ValueError."""
        (found,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        self.plan()

    # ── the plan ──

    def plan(self) -> Plan:
        """As it was stored.  Raises sqlite3.Error, Malformed."""
        jobs = [job_from_plain(json.loads(body)) for (body,) in self._db.execute("SELECT body FROM jobs")]
        groups = [
            group_from_plain(json.loads(body)) for (body,) in self._db.execute("SELECT body FROM groups")
        ]
        rows = self._db.execute("SELECT body FROM runs WHERE ended IS NULL AND job IN (SELECT id FROM jobs)")
        runs = [run_from_plain(json.loads(body)) for (body,) in rows]
        return Plan(jobs, groups, runs, first=int(self.setting("next") or 1))

    def store(
        self,
        step: Step,
        plan: Plan,
        *,
        environment: tuple[str, str] | None = None,
        token: str = "",
    ) -> None:
        """All of it, or raise sqlite3.Error.  ``environment``: hash and body of one that may be new; ``token``: of the
        submission that made the step.  ``plan``: as it is after the step."""
        if not step.changes and environment is None:
            return
        with self._transaction():
            if environment is not None:
                self._db.execute("INSERT OR IGNORE INTO environments VALUES (?, ?)", environment)
            for change in step.changes:
                write_change(self._db, change, plan)
            write_ends(self._db, step)
            for action in step.actions:
                if isinstance(action, Notify):
                    self._put_notice(action)
            if step.job is not None:
                self._db.execute("INSERT OR REPLACE INTO settings VALUES ('next', ?)", (str(step.job + 1),))
            if token:
                self._put_token(token, step.job)

    def job_of_token(self, token: str) -> int | None:
        """What an earlier submission with it has made."""
        found = self._db.execute("SELECT job FROM tokens WHERE token = ?", (token,)).fetchone()
        return None if found is None else int(found[0])

    def _put_token(self, token: str, job: int | None) -> None:
        now = time.time()
        self._db.execute(
            "DELETE FROM tokens WHERE at < ? OR at > ?", (now - _TOKENS_LIVE, now + _TOKENS_LIVE)
        )
        self._db.execute("INSERT INTO tokens VALUES (?, ?, ?)", (token, job, now))

    # ── environments ──

    def environment(self, digest: str) -> dict[str, str]:
        """That of a job; raises KeyError."""
        found = self._db.execute("SELECT body FROM environments WHERE hash = ?", (digest,)).fetchone()
        if found is None:
            raise KeyError(digest)
        return restored(found[0])

    def forget_unused(self) -> None:
        """Environments that no job has, and what the history has above its limit.  Raises sqlite3.Error."""
        with self._transaction():
            self._db.execute("DELETE FROM environments WHERE hash NOT IN (SELECT environment FROM jobs)")
            self._db.execute(
                "DELETE FROM runs WHERE job NOT IN (SELECT id FROM jobs) AND rowid NOT IN (SELECT rowid FROM runs "
                "WHERE job NOT IN (SELECT id FROM jobs) ORDER BY rowid DESC LIMIT ?)",
                (HISTORY,),
            )

    # ── runs ──

    def runs(self, job: int) -> list[Run]:
        """All of a job, also of one that is in the list no more, in their order."""
        rows = self._db.execute("SELECT body FROM runs WHERE job = ? ORDER BY run", (job,))
        return [run_from_plain(json.loads(body)) for (body,) in rows]

    def history(self, limit: int, since: float | None) -> list[dict[str, Any]]:
        """The last runs that have ended (at ``since`` or later), the oldest of them first, as JSON objects with the
        name and command of their job."""
        rows = self._db.execute(
            "SELECT body, name, command FROM runs WHERE ended >= ? ORDER BY ended DESC, rowid DESC LIMIT ?",
            (-1.0 if since is None else since, limit),
        ).fetchall()
        return [
            {**json.loads(body), "name": name, "command": command} for body, name, command in reversed(rows)
        ]

    def last_outcome(self, job: int) -> Outcome | None:
        """How the last run of a job ended that may be in the list no more; None: nobody knows."""
        found = self.runs(job)
        return found[-1].outcome if found else None

    # ── notices: what is to be told, until it has been told ──

    def _put_notice(self, action: Notify) -> None:
        body = self._db.execute(
            "SELECT body FROM environments WHERE hash = ?", (action.environment,)
        ).fetchone()
        notice = {
            "job": action.job,
            "spec": plain(action.spec),
            "outcome": plain(action.outcome),
            "env": restored(body[0]) if body else {},
        }
        self._db.execute("INSERT INTO notices (body) VALUES (?)", (json.dumps(notice),))

    def notices(self) -> list[tuple[int, dict[str, Any]]]:
        """Those that nobody has crossed out: (number, object)."""
        rows = self._db.execute("SELECT number, body FROM notices ORDER BY number")
        return [(number, json.loads(body)) for number, body in rows]

    def cross_out(self, number: int) -> None:
        """It has been told.  Raises sqlite3.Error."""
        with self._transaction():
            self._db.execute("DELETE FROM notices WHERE number = ?", (number,))

    # ── settings ──

    def setting(self, name: str) -> str | None:
        """Raises sqlite3.Error."""
        found = self._db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return None if found is None else str(found[0])

    def set(self, values: dict[str, str | None]) -> None:
        """None: take it away.  Raises sqlite3.Error."""
        with self._transaction():
            for name, value in values.items():
                if value is None:
                    self._db.execute("DELETE FROM settings WHERE name = ?", (name,))
                else:
                    self._db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    def _transaction(self) -> _Transaction:
        return _Transaction(self._db)


class _Transaction:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            faults.point("before-commit")
            try:
                self._db.execute("COMMIT")
            except sqlite3.Error:
                self._roll_back()
                raise
            faults.point("stored")
        else:
            self._roll_back()

    def _roll_back(self) -> None:
        if (
            self._db.in_transaction
        ):  # a full disk may have rolled back already (sqlite.org/lang_transaction.html)
            self._db.execute("ROLLBACK")


def open_book(path: str) -> tuple[Book, str]:
    """The book, and what there is to be said about it: a damaged one is put aside, never emptied, and a new one begun.
    Raises sqlite3.Error (a disk that is full, a folder that is read-only), JobsError."""
    try:
        book = Book(path)
        try:
            book.check()
        except BaseException:
            book.close()
            raise
        return book, ""
    except (sqlite3.DatabaseError, Malformed, ValueError) as error:
        if isinstance(error, sqlite3.OperationalError):
            raise  # it cannot be read or written now; that says nothing about what is in it
        aside = _put_aside(path)
        return Book(path), (
            f"the book of the jobs was damaged ({error}) and is now {aside}; a new one was begun, which does not know "
            "the jobs from before: those that run go on, and their logs stay"
        )


def _put_aside(path: str) -> str:
    for number in range(1, 1_000_000):
        aside = f"{path}.damaged-{number}"
        if not os.path.lexists(aside):
            break
    else:
        raise JobsError(f"there are too many damaged books beside {path}")
    for end in ("-wal", "-shm", ""):  # the book last: until it goes, all this happens again
        try:
            os.rename(path + end, aside + end)
        except FileNotFoundError:
            pass
    return aside
