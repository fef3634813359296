"""Facts made up for one explanation at a time."""

from __future__ import annotations

from typing import Any

from procession.records import replace
from procession.table.facts import Facts, Person

SOMEBODY = Person(7, "thing", "S", 90.0, 7)
PARENT = Person(5, "shell", "S", 7200.0, 5)
INIT = Person(1, "init", "S", 1e6, 1)

_PLAIN = Facts(
    me=SOMEBODY,
    is_kernel_thread=False,
    user="alice",
    pgrp=7,
    tty="",
    foreground=-1,
    parent=PARENT,
    parent_sigchld="",
    role="",
    origin="",
    leader=PARENT,
    group_leader_lives=True,
    children=(),
    thread_states=("S",),
    ending="",
    was_dead=False,
    tracer=None,
    frozen="",
    tids=(7,),
    waits=(None,),
    chain=(),
    ring=None,
    people={5: PARENT, 7: SOMEBODY},
    wchan="",
    stack=(),
    place="",
    rate=None,
    lifetime_cpu=0.0,
    cpu_pressure=None,
    rss=1_000_000,
    swap=0,
    throttle=None,
    descriptors=3,
    descriptor_limit=1024,
)


def facts(state: str = "S", **changes: Any) -> Facts:
    """A process that is asleep, but for what is said."""
    return replace(_PLAIN, **{"me": replace(SOMEBODY, state=state), **changes})
