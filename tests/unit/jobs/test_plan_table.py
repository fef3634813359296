"""docs/reference/job-states.md tells the truth: each cell of its table is tried."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from procession.errors import JobsError
from procession.jobs import outcome as outcomes
from procession.jobs.actions import Tell
from procession.jobs.job import Ended, Ending, Job, Resting, Run, Running, Starting, State, Suspended, Waiting
from procession.jobs.job_plain import kind_of
from procession.jobs.outcome import Outcome
from procession.jobs.spec import Spec
from procession.jobs.step import Step
from procession.records import fields_of
from tests.harness.plans import BADLY, Desk

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
NOW = 1e9
STATES: dict[str, Callable[[], State]] = {
    "WAITING": Waiting,
    "STARTING": lambda: Starting(1, NOW),
    "RUNNING": lambda: Running(1, NOW, 101, 7, None),
    "SUSPENDED": lambda: Suspended(1, NOW, 101, 7, NOW, NOW),
    "ENDING": lambda: Ending(1, NOW, 101, 7, NOW, "was ended by pn kill"),
    "RESTING": lambda: Resting(NOW + 50, "exited with code 3"),
    "ENDED": lambda: Ended(BADLY),
}
PREREQUISITE = "a prerequisite ended the wrong way"
HELD = "held"  # a paused group: nobody leaves WAITING by the way

Event = Callable[[Desk], Step]


def _lose(desk: Desk) -> Step:
    desk.do("lost", 1, 1, "its keeper was killed")
    return desk.do("swept", 1, 1, "its keeper was killed")


def _rest_over(desk: Desk) -> Step:
    return desk.wait(50)


def _not_begun(desk: Desk) -> Step:
    """The order is void: of a job that is being ended, only where it had not begun."""
    state = desk.plan.jobs[1].state
    if isinstance(state, Ending):
        desk = _desk(Ending(1, NOW, 0, 0, NOW, "was ended by pn kill"), desk)
    return desk.do("void", 1, 1)


EVENTS: dict[str, Event] = {
    "`pn kill`": lambda desk: desk.kill(1),
    "`pn restart`": lambda desk: desk.do("restart", 1),
    "`pn stop`, `pn cont`, a signal": lambda desk: desk.do("cont", 1),
    "`pn edit`": lambda desk: desk.edit(1, command=["x"]),
    "`pn clean`": lambda desk: desk.do("remove", [1]),
    "prerequisites met, time come, slot free": lambda desk: desk.group(HELD, paused=False),
    PREREQUISITE: lambda desk: desk.end(2, BADLY),
    "its keeper: began": lambda desk: desk.do("began", 1, 1, 101, 7, NOW, ""),
    "its keeper: ready": lambda desk: desk.do("ready", 1, 1, NOW),
    "its keeper: suspended": lambda desk: desk.do("suspended", 1, 1, NOW),
    "its keeper: continued": lambda desk: desk.do("continued", 1, 1, NOW),
    "its keeper: ended": lambda desk: desk.do("ended", 1, 1, BADLY),
    "its order never began (void)": _not_begun,
    "its keeper was killed (after the sweep)": _lose,
    "the machine went down": lambda desk: desk.do("rebooted"),
    "its rest is over": _rest_over,
}


def _rows() -> list[tuple[str, str, str]]:
    """(event, state, what the cell says) of the table, without its footnotes."""
    found = []
    heading: list[str] = []
    for line in (REFERENCE / "job-states.md").read_text().splitlines():
        cells = [cell.strip(" ¹²³⁴⁵⁶⁷⁸⁹") for cell in line.strip().strip("|").split("|")]
        if cells[0] == "event":
            heading = cells[1:]
        elif heading and line.startswith("|") and not line.startswith("| ---"):
            found += [(cells[0], state, cell) for state, cell in zip(heading, cells[1:], strict=True)]
        elif not line.startswith("|"):
            heading = []
    return found


def _desk(state: State, desk: Desk | None = None, after: tuple[int, ...] = ()) -> Desk:
    """Job 1 in this state, in a group that begins nobody, and job 2 that runs."""
    desk = desk or Desk()
    runs = 0 if isinstance(state, Waiting) else 1
    spec = Spec(("true",), group=HELD, ready="port:80", after=after)
    desk.jobs[1] = Job(1, spec, "hash", state, NOW, 1, runs)
    desk.jobs[2] = Job(2, Spec(("other",)), "hash", Starting(1, NOW), NOW, 2, 1)
    for job in (1, 2)[not runs :]:
        outcome = BADLY if isinstance(state, Resting | Ended) and job == 1 else None
        desk.runs[job, 1] = Run(job, 1, f"m{job}", NOW, outcome)
    desk.reload()
    desk.group(HELD, paused=True)
    return desk


@pytest.mark.parametrize(("event", "state", "cell"), _rows())
def test_a_cell(event: str, state: str, cell: str) -> None:
    desk = _desk(STATES[state](), after=(2,) if event == PREREQUISITE else ())
    before = desk.plan.jobs[1]
    if cell == "✗" or (not cell and event == "`pn edit`"):
        with pytest.raises(JobsError):
            EVENTS[event](desk)
        assert desk.plan.jobs[1] is before
        return
    if cell == "signals only":
        with pytest.raises(JobsError):
            EVENTS[event](desk)
        assert desk.do("signal", 1, 10).actions
        return
    step = EVENTS[event](desk)
    tells = [action for action in step.actions if isinstance(action, Tell)]
    if cell == "gone":
        assert 1 not in desk.plan.jobs
    elif cell == "–":
        assert desk.plan.jobs[1] == before
    elif cell.startswith("told"):
        assert tells
        assert desk.plan.jobs[1].state == before.state
    elif cell == "any field":
        assert desk.plan.jobs[1].spec.command == ("x",)
    elif cell == "ready":
        state_now = desk.plan.jobs[1].state
        assert isinstance(state_now, Running | Suspended)
        assert state_now.ready == NOW
    else:
        found = desk.plan.jobs[1].state
        assert kind_of(found).upper() == (cell.partition(",")[0].removesuffix("as lost").strip() or "ENDED")
        assert ("as lost" in cell) == (isinstance(found, Ended) and found.outcome.kind == outcomes.LOST)


def test_all_events_and_states_are_tried() -> None:
    found = _rows()
    assert {event for event, _, _ in found} == set(EVENTS)
    assert len(found) == len(EVENTS) * len(STATES)


@pytest.mark.parametrize(
    "record", [Job(1, Spec(("x",)), "", Waiting(), 0.0, 1), Spec(("x",)), Outcome("", ""), Run(1, 1, "", 0.0)]
)
def test_the_page_about_json_knows_each_field(record: object) -> None:
    page = (REFERENCE / "jobs-json.md").read_text()
    assert [name for name in fields_of(record) if f"`{name}`" not in page] == []


def test_the_page_about_json_knows_each_kind() -> None:
    page = (REFERENCE / "jobs-json.md").read_text()
    kinds = [value for name, value in vars(outcomes).items() if name.isupper() and isinstance(value, str)]
    states = [kind_of(make()) for make in STATES.values()]
    assert [kind for kind in (*kinds, *states) if f"`{kind}`" not in page] == []
