"""Folders that nobody needs any more: of runs whose outcome is in the book, and of logs whose job is not."""

from __future__ import annotations

import os

from procession.jobs import faults

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.jobs.places import Places
    from procession.jobs.plan import Plan


def forget_run(places: Places, job: int, run: int) -> None:
    """Remove the folder of a run; what cannot be removed is tried again at the next start."""
    _remove(places.run(job, run))
    _unlink(places.keeper(job, run))  # of a keeper that was killed
    faults.point("forgotten")


def drop_logs(places: Places, job: int) -> None:
    """Remove the logs of a job."""
    _remove(f"{places.state}/logs/{job}")


def first_unused(places: Places) -> int:
    """A number above all that jobs in these folders have, for a book that does not know them."""
    found = (_job_of(name) for below in ("runs", "logs") for name in _names(f"{places.state}/{below}"))
    return 1 + max(found, default=0)


def _job_of(name: str) -> int:
    number = name.partition(".")[0]
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 19 else 0


def remove_orphans(places: Places, plan: Plan, first: int) -> None:
    """What an earlier daemon had no time to remove.  What belongs to jobs below number ``first`` stays: the book that
    knew them is lost, and their keepers may live."""
    under_way = {f"{run.job}.{run.run}" for run in plan.under_way.values()}
    for name in _names(f"{places.state}/runs"):
        if name not in under_way and _job_of(name) >= first:
            _remove(f"{places.state}/runs/{name}")
    for name in _names(places.runtime):
        if name.endswith(".sock") and name.removesuffix(".sock") not in under_way and _job_of(name) >= first:
            _unlink(f"{places.runtime}/{name}")
    for name in _names(f"{places.state}/logs"):
        if _job_of(name) not in plan.jobs and _job_of(name) >= first:
            _remove(f"{places.state}/logs/{name}")


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _remove(folder: str) -> None:
    """A folder of files, and nothing if it is not there."""
    for name in _names(folder):
        _unlink(f"{folder}/{name}")
    try:
        os.rmdir(folder)
    except OSError:
        pass


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass
