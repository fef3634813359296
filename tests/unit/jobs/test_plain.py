"""Records travel as JSON and come back equal; anything else is refused with the place where it is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.jobs.outcome import Outcome
from procession.jobs.plain import Malformed, plain, to_record
from procession.jobs.spec import Spec

FULL = Spec(
    ("tar", "\udcff\n", ""), name="n", after=(1, 2), at=1.5, memory=1 << 40, cpu=0.5, timeout=3.0, pty=True
)


@pytest.mark.parametrize(
    "record", [FULL, Spec(()), Outcome("failed", "exited with code 3", code=3, began=1.25)]
)
def test_there_and_back(record: Any) -> None:
    assert to_record(type(record), json.loads(json.dumps(plain(record))), "x") == record


def test_what_is_left_out_has_its_default() -> None:
    assert to_record(Spec, {"command": ["true"]}, "spec") == Spec(("true",))
    assert to_record(Spec, {"command": [], "timeout": 3}, "spec").timeout == 3.0


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([], "spec: an object is wanted, not a list"),
        ({}, "command"),
        ({"command": "true"}, "spec.command: tuple"),
        ({"command": [1]}, "spec.command[0]: str is wanted, not 1"),
        ({"command": ["a\0b"]}, "spec.command[0]"),
        ({"command": [], "shell": 1}, "spec.shell: bool is wanted, not 1"),
        ({"command": [], "nice": True}, "spec.nice: int is wanted, not True"),
        ({"command": [], "nice": 2**63}, "spec.nice"),
        ({"command": [], "timeout": "1"}, "spec.timeout"),
        ({"command": [], "timeout": float("inf")}, "spec.timeout"),
        ({"command": [], "timeout": float("nan")}, "spec.timeout"),
        ({"command": [], "after": [None]}, "spec.after[0]"),
        ({"command": [], "colour": "red"}, "spec: there is no field 'colour'"),
    ],
)
def test_what_is_wrong_is_named(found: object, words: str) -> None:
    with pytest.raises(Malformed) as caught:
        to_record(Spec, found, "spec")
    assert words in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*plain(FULL), "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_nothing_else_than_malformed_comes_of_anything(found: object) -> None:
    try:
        record = to_record(Spec, found, "spec")
    except Malformed:
        return
    assert to_record(Spec, json.loads(json.dumps(plain(record), allow_nan=False)), "spec") == record
