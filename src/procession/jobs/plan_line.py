"""Who may begin next: the lines in front of the slots, and the clock times that somebody waits for.

An index of the plan, made anew with it and stored nowhere.  An event costs what it touches: those that wait for a job
that ended, and those that begin.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort

from procession.jobs.job import OCCUPYING, Ended, Job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from procession.jobs.spec import Spec

    Place = tuple[int, int]  # (minus the priority, number)


class Line:
    """Of the jobs of one plan."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._lines: dict[str, list[Place]] = {}
        self._places: dict[int, tuple[str, Place]] = {}
        self._used: dict[str, int] = {}
        self._unfinished: dict[str, int] = {}
        self._followers: dict[int, set[int]] = {}
        self._times: list[tuple[float, int]] = []
        self.moved: set[str] = set()  # groups in whose line somebody may have another place than before
        for job in jobs:
            self._count(job, 1)

    def replace(self, old: Job | None, new: Job | None) -> None:
        """A job has come, changed or gone."""
        if old is not None:
            self._count(old, -1)
            self.leave(old.id)
        if new is not None:
            self._count(new, 1)

    def _count(self, job: Job, step: int) -> None:
        group = job.spec.group
        if isinstance(job.state, OCCUPYING):
            self._used[group] = self._used.get(group, 0) + step
        if not isinstance(job.state, Ended):
            self._unfinished[group] = self._unfinished.get(group, 0) + step
        for other in prerequisites(job.spec):
            if step > 0:
                self._followers.setdefault(other, set()).add(job.id)
            else:
                self._followers.get(other, set()).discard(job.id)

    def enter(self, job: Job) -> None:
        """It may begin as soon as there is a slot."""
        place = (-job.spec.priority, job.id)
        self._places[job.id] = (job.spec.group, place)
        insort(self._lines.setdefault(job.spec.group, []), place)
        self.moved.add(job.spec.group)

    def leave(self, job: int) -> None:
        """It may not, or not any more."""
        found = self._places.pop(job, None)
        if found is not None:
            group, place = found
            line = self._lines[group]
            del line[bisect_left(line, place)]
            self.moved.add(group)

    def first(self, group: str) -> int | None:
        """Who is next in this group."""
        line = self._lines.get(group)
        return line[0][1] if line else None

    def position(self, job: int) -> int | None:
        """How many of its group are before it; None: it is in no line."""
        found = self._places.get(job)
        return None if found is None else bisect_left(self._lines[found[0]], found[1])

    def take_moved(self) -> set[int]:
        """The jobs in the lines of ``moved``, which is empty then."""
        moved, self.moved = self.moved, set()
        return {job for group in moved for _, job in self._lines.get(group, ())}

    def used(self, group: str) -> int:
        """Slots that are taken."""
        return self._used.get(group, 0)

    def unfinished(self, group: str) -> int:
        """Jobs of the group that have not ended for good."""
        return self._unfinished.get(group, 0)

    def followers(self, job: int) -> list[int]:
        """Who names it in --after and the like, in order."""
        found = self._followers.get(job)
        return sorted(found) if found else []

    def wake(self, at: float, job: int) -> None:
        """Look at this job again at ``at``."""
        heapq.heappush(self._times, (at, job))

    def due(self, now: float) -> Iterator[int]:
        """Takes out whose time has come; some for nothing."""
        while self._times and self._times[0][0] <= now:
            yield heapq.heappop(self._times)[1]

    def next_time(self) -> tuple[float, int] | None:
        """The earliest one, which stays."""
        return self._times[0] if self._times else None

    def drop_next_time(self) -> None:
        """It was for nothing."""
        heapq.heappop(self._times)


def prerequisites(spec: Spec) -> tuple[int, ...]:
    """The numbers of all jobs that it names in --after and the like."""
    return (*spec.after, *spec.after_any, *spec.after_failed)
