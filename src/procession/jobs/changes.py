"""What a step of the plan changes in the book.  All changes of a step are one transaction."""

from __future__ import annotations

from procession.jobs.job import Group, Job, Run
from procession.records import record


@record
class PutJob:
    """The row of the job is this now, new or not.  Numbers of jobs are never used again: see Plan's ``first``."""

    job: Job


@record
class DropJob:
    """The job and its runs go."""

    id: int


@record
class PutRun:
    """The row of the run (job and number are its key) is this now."""

    run: Run


@record
class PutGroup:
    """The row of the group is this now."""

    group: Group


@record
class DropGroup:
    """The group goes."""

    name: str


Change = PutJob | DropJob | PutRun | PutGroup | DropGroup
