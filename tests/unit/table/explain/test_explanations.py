"""Explanations as functions of facts: what cannot be made on purpose, or would take too long."""

from __future__ import annotations

from typing import Any

import pytest

from procession.records import replace
from procession.table.explain import (
    asleep,
    descriptors_out,
    disk_sleep,
    kernel_thread,
    orphan,
    runaway,
    starved,
    swapping,
    throttled,
    waits_poll,
    waits_socket,
    zombie,
)
from procession.table.explain.every import EXPLANATIONS, explain, worst
from procession.table.explain.finding import FINE, NOTE, WRONG, Finding
from procession.table.explain.words import listed, long
from procession.table.facts import Person
from procession.table.facts_cgroup import Throttle
from procession.table.facts_rates import Rate
from procession.table.waits import Party, Wait
from tests.unit.table.explain.factkit import INIT, PARENT, facts


def wait(kind: str = "pipe", call: str = "read", **more: Any) -> Wait:
    return Wait(7, 7, kind, call, **more)


def head(one: Finding | None) -> str:
    assert one is not None
    return one.headline


@pytest.mark.parametrize("each", [each for each in EXPLANATIONS if each is not asleep.explain])
def test_nothing_is_said_of_what_is_not_so(each: Any) -> None:
    """A process of which nothing is known but that it sleeps."""
    assert each(facts()) is None


@pytest.mark.parametrize(
    ("function", "meaning"),
    [
        ("request_wait_answer", "the program behind a FUSE file system does not answer"),
        ("rpc_wait_bit_killable", "an NFS server does not answer"),
        ("percpu_rwsem_wait", "the file system is frozen"),
        ("io_schedule", "a disk has not answered yet"),
    ],
)
def test_what_state_d_waits_for(function: str, meaning: str) -> None:
    one = disk_sleep.explain(
        facts("D", wchan=function, waits=(wait("file", what="file /mnt/x (descriptor 3)"),))
    )
    assert head(one) == "asleep and deaf to signals (state D): reads from file /mnt/x (descriptor 3)"
    assert one is not None
    assert one.severity == WRONG
    assert one.why[0].startswith(f"it looks as if {meaning}")


def test_state_d_of_somebody_else() -> None:
    one = disk_sleep.explain(facts("D", waits=(wait("refused", "", what="refused"),)))
    assert head(one) == "asleep and deaf to signals (state D): waits for something"


def test_a_daemon_is_fine_and_an_orphan_is_not() -> None:
    daemon = orphan.explain(facts(origin="daemon", parent=INIT))
    left = orphan.explain(facts(origin="left", parent=INIT, group_leader_lives=False, pgrp=6))
    assert daemon is not None
    assert daemon.severity == FINE
    assert left is not None
    assert left.severity == NOTE
    assert "the leader of its process group, pid 6, has ended" in left.why


@pytest.mark.parametrize(
    ("age", "origin", "severity"),
    [(30.0, "", None), (90.0, "", NOTE), (90.0, "stray", WRONG), (601.0, "", WRONG)],
)
def test_a_runaway(age: float, origin: str, severity: str | None) -> None:
    me = Person(7, "thing", "R", age, 7)
    one = runaway.explain(
        facts(me=me, rate=Rate(0.2, 1.0, 0.0, 0.0), lifetime_cpu=0.95, origin=origin, parent=PARENT)
    )
    assert (one.severity if one is not None else None) == severity


def test_throttled_now_and_before() -> None:
    quota = Throttle("/box", 0.5, 1000, 400, 12.5)
    now = throttled.explain(facts(throttle=replace(quota, recent=2, recent_periods=3)))
    before = throttled.explain(facts(throttle=replace(quota, recent=0, recent_periods=3)))
    rarely = throttled.explain(facts(throttle=replace(quota, throttled=10, recent=0)))
    assert head(now) == "throttled: control group /box may use 0.5 CPUs, and wants more"
    assert now is not None
    assert now.why[0] == "just now in 2 of 3 periods"
    assert head(before).startswith("was throttled (not just now): ")
    assert rarely is None


def test_starved_and_not_when_a_quota_is_why() -> None:
    rate = Rate(0.2, 0.3, 0.7, 0.0)
    assert head(starved.explain(facts("R", rate=rate))).startswith("starved: in 70% of the last 0.2 s")
    quota = Throttle("/box", 0.5, 10, 5, 1.0, recent=1, recent_periods=2)
    assert starved.explain(facts("R", rate=rate, throttle=quota)) is None


def test_swapping() -> None:
    busy = swapping.explain(facts(rate=Rate(0.2, 0.0, 0.0, 300.0), swap=5_000_000))
    assert head(busy) == "waits for memory: 300 pages a second are read from swap or from files"
    assert head(swapping.explain(facts(swap=9_000_000))).startswith("mostly swapped out")


def test_nearly_out_of_descriptors() -> None:
    one = descriptors_out.explain(facts(descriptors=950))
    assert one is not None
    assert (one.severity, one.headline) == (NOTE, "nearly out of descriptors: 950 of 1,024 are open")


def test_a_kernel_thread() -> None:
    one = kernel_thread.explain(facts("I", is_kernel_thread=True, wchan="rescuer_thread"))
    assert head(one) == "a thread of the kernel, idle; the kernel function is rescuer_thread"


def test_a_zombie_whose_parent_is_init() -> None:
    one = zombie.explain(facts("Z", parent=INIT, was_dead=True, ending="was ended by SIGKILL"))
    assert head(one) == "a zombie: it was ended by SIGKILL, and its parent pid 1 (init) does not reap it"
    assert one is not None
    assert "real init" in one.todo[0]


def test_a_stopped_one_in_the_way_is_named() -> None:
    stopped = Person(8, "cat", "T", 5.0, 5)
    one = asleep.explain(
        facts(
            waits=(wait(what="pipe 3 (descriptor 0)", parties=(Party(8, "writer"),)),),
            people={8: stopped},
            chain=(Wait(8, 8, "unknown", "read"),),
        )
    )
    assert head(one) == (
        "asleep: reads from pipe 3 (descriptor 0), which is empty, whose only writer is pid 8 (cat), which is stopped"
    )
    assert one is not None
    assert one.why == ("pid 8 (cat) in turn is stopped",)


def test_what_cannot_be_seen_is_said() -> None:
    one = asleep.explain(facts(waits=(wait(what="pipe 3 (descriptor 0)", unseen=True),)))
    assert head(one).endswith("whose writer we cannot see")


def test_many_things_at_once_are_counted_and_listed() -> None:
    parts = tuple(wait("socket", "poll", what=f"socket {number}") for number in range(12))
    one = wait("poll", "poll", parts=parts, outside=True)
    assert waits_poll.phrase(one, facts()) == "waits for any of 12 things to happen (poll): 12 sockets"
    why, _ = waits_poll.advice(one, facts())
    assert why[0] == "input from socket 0"
    assert why[-1] == "and 4 more"


def test_a_connection_that_the_other_side_has_closed() -> None:
    one = wait(
        "socket", what="tcp socket a with b, closed by the other side, not by us (descriptor 3)", outside=True
    )
    assert waits_socket.advice(one, facts())[0] == ("the other side has closed the connection",)


def test_stopped_hides_what_it_would_wait_for() -> None:
    found = explain(facts("T", waits=(wait(),), parent=PARENT))
    assert [each.kind for each in found] == ["stopped"]


def test_something_is_said_of_everybody() -> None:
    for state in "RSDTtZ":
        assert explain(facts(state)), state
    assert [each.headline for each in explain(facts())] == [
        "asleep now and then: it was awake again when we looked closer"
    ]


def test_the_worst_counts() -> None:
    fine, note, wrong = (Finding("x", severity, "") for severity in (FINE, NOTE, WRONG))
    assert worst([fine, note, wrong]) == WRONG
    assert worst([fine, note]) == NOTE
    assert worst([]) == FINE


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "less than a second"), (1.5, "1 second"), (119, "119 seconds"), (120, "2 minutes"), (7200, "2 hours"),
     (172800, "2 days")],
)  # fmt: skip
def test_lengths_of_time(seconds: float, words: str) -> None:
    assert long(seconds) == words


def test_lists_of_names() -> None:
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(list("abcdefg")) == "a, b, c, d and 3 more"
