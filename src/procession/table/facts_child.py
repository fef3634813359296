"""Waits for children: wait4(2), waitid(2), and vfork(2), whose caller sleeps until the child runs a program."""

from __future__ import annotations

from procession.table.syscalls import Call
from procession.table.waits import Party, Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.world import World

_ALL, _PID, _PGID, _PIDFD = 0, 1, 2, 3  # waitid(2): idtype_t


def child(world: World, pid: int, tid: int, call: Call) -> Wait:
    """Of the children that fit, those that live: zombies among them would have ended the wait."""
    wanted, group = _whom(world, pid, call)
    living = [
        each
        for each in world.snapshot.children.get(pid, ())
        if each.state not in "ZXx"
        and (not wanted or each.pid == wanted)
        and (not group or each.pgrp == group)
    ]
    parties = tuple(Party(each.pid, "child") for each in living)
    what = "its child" if wanted else "any of its children"
    # A child that ended between the two looks, or one that somebody else traces: nobody to name.
    return Wait(pid, tid, "child", call.name, what, parties=parties, outside=not parties)


def _whom(world: World, pid: int, call: Call) -> tuple[int, int]:
    """(pid, process group) that is waited for; 0: any."""
    if call.name == "wait4":
        number = call.fd()
        record = world.snapshot.by_pid.get(pid)
        own = record.pgrp if record is not None else 0
        if number > 0:
            number = world.outer(pid, number) or number
        return (number, 0) if number > 0 else (0, own if number == 0 else -number if number < -1 else 0)
    kind, number = call.fd(0), call.fd(1)
    if kind == _PIDFD:
        from procession.table.descriptors import read_info

        number = int(read_info(world.source, pid, number).get("Pid", "0"))
        return max(number, 0), 0
    if kind == _PID:
        number = world.outer(pid, number) or number
    return (number, 0) if kind == _PID else (0, number if kind == _PGID else 0)


def vfork(world: World, pid: int, tid: int, call: Call) -> Wait:
    """The child shares its memory, and it sleeps (deaf to all but SIGKILL) until the child lets go of that."""
    record = world.snapshot.by_pid.get(pid)
    if record is None or record.state != "D":
        return Wait(pid, tid, "unknown", call.name, outside=True)
    children = world.snapshot.children.get(pid, ())
    youngest = max(children, key=lambda each: (each.starttime, each.pid), default=None)
    parties = (Party(youngest.pid, "child"),) if youngest is not None else ()
    return Wait(pid, tid, "vfork", call.name, "its new child", parties=parties, outside=not parties)
