"""Waits for one descriptor: pipes, sockets, terminals, files."""

from __future__ import annotations

import os

from procession.table import files
from procession.table.board.formats import printable
from procession.table.descriptors import Descriptor, describe
from procession.table.syscalls import Call, read_text
from procession.table.waits import Party, Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.holders import Holder
    from procession.table.world import World

_NOTICES = ("eventfd", "signalfd", "timerfd", "inotify", "fanotify", "userfaultfd", "pidfd", "epoll")
_STDIN = ("standard input", "standard output", "standard error")


def read(world: World, pid: int, tid: int, call: Call) -> Wait:
    """It wants to read from its first argument."""
    return wait_for(world, pid, tid, call.name, call.fd(), writing=False)


def write(world: World, pid: int, tid: int, call: Call) -> Wait:
    """It wants to write to its first argument."""
    return wait_for(world, pid, tid, call.name, call.fd(), writing=True)


def between(world: World, pid: int, tid: int, call: Call) -> Wait:
    """splice, tee, copy_file_range: from one to the other; either may be what blocks, so both are named."""
    out = call.fd(1 if call.name == "tee" else 2)
    ends = tuple(
        wait_for(world, pid, tid, call.name, fd, writing=writing)
        for fd, writing in ((call.fd(), False), (out, True))
    )
    return poll_of(pid, tid, call.name, ends, None)


def poll_of(pid: int, tid: int, call: str, parts: tuple[Wait, ...], timeout: float | None) -> Wait:
    """Whatever happens first of several."""
    parties = {party: None for part in parts for party in part.parties}  # each once, in order
    return Wait(
        pid,
        tid,
        "poll",
        call,
        parties=tuple(parties),
        outside=timeout is not None or not parts or any(part.outside for part in parts),
        unseen=any(part.unseen for part in parts),
        timeout=timeout,
        parts=parts,
    )


def accept(world: World, pid: int, tid: int, call: Call) -> Wait:
    """It listens: anybody may connect."""
    descriptor = describe(world.source, pid, call.fd())
    what = _words(world, descriptor) if descriptor is not None else f"descriptor {call.fd()}"
    return Wait(pid, tid, "listener", call.name, what, call.fd(), outside=True)


def connect(world: World, pid: int, tid: int, call: Call) -> Wait:
    """It waits for an answer, or (unix) for room in the queue of who listens there."""
    descriptor = describe(world.source, pid, call.fd())
    what = _words(world, descriptor) if descriptor is not None else f"descriptor {call.fd()}"
    return Wait(pid, tid, "socket", call.name, what, call.fd(), outside=True, note="it connects")


def opening(world: World, pid: int, tid: int, call: Call) -> Wait:
    """A fifo opens when somebody opens its other end; any other file when its disk or server answers."""
    at = 0 if call.name in ("open", "creat") else 1
    path = os.fsdecode(read_text(world.source, pid, call.arguments[at]))
    flags = call.arguments[at + 1] if call.name in ("open", "openat") else os.O_RDONLY
    if _sleeps_in(world, pid, tid) in (b"wait_for_partner", b"fifo_open"):
        writing = flags & os.O_ACCMODE == os.O_WRONLY
        return Wait(pid, tid, "fifo", call.name, f"fifo {printable(path)}", writing=writing, outside=True)
    return Wait(pid, tid, "file", call.name, f"file {printable(path)}", outside=True)


def wait_for(world: World, pid: int, tid: int, call: str, fd: int, *, writing: bool) -> Wait:
    """To read from or write to descriptor ``fd``."""
    descriptor = describe(world.source, pid, fd)
    if descriptor is None:
        return Wait(pid, tid, "unknown", call, f"descriptor {fd}", fd, writing, outside=True)
    return waits_on(world, pid, tid, call, descriptor, writing=writing)


def waits_on(world: World, pid: int, tid: int, call: str, descriptor: Descriptor, *, writing: bool) -> Wait:
    """The same, of a descriptor that is known."""
    kind = descriptor.kind
    fd, what = descriptor.fd, _words(world, descriptor)
    # Is a file a fifo?  A stat would tell, and could hang; so does the kernel function.
    if kind == "pipe" or (kind == "file" and b"pipe" in _sleeps_in(world, pid, tid)):
        parties = _parties(world.holders.of(descriptor.link), "r" if writing else "w")
        unseen = bool(world.holders.refused)
        if kind == "file":
            what = "fifo" + what.removeprefix("file")
        return Wait(pid, tid, "pipe", call, what, fd, writing, parties, unseen=unseen)
    if kind == "socket":
        return _socket(world, pid, tid, call, descriptor, writing=writing)
    if kind in ("terminal", "pty"):
        parties = _others(pid, world.holders.other_end(descriptor), "at the other end")
        return Wait(pid, tid, "terminal", call, what, fd, writing, parties, outside=True)
    if kind == "pidfd" and not writing:
        ends = descriptor.info.get("Pid", "")
        if ends.isdigit() and int(ends) > 0:
            return Wait(pid, tid, "child", call, what, fd, parties=(Party(int(ends), "process"),))
    if kind in _NOTICES:
        return _notice(world, pid, tid, call, descriptor)
    return Wait(pid, tid, "device" if kind == "device" else "file", call, what, fd, writing, outside=True)


def _notice(world: World, pid: int, tid: int, call: str, descriptor: Descriptor) -> Wait:
    kind, what = descriptor.kind, _words(world, descriptor)
    if kind == "eventfd":
        note = f"counter {descriptor.info.get('eventfd-count', '?').strip()}"
        return Wait(pid, tid, "notice", call, "eventfd (a counter that somebody sets)", descriptor.fd, outside=True,
                    note=note)  # fmt: skip
    if kind == "timerfd":
        return Wait(pid, tid, "timer", call, what, descriptor.fd, outside=True)
    if kind == "epoll":
        from procession.table.facts_poll import watched

        return poll_of(pid, tid, call, watched(world, pid, tid, call, descriptor), None)
    return Wait(pid, tid, "notice", call, what, descriptor.fd, outside=True)


def _socket(world: World, pid: int, tid: int, call: str, descriptor: Descriptor, *, writing: bool) -> Wait:
    socket = world.holders.socket(descriptor)
    what = _words(world, descriptor)
    fd = descriptor.fd
    if socket is None:
        return Wait(pid, tid, "socket", call, what, fd, writing, outside=True)
    if socket.is_listening:
        return Wait(pid, tid, "listener", call, what, fd, outside=True)
    if not socket.peer:
        # Of another machine, or one that anybody may send to (datagrams), or netlink: the kernel.
        return Wait(pid, tid, "socket", call, what, fd, writing, outside=True)
    parties = _parties(world.holders.of(f"socket:[{socket.peer}]"), "rw", "peer")
    far = world.holders.sockets.get(socket.peer)
    note = (
        f"{far.received:,} bytes wait there to be read"
        if writing and far is not None and far.received
        else ""
    )
    unseen = bool(world.holders.refused)
    # A peer that nobody holds: in a message on its way, or in a process that is not ours to look into.
    return Wait(
        pid, tid, "socket", call, what, fd, writing, parties, outside=not parties, unseen=unseen, note=note
    )


def _parties(holders: list[Holder], mode: str, role: str = "") -> tuple[Party, ...]:
    role = role or ("reader" if mode == "r" else "writer")
    found: dict[int, Party] = {}
    for holder in holders:
        if set(mode) & set(holder.mode):
            found.setdefault(holder.pid, Party(holder.pid, role, holder.fd))
    return tuple(found.values())


def _others(pid: int, holders: list[Holder], role: str) -> tuple[Party, ...]:
    found = {holder.pid: Party(holder.pid, role, holder.fd) for holder in holders if holder.pid != pid}
    return tuple(found.values())


def _sleeps_in(world: World, pid: int, tid: int) -> bytes:
    """The kernel function that a thread sleeps in."""
    try:
        return world.source.read_now(f"{pid}/task/{tid}", files.WCHAN)
    except OSError:
        return b""


def _words(world: World, descriptor: Descriptor) -> str:
    socket = world.holders.socket(descriptor) if descriptor.kind == "socket" else None
    words = printable(descriptor.words(socket))
    is_standard = 0 <= descriptor.fd < len(_STDIN)
    return f"{words} ({_STDIN[descriptor.fd] if is_standard else f'descriptor {descriptor.fd}'})"
