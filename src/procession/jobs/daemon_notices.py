"""Notices: the shell command that a job has for its end.

They are in the book from the step that ended the job until the command has been started: so each is given at least
once, and twice only where the daemon is killed between the two.  What becomes of the command is its own affair.
"""

from __future__ import annotations

import os
import select
import sqlite3
import sys

from procession.errors import ProcessionError
from procession.jobs import faults
from procession.jobs.outcome import Outcome
from procession.jobs.plain import Malformed, to_record
from procession.jobs.spec import Spec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.jobs.book import Book
    from procession.jobs.keeper_loop import Loop


class Notices:
    """Those of one book."""

    def __init__(self, book: Book, loop: Loop) -> None:
        self._book, self._loop = book, loop

    def soon(self) -> None:
        """There are some."""
        self._loop.after(0.0, "notices", self._give_all)

    def _give_all(self) -> None:
        try:
            for number, notice in self._book.notices():
                try:
                    self._give(notice)
                except (OSError, Malformed, KeyError, ProcessionError) as error:
                    sys.stderr.write(f"pn: job {notice.get('job')}: notify: {error}\n")
                faults.point("notified")
                self._book.cross_out(number)
        except sqlite3.Error:
            self._loop.after(10.0, "notices", self._give_all)

    def _give(self, notice: dict[str, Any]) -> None:
        import subprocess

        spec = to_record(Spec, notice["spec"], "spec")
        outcome = to_record(Outcome, notice["outcome"], "outcome")
        env = {**notice["env"], **variables(notice["job"], spec, outcome)}
        folder = spec.cwd if os.path.isdir(spec.cwd) else "/"
        child = subprocess.Popen(
            ["/bin/sh", "-c", spec.notify],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        pidfd = os.pidfd_open(child.pid)

        def ended(_: int) -> None:
            self._loop.forget(pidfd)
            os.close(pidfd)
            child.wait()

        self._loop.watch(pidfd, select.POLLIN, ended)


def variables(job: int, spec: Spec, outcome: Outcome) -> dict[str, str]:
    """What the command finds in its environment."""
    return {
        "PN_JOB_ID": str(job),
        "PN_JOB_NAME": spec.name,
        "PN_JOB_OUTCOME": outcome.kind,
        "PN_JOB_REASON": outcome.reason,
        "PN_JOB_CODE": "" if outcome.code is None else str(outcome.code),
        "PN_JOB_SIGNAL": "" if outcome.signal is None else str(outcome.signal),
    }
