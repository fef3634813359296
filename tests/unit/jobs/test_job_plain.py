"""Jobs, states and runs travel as JSON and come back equal; anything else is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from procession.jobs.job import (
    Ended,
    Ending,
    Group,
    Job,
    Resting,
    Run,
    Running,
    Starting,
    State,
    Suspended,
    Waiting,
)
from procession.jobs.job_plain import (
    group_from_plain,
    job_from_plain,
    job_to_plain,
    kind_of,
    run_from_plain,
    run_to_plain,
    state_from_plain,
)
from procession.jobs.outcome import Outcome
from procession.jobs.plain import Malformed, plain
from procession.jobs.spec import Spec

STATES: list[State] = [
    Waiting(),
    Starting(1, 2.5),
    Running(1, 2.5, 77, 8, None, "cgroup"),
    Suspended(1, 2.5, 77, 8, 3.5, 4.0),
    Ending(1, 2.5, 77, 8, 4.0, "was ended by pn kill", again=True, grace=0.5),
    Resting(9.5, "exited with code 3"),
    Ended(Outcome("killed", "was killed by SIGKILL (9)", signal=9)),
]


def travelled(value: object) -> Any:
    return json.loads(json.dumps(value))


@pytest.mark.parametrize("state", STATES, ids=kind_of)
def test_a_job_in_any_state_comes_back_equal(state: State) -> None:
    job = Job(3, Spec(("a", "\udcff"), after=(1,)), "hash", state, 1.0, 5, 2, 1, (0.5, 0.75))
    found = travelled(job_to_plain(job))
    assert found["state"]["kind"] == kind_of(state)
    assert job_from_plain(found) == job


@pytest.mark.parametrize("outcome", [None, Outcome("done", "ended normally", code=0)])
def test_a_run_comes_back_equal(outcome: Outcome | None) -> None:
    run = Run(3, 1, "mark", 1.5, outcome)
    assert run_from_plain(travelled(run_to_plain(run))) == run


def test_a_group_comes_back_equal() -> None:
    assert group_from_plain(travelled(plain(Group("x", 2, paused=True)))) == Group("x", 2, paused=True)


GOOD = job_to_plain(Job(3, Spec(("a",)), "hash", Waiting(), 1.0, 5))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": None}, "state: an object"),
        ({"state": {"kind": "asleep"}}, "waiting, starting"),
        ({"state": {"kind": ["x"]}}, "state: an object"),
        ({"state": {"kind": "waiting", "run": 1}}, "state: there is no field 'run'"),
        ({"state": {"kind": "starting", "run": 1}}, "since is missing"),
        ({"state": {"kind": "ended", "outcome": 5}}, "outcome: an object"),
        ({"state": {"kind": "ended", "outcome": {"kind": "done", "reason": "x"}, "more": 1}}, "nothing else"),
        ({"spec": None}, "spec: an object"),
        ({"spec": {"command": ["a"], "x": 1}}, "spec: there is no field 'x'"),
        ({"id": "3"}, "job.id: int"),
        ({"colour": 1}, "job: there is no field 'colour'"),
    ],
)
def test_what_is_no_job_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(Malformed) as caught:
        job_from_plain({**GOOD, **change})
    assert words in str(caught.value)


@pytest.mark.parametrize("found", [None, [], "x", {}, {"id": 1}])
def test_what_is_no_object_is_refused(found: object) -> None:
    for reader in (job_from_plain, run_from_plain, group_from_plain, state_from_plain):
        with pytest.raises(Malformed):
            reader(found)
