"""All that ``pn jobs`` prints, made where the jobs are: the client has only to write it.

Words that change only when something happens are kept until then, and what a job runs as long as it is the same: so a
thousand waiting jobs cost a look-up each.
"""

from __future__ import annotations

from procession.jobs import names
from procession.jobs.job import Ended, Ending, Group, Job, Resting, Running, Starting, Suspended
from procession.jobs.plan_known import DEFAULT
from procession.jobs.table_columns import LONG, pid
from procession.jobs.table_layout import Layout
from procession.jobs.words import changes_with_time, state_words
from procession.jobs.words_command import safe, title
from procession.records import record
from procession.units import number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procession.jobs.plan import Plan
    from procession.jobs.spec import Spec
    from procession.jobs.table_columns import Column

_GREEN, _RED, _YELLOW, _CYAN = "32", "31", "33", "36"
_COLOURS: dict[type, str] = {
    Starting: _GREEN,
    Running: _GREEN,
    Suspended: _CYAN,
    Ending: _YELLOW,
    Resting: _YELLOW,
}


@record
class Options:
    """Which jobs, and what of them.  ``running`` and ``suspended`` together: either.  ``jobs``: only these numbers;
    empty: all.  ``pids``: nothing but the pids of those that run."""

    long: bool = False
    running: bool = False
    suspended: bool = False
    pids: bool = False
    jobs: tuple[int, ...] = ()


def text(plan: Plan, now: float, options: Options, width: int = 0, colour: bool = False) -> str:
    """The whole text, with its ends of line; "" where there is nothing.  ``width``: of the screen; 0: whatever the
    rows need."""
    global _last
    if _last is None or _last.plan is not plan:
        _last = _Table(plan)
    return _last.text(now, options, width, colour)


class _Table:
    """Of one plan, asked again and again."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._titles: dict[int, tuple[Spec, str]] = {}
        self._words: dict[int, str] = {}

    def text(self, now: float, options: Options, width: int, colour: bool) -> str:
        jobs = [job for job in self.plan.jobs.values() if _is_wanted(job, options)]
        if options.pids:
            return "".join(f"{found}\n" for found in map(pid, jobs) if found)
        if not jobs:
            return ""
        self._forget()
        columns = LONG if options.long else ()
        layout = Layout(columns, self._rows(jobs, columns, now), width)
        lines: list[str] = []
        for heading, members in self._sections(jobs):
            if heading:
                lines += ("", heading) if lines else (heading,)
            lines.append(layout.heading)
            rows = map(layout.row, members)
            lines += map(_coloured, members, rows) if colour else rows
        return "\n".join(lines) + "\n"

    def _forget(self) -> None:
        for job in self.plan.take_changed():
            self._words.pop(job, None)
        for kept in (self._words, self._titles):
            if len(kept) > 2 * len(self.plan.jobs) + 100:  # most are of jobs that are gone
                kept.clear()

    def _rows(self, jobs: list[Job], columns: Sequence[Column], now: float) -> dict[int, tuple[str, ...]]:
        last, before = names.current(self.plan), names.previous(self.plan)
        marks = {job.id: mark for job, mark in ((last, "+"), (before, "-")) if job is not None}
        states, titles = self._states(jobs, now), self._titles_of(jobs)
        ids = [job.id for job in jobs]
        facts = [[column.text(job, now) or "-" for job in jobs] for column in columns]
        cells = zip(
            map(str, ids), [marks.get(number, "") for number in ids], *facts, states, titles, strict=True
        )
        return dict(zip(ids, cells, strict=True))

    def _states(self, jobs: list[Job], now: float) -> list[str]:
        kept, found = self._words, []
        for job in jobs:
            words = kept.get(job.id)
            if words is None:
                words = state_words(self.plan, job, now)
                if not changes_with_time(job):
                    kept[job.id] = words
            found.append(words)
        return found

    def _titles_of(self, jobs: list[Job]) -> list[str]:
        kept, found = self._titles, []
        for job in jobs:
            old = kept.get(job.id)
            if old is None or old[0] is not job.spec:
                old = kept[job.id] = job.spec, title(job.spec)
            found.append(old[1])
        return found

    def _sections(self, jobs: list[Job]) -> list[tuple[str, list[Job]]]:
        """By group, with headings, where there is more than the default one without limits."""
        groups: dict[str, list[Job]] = {}
        for job in jobs:
            groups.setdefault(job.spec.group, []).append(job)
        if groups.keys() == {DEFAULT} and self.plan.groups.get(DEFAULT, _ANY) == _ANY:
            return [("", jobs)]
        named = sorted(groups, key=lambda name: (name != DEFAULT, name))
        return [(group_words(self.plan, name), groups[name]) for name in named]


_last: _Table | None = None
_ANY = Group(DEFAULT)


def group_words(plan: Plan, name: str) -> str:
    """A line about a group: "group downloads: 2 slots, 1 taken, paused"."""
    group = plan.groups.get(name, Group(name))
    slots = f"{number(group.slots, 'slot')}, {plan.used(name)} taken" if group.slots else "no limit"
    return f"group {safe(name)}: {slots}{', paused' if group.paused else ''}"


def _is_wanted(job: Job, options: Options) -> bool:
    if options.jobs and job.id not in options.jobs:
        return False
    if not (options.running or options.suspended):
        return True
    state = job.state
    return (options.suspended and isinstance(state, Suspended)) or (
        options.running and isinstance(state, Starting | Running | Ending)
    )


def _coloured(job: Job, row: str) -> str:
    state = job.state
    if isinstance(state, Ended):
        colour = "" if state.outcome.is_well else _RED
    else:
        colour = _COLOURS.get(type(state), "")
    return f"\x1b[{colour}m{row}\x1b[0m" if colour else row
