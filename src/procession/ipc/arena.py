"""Small pieces of shared memory, many to a memfd, that can be sent to any process at any time.

::

    chunk, a memfd of 1 MiB        ┌ key ┬ slot ┬ slot ┬ slot ┬ ...          one descriptor for
                                   └ 64  ┴──────┴──────┴──────┴ ...          some 8,000 locks
    slot ── pickles as ──▶ (chunk, offset, size)
    chunk ── pickles as ──▶ (its descriptor, size, key)    once in a pickle, however many slots go along

A process that gets a chunk whose key it knows keeps the mapping that it has: two arrivals of one object
are on the same memory.  A forked child has its parent's chunks mapped, and makes new objects in its own.

A chunk is unmapped, and its descriptor closed, when no slot of it is left in this process.  A slot is
handed out a second time only while nobody else can know it: it was never pickled, and its maker has not
forked since.  Any other one lies idle until its chunk goes.
"""

from __future__ import annotations

import ctypes
import os
import threading
import weakref

from procession.ipc import carry
from procession.linux.memfd import create_memfd, map_shared, seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CHUNK = 1024 * 1024  # bytes; a page of it takes memory once it is touched
ALIGNMENT = 64
_KEY = 16
_ALONE = CHUNK // 16  # a larger slot has a chunk of its own

_known: weakref.WeakValueDictionary[bytes, Chunk] = weakref.WeakValueDictionary()
_lock = threading.RLock()  # RLock: the collector may unpickle or drop slots in the middle of anything
_current: weakref.ref[Chunk] | None = None
_idle: dict[int, list[tuple[weakref.ref[Chunk], int]]] = {}  # by size: slots to hand out again
_era = 0  # goes up at each fork: what is older may be known to a child, or is our parent's


class Chunk:
    """One memfd, mapped.  It lives as long as its slots and the views into it."""

    __slots__ = ("__weakref__", "_identity", "address", "fd", "filled", "key", "memory", "size")

    def __init__(self, fd: int, size: int, key: bytes) -> None:
        self.fd = fd  # first: __del__ closes it whatever fails below
        self.size = size
        self.key = key
        self.filled = ALIGNMENT
        self._identity = _file(fd)
        memory = map_shared(fd, size)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        self.memory = memoryview(memory)

    def __reduce__(self) -> tuple[Any, ...]:
        if _file(self.fd) != self._identity:
            raise OSError(f"shared memory cannot be sent on: somebody has closed its descriptor {self.fd}")
        return _arrived_chunk, (carry.share(self.fd), self.size, self.key)

    def __deepcopy__(self, _: object) -> Chunk:
        return self  # copy.deepcopy goes by __reduce__ otherwise

    def __del__(self) -> None:
        # Views into the memory keep its mapping by themselves; what nobody looks at is unmapped here.
        try:
            if _file(self.fd) == self._identity:
                os.close(self.fd)
        except (AttributeError, OSError, TypeError):
            pass  # it was never whole, or the interpreter is going down


class Slot:
    """``size`` zeroed bytes (rounded up to ``ALIGNMENT``) at ``address``, in this process and wherever it goes."""

    __slots__ = ("__weakref__", "_era", "_memory", "address", "chunk", "offset", "passed", "size")

    def __init__(self, chunk: Chunk, offset: int, size: int, era: int = -1) -> None:
        self._era = era  # -1: another process made it
        self.passed = False
        self.chunk = chunk
        self.offset = offset
        self.size = size
        self.address = chunk.address + offset

    @property
    def memory(self) -> memoryview:
        """The bytes.  A view that outlives the slot may see it handed out again: keep the slot with it."""
        return self.chunk.memory[self.offset : self.offset + self.size]

    def buffer(self) -> Any:
        """The bytes as a ctypes array that keeps the slot alive, and with it any view made of it."""
        buffer: Any = (ctypes.c_char * self.size).from_buffer(self.memory)
        buffer.keeps = self
        return buffer

    def create_memoryview(self) -> memoryview:
        """What ``multiprocessing.heap.BufferWrapper`` has under this name."""
        return memoryview(self.buffer()).cast("B")

    def __reduce__(self) -> tuple[Any, ...]:
        self.passed = True
        return Slot, (self.chunk, self.offset, self.size)

    def __deepcopy__(self, _: object) -> Slot:
        return self

    def __del__(self) -> None:
        # Appending needs no lock: this may run in the middle of allocate.
        try:
            if self._era == _era and not self.passed:
                size = _rounded(self.size)
                _idle.setdefault(size, []).append((weakref.ref(self.chunk), self.offset))
        except (AttributeError, TypeError):
            pass  # the interpreter is going down


def allocate(size: int) -> Slot:
    """A new slot of ``size`` zeroed bytes.  Raises ValueError, OSError (EMFILE, ENFILE, ENOMEM)."""
    global _current
    if size < 0:
        raise ValueError(f"the size of shared memory cannot be negative: {size}")
    room = _rounded(size)
    if room > _ALONE:
        return Slot(_new_chunk(room + ALIGNMENT), ALIGNMENT, size, -1)
    with _lock:
        again = _take_idle(room)
        if again is not None:
            slot = Slot(*again, size, _era)
            slot.memory[:] = bytes(size)
            return slot
        chunk = _current() if _current is not None else None
        if chunk is None or chunk.filled + room > chunk.size:
            chunk = _new_chunk(CHUNK)
            _current = weakref.ref(chunk)
        offset = chunk.filled
        chunk.filled += room
        return Slot(chunk, offset, size, _era)


def _take_idle(room: int) -> tuple[Chunk, int] | None:
    idle = _idle.get(room)
    while idle:
        where, offset = idle.pop()
        chunk = where()
        if chunk is not None:
            return chunk, offset
    return None


def _new_chunk(size: int) -> Chunk:
    key = os.urandom(_KEY)
    chunk = Chunk(create_memfd("pn-shared", size), size, key)
    seal(chunk.fd)
    chunk.memory[:_KEY] = key
    _known[key] = chunk
    return chunk


def _arrived_chunk(shared: Any, size: int, key: bytes) -> Chunk:
    fd = shared.detach()
    with _lock:
        chunk = _known.get(key)
        if chunk is not None:
            os.close(fd)
            return chunk
        chunk = Chunk(fd, size, key)
        if chunk.memory[:_KEY] != key:
            raise ValueError("the descriptor that came along is not that of the shared memory that was sent")
        _known[key] = chunk
        return chunk


def _file(fd: int) -> tuple[int, int]:
    try:
        facts = os.fstat(fd)
    except OSError:
        return (-1, -1)
    return facts.st_dev, facts.st_ino


def _rounded(size: int) -> int:
    return max(ALIGNMENT, (size + ALIGNMENT - 1) & -ALIGNMENT)


def _new_era() -> None:
    global _era
    _era += 1
    _idle.clear()


def _in_child() -> None:
    global _lock, _current
    _lock = threading.RLock()
    _current = None
    _new_era()


# In the parent twice: another thread may make a slot between the first and the fork.
os.register_at_fork(before=_new_era, after_in_parent=_new_era, after_in_child=_in_child)
