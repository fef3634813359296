"""What the plan knows: jobs, groups, runs under way, and who waits for whom."""

from __future__ import annotations

import os

from procession.jobs.job import Group, Job
from procession.jobs.plan_core import Core
from procession.jobs.plan_fate import waits_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from procession.jobs.job import Run

DEFAULT = "default"


def _draw() -> float:
    return int.from_bytes(os.urandom(6), "big") / 2**48


def _mark() -> str:
    return os.urandom(6).hex()  # as process.tree.new_mark, whose module loads much more


class Known:
    """All jobs, groups and runs under way.  ``runs``: at least those without an outcome.  ``first``: the lowest number
    that a new job may have, one more than any job ever had.  ``draw`` gives numbers from 0 to 1, ``mark`` names."""

    def __init__(
        self,
        jobs: Iterable[Job] = (),
        groups: Iterable[Group] = (),
        runs: Iterable[Run] = (),
        *,
        first: int = 1,
        draw: Callable[[], float] = _draw,
        mark: Callable[[], str] = _mark,
    ) -> None:
        self._core = Core(jobs, groups, runs, draw, mark)
        self._next = max(first, max(self._core.jobs, default=0) + 1)
        self._touched = max((job.touched for job in self.jobs.values()), default=0)
        self._sweeping: dict[int, str] = {}

    @property
    def jobs(self) -> Mapping[int, Job]:
        """By number, in its order."""
        return self._core.jobs

    @property
    def groups(self) -> Mapping[str, Group]:
        """Those that somebody has named; ``default`` need not be among them."""
        return self._core.groups

    @property
    def under_way(self) -> Mapping[int, Run]:
        """By the number of their job."""
        return self._core.under_way

    def group_of(self, job: Job) -> Group:
        """Its group, or one without limits."""
        return self.groups.get(job.spec.group) or Group(job.spec.group)

    def waits_for(self, job: Job) -> list[int]:
        """Jobs that must end before it."""
        return waits_for(self.jobs, job)

    def position(self, job: Job) -> int | None:
        """How many are before it in the line of its group; None: it stands in none."""
        return self._core.line.position(job.id)

    def used(self, group: str) -> int:
        """How many slots of the group are taken."""
        return self._core.line.used(group)

    def sweeping(self, job: int) -> str:
        """Why the tree of this job is being cleaned up; "": it is not."""
        return self._sweeping.get(job, "")

    def take_changed(self) -> set[int]:
        """Whose words may have changed since the last call; for one who asks, ``table.py``."""
        return self._core.take_changed()

    def wakes_at(self) -> float | None:
        """The Unix time at which ``tick`` has something to do, None: never.  The clock may be set meanwhile; a tick too
        early does nothing."""
        return self._core.next_time()

    def _current(self, job: int, run: int) -> Job | None:
        """The job, if this run of it is under way: the one place where what comes late or twice is turned away."""
        found = self.under_way.get(job)
        return self.jobs[job] if found is not None and found.run == run else None
