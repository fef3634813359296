"""The parts of a keeper that are plain functions: orders, conditions, verdicts, the loop's timers."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.jobs.keeper_loop import Loop
from procession.jobs.keeper_order import order_of
from procession.jobs.keeper_ready import Condition
from procession.jobs.keeper_verdict import Account, verdict
from procession.jobs.log_write import KEEP, SIZE
from procession.jobs.plain import Malformed, plain
from procession.jobs.spec import Spec
from procession.linux.pidfd import Status

ORDER: dict[str, Any] = {
    "job": 3,
    "run": 1,
    "mark": "ab12",
    "spec": plain(Spec(command=("true",))),
    "env": {"A": "b"},
}


def test_an_order() -> None:
    order = order_of({**ORDER, "do": "keep"})
    assert (order.name, order.mark, order.spec.command, order.env) == ("3.1", "ab12", ("true",), {"A": "b"})
    assert (order.log_max, order.log_keep, order.log_age) == (SIZE, KEEP, 0.0)
    assert order_of({**ORDER, "log_keep": 0, "log_max": 5000, "log_age": 60}).log_keep == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"job": "3"},
        {"run": None},
        {"mark": "../x"},
        {"mark": ""},
        {"spec": {}},
        {"spec": None},
        {"env": []},
        {"env": {"A": "\0"}},
    ],
    ids=str,
)
def test_an_order_that_makes_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        order_of({**ORDER, **wrong})


@given(st.binary(max_size=60), st.integers(0, 60), st.integers(1, 60))
def test_a_text_is_found_however_it_is_split(output: bytes, start: int, length: int) -> None:
    text = output[start : start + length]
    if b"\0" in text or not text:
        text = b"xyz"
    condition = Condition(f"log:{os.fsdecode(text)}", "/")
    found = [condition.printed(output[at : at + 7]) for at in range(0, len(output), 7)]
    assert any(found) == (text in output)


def done(status: Status, **more: Any) -> tuple[str, str]:
    account = Account()
    account.status = status
    for name, value in more.items():
        setattr(account, name, value)
    outcome = verdict(account, status.pid, 1.0)
    assert (outcome.code, outcome.signal) == (status.code, status.signal)
    return outcome.kind, outcome.reason


def test_verdicts() -> None:
    assert done(Status(7, 0, None)) == ("done", "ended normally")
    assert done(Status(7, 3, None)) == ("failed", "exited with code 3")
    assert done(Status(7, None, 9)) == ("killed", "was killed by SIGKILL (9)")
    assert done(Status(7, None, 15), sent={15}) == ("killed", "was killed by SIGTERM (15), sent by pn")
    assert done(Status(7, None, 9), memory="its limit") == (
        "memory",
        "went over its limit and was killed by SIGKILL (9)",
    )
    assert done(Status(7, 0, None), memory="its limit")[0] == "done"  # it has coped with the loss
    assert done(Status(7, 0, None), kind="stopped", why="was ended by a test") == (
        "stopped",
        "was ended by a test",
    )
    assert done(Status(7, None, 15), kind="timeout", why="was slow", memory="x") == ("timeout", "was slow")


def test_timers_come_in_their_order_and_may_be_taken_back() -> None:
    loop, seen = Loop(), []
    loop.after(0.02, "second", lambda: (seen.append(2), loop.stop()))  # type: ignore[func-returns-value,arg-type]
    loop.after(0.0, "first", lambda: (seen.append(1), loop.cancel("never")))  # type: ignore[func-returns-value,arg-type]
    loop.after(0.01, "never", lambda: seen.append(3))
    loop.run()
    assert seen == [1, 2]
    assert loop.left("first") is None


def test_a_descriptor_that_is_forgotten_is_not_served() -> None:
    import select

    loop, seen = Loop(), []
    pipes = [os.pipe() for _ in range(2)]
    try:
        for read, write in pipes:
            os.write(write, b"x")

            def served(_: int) -> None:
                seen.append(1)
                for each, _w in pipes:
                    loop.forget(each)

            loop.watch(read, select.POLLIN, served)
        loop.turn()
        assert seen == [1]
    finally:
        for pipe in pipes:
            for fd in pipe:
                os.close(fd)
