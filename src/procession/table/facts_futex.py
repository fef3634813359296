"""Waits for a futex(2): what stands in memory where it waits tells what it is.

- glibc's mutex (pthread_mutex_t): a lock word of 2 (somebody waits) and, eight bytes on, the tid of who has it, as
  glibc keeps it: no promise of the interface, checked against the threads that there are.
- priority inheriting and robust mutexes, and those of this package: the kernel's own layout, FUTEX_TID_MASK.
- pthread_join: the word is the tid of the thread that is waited for, which the kernel clears at its end.
- anything else (semaphores, condition variables, Python's locks): who may wake it cannot be known.
"""

from __future__ import annotations

import struct

from procession.table.board.formats import printable
from procession.table.syscalls import Call, mapping_at, read_memory, read_timespec
from procession.table.waits import Party, Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.world import World

_COMMAND = 0x7F
_PRIVATE, _REALTIME = 0x80, 0x100
_WAIT, _LOCK_PI, _WAIT_BITSET, _WAIT_REQUEUE_PI, _LOCK_PI2 = 0, 6, 9, 11, 13
_WAITERS, _TID = 0x80000000, 0x3FFFFFFF
_MUTEX = 20  # bytes of pthread_mutex_t that are looked at: lock, count, owner, nusers, kind
_CONTENDED = 2
_KINDS = (
    0,
    1,
    2,
    3,
)  # normal, recursive, errorcheck, adaptive; the flag of process-shared ones is masked off


def futex(world: World, pid: int, tid: int, call: Call) -> Wait:
    """Names the owner or the thread where memory tells; else says that it cannot be known."""
    address = call.arguments[0]
    operation = call.fd(1) if call.name == "futex" else _WAIT
    expected = call.arguments[2] & 0xFFFFFFFF
    is_private = bool(operation & _PRIVATE)
    timeout = (
        read_timespec(world.source, pid, call.arguments[3])
        if call.name == "futex" and call.arguments[3]
        else None
    )
    timed = timeout is not None
    if timed and operation & _COMMAND != _WAIT:
        timeout = None  # a moment of a clock, not a length
    memory = read_memory(world.source, pid, address, _MUTEX)
    place = _place(world, pid, address)
    owner, kind = _owner(world, pid, operation & _COMMAND, expected, memory, private=is_private)
    if owner is None:
        return Wait(pid, tid, "futex", call.name, place, outside=True, timeout=timeout, note=_untold(timed))
    process = world.process_of(owner)
    role = "thread" if kind == "thread" else "owner"
    parties = (Party(process, role, tid=owner),) if process is not None else ()
    note = "" if parties else f"its owner, thread {owner}, does not live any more"
    return Wait(
        pid, tid, "thread" if kind == "thread" else "futex", call.name, place, parties=parties, outside=timed,
        timeout=timeout, note=note or ("the owner as glibc keeps it" if kind == "mutex" else ""),
    )  # fmt: skip


def _owner(
    world: World, pid: int, command: int, expected: int, memory: bytes, *, private: bool
) -> tuple[int | None, str]:
    if len(memory) < 4:
        return None, ""
    word = struct.unpack_from("=I", memory)[0]
    if command in (_LOCK_PI, _LOCK_PI2, _WAIT_REQUEUE_PI):
        return world.outer(pid, word & _TID), "robust"
    if command not in (_WAIT, _WAIT_BITSET):
        return None, ""
    if word & _WAITERS and word & _TID and expected == word:
        return world.outer(pid, word & _TID), "robust"
    if word == expected and word > _CONTENDED:
        thread = world.outer(pid, word)
        if thread is not None and thread != pid and world.process_of(thread) == pid:
            return thread, "thread"
    if word == expected == _CONTENDED and len(memory) >= _MUTEX:
        inner, users, kind = struct.unpack_from("=iIi", memory, 8)
        owner = world.outer(pid, inner) if inner > 0 else None
        process = world.process_of(owner) if owner is not None else None
        is_mutex = kind & 0x7F in _KINDS and users >= 1 and process is not None
        if is_mutex and (process == pid or not private):
            return owner, "mutex"
    return None, ""


def _untold(timed: bool) -> str:
    limit = ", or until its time limit" if timed else ""
    return f"the kernel does not know who will wake it{limit}"


def _place(world: World, pid: int, address: int) -> str:
    mapping = mapping_at(world.source, pid, address)
    if mapping is None:
        return f"address {address:#x}"
    name, shared = mapping
    memory = f"memory shared with others ({printable(name)})" if shared else "its own memory"
    return f"address {address:#x} in {memory}"
