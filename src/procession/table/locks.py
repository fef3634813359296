"""Waits for file locks: flock(2), and fcntl(2) with F_SETLKW or F_OFD_SETLKW.

Who has the lock stands in /proc/locks by pid, but that may be wrong or missing: a flock is shared by all who have
inherited the descriptor, and locks of open file descriptions have no pid at all.  So the descriptors of everybody
who has the same file open are asked (fdinfo, "lock:").
"""

from __future__ import annotations

from procession.linux.filelocks import FileLock, parse_lock
from procession.table.board.formats import printable
from procession.table.descriptors import describe
from procession.table.syscalls import Call
from procession.table.waits import Party, Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.descriptors import Descriptor
    from procession.table.world import World

_SETLKW = (7, 38)  # F_SETLKW, F_OFD_SETLKW


def flock(world: World, pid: int, tid: int, call: Call) -> Wait:
    """It waits for a lock on the whole file."""
    return _lock(world, pid, tid, call, ("FLOCK",))


def fcntl(world: World, pid: int, tid: int, call: Call) -> Wait:
    """It waits for a lock on a range of bytes."""
    if call.fd(1) not in _SETLKW:
        return Wait(pid, tid, "unknown", call.name, f"descriptor {call.fd()}", call.fd(), outside=True)
    return _lock(world, pid, tid, call, ("POSIX", "OFDLCK"))


def _lock(world: World, pid: int, tid: int, call: Call, kinds: tuple[str, ...]) -> Wait:
    descriptor = describe(world.source, pid, call.fd())
    if descriptor is None:
        return Wait(pid, tid, "unknown", call.name, f"descriptor {call.fd()}", call.fd(), outside=True)
    numbers = {each.number for each in world.locks if each.waits and each.pid == pid and each.kind in kinds}
    held = [each for each in world.locks if not each.waits and each.number in numbers]
    parties = _holders(world, pid, descriptor, held, kinds)
    what = f"a lock on {printable(descriptor.words())} (descriptor {call.fd()})"
    unseen = bool(world.holders.refused) and not parties
    return Wait(
        pid, tid, "lock", call.name, what, call.fd(), True, parties, every=True, outside=not parties, unseen=unseen
    )  # fmt: skip


def _holders(
    world: World, pid: int, descriptor: Descriptor, held: list[FileLock], kinds: tuple[str, ...]
) -> tuple[Party, ...]:
    """By descriptor first; whoever only /proc/locks names, if it still lives."""
    wanted = {_same(each) for each in held}
    found: dict[int, Party] = {}
    for holder in world.holders.of(descriptor.link):
        other = world.holders.describe(holder)
        for line in (other.info.get("lock", "") if other is not None else "").split("\n"):
            lock = parse_lock(line)
            if lock is not None and lock.kind in kinds and (not wanted or _same(lock) in wanted):
                found.setdefault(holder.pid, Party(holder.pid, "holder", holder.fd))
    for each in held:
        if each.pid > 0 and each.pid in world.snapshot.by_pid and not found:
            found[each.pid] = Party(each.pid, "holder")
    found.pop(pid, None)
    return tuple(found.values())


def _same(lock: FileLock) -> tuple[object, ...]:
    """What tells a lock from others: the holder of another range of the file is in nobody's way."""
    return lock.kind, lock.access, lock.file, lock.start, lock.end
