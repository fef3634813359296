"""Waits for any of several descriptors: poll(2), select(2), epoll(7).  The sets stand in the process's memory."""

from __future__ import annotations

import struct

from procession.table.descriptors import describe
from procession.table.facts_fd import poll_of, waits_on
from procession.table.syscalls import Call, read_memory, read_timespec, signed
from procession.table.waits import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from procession.table.descriptors import Descriptor
    from procession.table.world import World

_IN, _OUT = (
    0x1 | 0x2 | 0x40 | 0x2000,
    0x4 | 0x100,
)  # POLLIN, POLLPRI, POLLRDNORM, POLLRDHUP; POLLOUT, POLLWRNORM
_MOST = 256  # descriptors of one call that are looked at


def poll(world: World, pid: int, tid: int, call: Call) -> Wait:
    """The set of poll and ppoll: an array of struct pollfd (int fd; short events, revents)."""
    count = min(call.arguments[1], _MOST)
    data = read_memory(world.source, pid, call.arguments[0], count * 8) if count else b""
    wanted = [
        (fd, events) for fd, events, _ in struct.iter_unpack("=ihh", data[: len(data) // 8 * 8]) if fd >= 0
    ]
    if call.name == "poll":
        milliseconds = call.fd(2)
        timeout = milliseconds / 1000 if milliseconds >= 0 else None
    else:
        timeout = read_timespec(world.source, pid, call.arguments[2])
    return _of(world, (pid, tid), call.name, wanted, timeout)


def select(world: World, pid: int, tid: int, call: Call) -> Wait:
    """The sets of select and pselect6: two bit maps."""
    count = min(max(call.fd(0), 0), 1024)
    size = (count + 63) // 64 * 8
    wanted: dict[int, int] = {}
    for at, events in ((1, 0x1), (2, 0x4)):
        data = read_memory(world.source, pid, call.arguments[at], size) if size else b""
        bits = int.from_bytes(data, "little")
        for fd in range(count):
            if bits >> fd & 1:
                wanted[fd] = wanted.get(fd, 0) | events
    # select's struct timeval has microseconds where a timespec has nanoseconds.
    timeout = read_timespec(world.source, pid, call.arguments[4])
    if timeout is not None and call.name == "select":
        timeout = int(timeout) + (timeout - int(timeout)) * 1000
    return _of(world, (pid, tid), call.name, wanted.items(), timeout)


def epoll(world: World, pid: int, tid: int, call: Call) -> Wait:
    """epoll_wait and its like: what is watched stands in fdinfo."""
    descriptor = describe(world.source, pid, call.fd())
    parts = watched(world, pid, tid, call.name, descriptor) if descriptor is not None else ()
    if call.name == "epoll_pwait2":
        timeout = read_timespec(world.source, pid, call.arguments[3])
    else:
        milliseconds = signed(call.arguments[3])
        timeout = milliseconds / 1000 if milliseconds >= 0 else None
    return poll_of(pid, tid, call.name, parts, timeout)


def watched(world: World, pid: int, tid: int, call: str, descriptor: Descriptor) -> tuple[Wait, ...]:
    """The descriptors in an epoll set: lines ``tfd: 4 events: 19 data: ...`` of its fdinfo."""
    wanted = []
    for line in descriptor.info.get("tfd", "").split("\n"):
        words = line.split()
        if len(words) >= 3 and words[1] == "events:":
            wanted.append((int(words[0]), int(words[2], 16)))
    return _parts(world, pid, tid, call, sorted(each for each in wanted if each[0] != descriptor.fd))


def _of(
    world: World, who: tuple[int, int], call: str, wanted: Iterable[tuple[int, int]], timeout: float | None
) -> Wait:
    pid, tid = who
    parts = _parts(world, pid, tid, call, wanted)
    if not parts and timeout is not None:  # a way to sleep
        return Wait(pid, tid, "timer", call, outside=True, timeout=timeout)
    return poll_of(pid, tid, call, parts, timeout)


def _parts(
    world: World, pid: int, tid: int, call: str, wanted: Iterable[tuple[int, int]]
) -> tuple[Wait, ...]:
    found = []
    for fd, events in list(wanted)[:_MOST]:
        descriptor = describe(world.source, pid, fd)
        if descriptor is None:
            continue
        if events & _IN or not events & _OUT:
            found.append(waits_on(world, pid, tid, call, descriptor, writing=False))
        if events & _OUT:
            found.append(waits_on(world, pid, tid, call, descriptor, writing=True))
    return tuple(found)
