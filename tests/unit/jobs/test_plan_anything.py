"""Whatever a client asks for: it is done, or refused in one line, and a refusal changes nothing."""

from __future__ import annotations

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from procession.errors import JobsError
from procession.jobs.job_plain import job_from_plain, job_to_plain
from procession.jobs.plain import Malformed, plain, to_record
from procession.jobs.spec import Spec
from procession.jobs.table import Options, text
from procession.records import fields_of
from tests.harness.plans import Desk

GOOD = plain(Spec(("true",)))
NUMBERS = st.integers(-3, 12) | st.integers() | st.floats() | st.booleans()
WORDS = st.sampled_from(("on-failure", "always", "end", "log:x", "port:80", "x", "%", "12", "")) | st.text(
    max_size=8
)
VALUES = st.none() | NUMBERS | WORDS | st.lists(st.integers(0, 9), max_size=3) | st.lists(WORDS, max_size=3)
CHANGES = st.dictionaries(st.sampled_from(fields_of(Spec(()))) | st.text(max_size=3), VALUES, max_size=4)


def desk_of_six() -> Desk:
    """Jobs in several states."""
    desk = Desk()
    desk.group("one", slots=1)
    desk.begin(desk.submit(group="one"))
    desk.submit(group="one")
    desk.submit(after=(2,))
    desk.end(desk.submit())
    desk.end(desk.submit(restart="always", restart_delay=9))
    desk.submit(at=2e9)
    return desk


def try_it(desk: Desk, act: object) -> None:
    before, refused = dict(desk.plan.jobs), ""
    try:
        act()  # type: ignore[operator]
    except (JobsError, Malformed) as error:
        refused = str(error)
        assert dict(desk.plan.jobs) == before
        assert desk.do("tick").is_empty
    assert refused.isprintable()
    # What was taken can be stored, read again and shown.
    for job in desk.plan.jobs.values():
        assert job_from_plain(json.loads(json.dumps(job_to_plain(job)))) == job
    for words in (text(desk.plan, desk.now, Options(long=True)), text(desk.plan, 0.0, Options(), 30)):
        assert all(line.isprintable() for line in words.splitlines())
    wakes = desk.plan.wakes_at()
    assert wakes is None or 0 <= wakes < 1e12


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 7), CHANGES)
@example(2, {"after": [3]})
@example(6, {"at": float("inf")})
@example(1, {"name": "\x1b[31m\n"})
@example(2, {"command": []})
def test_edit(job: int, changes: dict[str, object]) -> None:
    desk = desk_of_six()
    try_it(desk, lambda: desk.edit(job, **changes) if "job" not in changes else None)


@settings(max_examples=50, deadline=None)
@given(CHANGES)
@example({"name": "\ud800"})
@example({"at": 1e300})
@example({"restart": "always", "restart_delay": 3e7})
def test_submit(fields: dict[str, object]) -> None:
    desk = desk_of_six()

    def submit() -> None:
        spec = to_record(Spec, {**GOOD, **fields}, "spec")
        desk.store(desk.plan.submit(spec, "hash", desk.now))

    try_it(desk, submit)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=5), st.none() | st.integers(), st.none() | st.booleans())
def test_group(name: str, slots: int | None, paused: bool | None) -> None:
    desk = desk_of_six()
    try_it(desk, lambda: desk.group(name, slots, paused))
