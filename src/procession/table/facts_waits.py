"""From the system call that a thread is in to what it waits for.

::

    /proc/PID/task/TID/syscall ─▶ Call ─▶ by its meaning ─▶ facts_fd, facts_poll, facts_futex, facts_child, locks ─▶ Wait
"""

from __future__ import annotations

import os

from procession.table import facts_child, facts_fd, facts_futex, facts_poll, locks
from procession.table.syscalls import Call, current_call, read_timespec
from procession.table.waits import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.table.world import World

    Reader = Callable[[World, int, int, Call], Wait]


def wait_of(world: World, pid: int, tid: int) -> Wait | None:
    """What a thread waits for now; None when it runs or is gone.  Kinds unknown and refused say that it cannot be told."""
    call = current_call(world.source, pid, tid)
    if call is None or call.meaning == "running":
        return None
    if call.meaning == "refused":
        # Even root is refused: what is in another user namespace, or protected by a security module.
        return Wait(pid, tid, "refused", "", note="" if os.geteuid() else "root", outside=True)
    if call.meaning in ("outside", "foreign"):
        return Wait(pid, tid, "unknown", "", call.meaning, outside=True)
    reader = _READERS.get(call.meaning)
    return reader(world, pid, tid, call) if reader is not None else _unknown(world, pid, tid, call)


def _unknown(_: World, pid: int, tid: int, call: Call) -> Wait:
    return Wait(pid, tid, "unknown", call.name, outside=True)


def _sleep(world: World, pid: int, tid: int, call: Call) -> Wait:
    at = 2 if call.name == "clock_nanosleep" else 0
    is_absolute = call.name == "clock_nanosleep" and call.arguments[1] & 1  # TIMER_ABSTIME
    length = read_timespec(world.source, pid, call.arguments[at])
    if is_absolute and length is not None:
        import time

        # Clocks of CPU time have other numbers, and nobody reads those of others by them.
        clock = call.fd(0)
        length = max(0.0, length - time.clock_gettime(clock)) if clock in _CLOCKS else None
    note = "left" if is_absolute else "asked"
    return Wait(pid, tid, "timer", call.name, outside=True, timeout=length, note=note)


_CLOCKS = (0, 1, 7)  # CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME


def _again(_: World, pid: int, tid: int, call: Call) -> Wait:
    what = "a sleep, poll or futex with a time limit that a stop or a signal had interrupted"
    return Wait(pid, tid, "timer", call.name, what, outside=True)


def _signal(_: World, pid: int, tid: int, call: Call) -> Wait:
    return Wait(pid, tid, "signal", call.name, outside=True)


def _by_key(_: World, pid: int, tid: int, call: Call) -> Wait:
    what = "System V semaphore set" if call.meaning == "semaphore" else "System V message queue"
    return Wait(pid, tid, "unknown", call.name, f"{what} {call.fd()}", outside=True)


_READERS: dict[str, Reader] = {
    "read": facts_fd.read,
    "write": facts_fd.write,
    "between": facts_fd.between,
    "accept": facts_fd.accept,
    "connect": facts_fd.connect,
    "open": facts_fd.opening,
    "poll": facts_poll.poll,
    "select": facts_poll.select,
    "epoll": facts_poll.epoll,
    "futex": facts_futex.futex,
    "child": facts_child.child,
    "vfork": facts_child.vfork,
    "flock": locks.flock,
    "fcntl": locks.fcntl,
    "sleep": _sleep,
    "again": _again,
    "signal": _signal,
    "semaphore": _by_key,
    "message": _by_key,
}
