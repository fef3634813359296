"""Memory for items that do not fit into a record: regions of one sparse memfd.

::

    region, of 4 KiB << k   ┌ state size owner ... ┬ sizes of buffers ┬ pickle ┬ buffer ┬ buffer ...
                            └ 64 B ────────────────┴──────────────────┴────────┴ at multiples of 64
    free (a hole) ─▶ NEW ─▶ SENT ─── its record is in the line ───▶ TAKEN ─▶ shelf, or a hole again
                     (written)                                      (mapped by its receiver)

A region belongs to one process at a time, so its content needs no lock.  Who has one *mapped* is the
kernel's knowledge: a lock of an open file description (F_OFD_SETLK, fcntl(2)) on its first byte.  It goes
with the last process that has the description, so it tells the truth about killed receivers and about
children that a receiver has forked, and ``sweep`` frees exactly what nobody can look at any more.

Where regions lie is decided under the Guard, by one store: a word of a shelf (used again as it is, since
clearing pages costs more than writing them), or BUMP, which only grows; the file has room for decades.
What a kill may leave behind until the queue ends is the one region in the hands of the dead.
"""

from __future__ import annotations

import errno
import mmap
import os
import resource
import struct
import weakref
from functools import partial

from procession.ipc import identity
from procession.ipc.letters import places
from procession.ipc.queue_book import BUMP, BYTES, LARGE, SHELF_WORDS, SHELVES, SWEPT, WRAPPED, Book
from procession.linux.filelock import LockHolder, is_locked
from procession.linux.mapping import map_private
from procession.linux.memfd import create_memfd, punch
from procession.linux.robust import attempt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Buffer = bytes | bytearray | memoryview

MAPPED_MIN = 64 << 10  # bytes; below, copying is cheaper than mapping
PICKLE, PLAIN_BYTES = 0, 1  # kinds of content

_PAGE = 4096
FIRST = 1 << 16  # where the first region lies
_AREA = 1 << 62
_PER_SHELF = 8
_SHELF_COUNT = SHELF_WORDS // _PER_SHELF
_KEPT_MAX = 64 << 20  # bytes on all shelves together
_SWEEP_EVERY = 256 << 20  # bytes of new regions
_MAPPED_WRITE_MIN = 1 << 20
_MAPPINGS = 4  # kept for writing; of at most 32 MiB, like what is on the shelves
_PIECES = 512  # of one pwritev; IOV_MAX is 1024

_NEW, _SENT, _TAKEN = 0x6E65770A, 0x73656E74, 0x74616B65
_HEAD = struct.Struct("=8q")  # state, size, owner, start, kind, number of buffers, bytes of pickle, spare
_STATE = struct.Struct("=q")


class Payload:
    """What a region held.  ``free`` must be called once, after use; views may keep the region longer."""

    __slots__ = ("buffers", "data", "free", "kind")

    def __init__(self, whole: memoryview, free: Callable[[], object]) -> None:
        _, _, _, _, self.kind, count, size, _ = _HEAD.unpack_from(whole)
        sizes = struct.unpack_from(f"={count}q", whole, _HEAD.size)
        first = _HEAD.size + 8 * count
        self.data = whole[first : first + size]
        starts, _ = places(first + size, sizes)
        self.buffers = [whole[start : start + length] for start, length in zip(starts, sizes, strict=True)]
        self.free = free


class Regions:
    """The memfd, and what this process has of it mapped."""

    def __init__(self, book: Book, fd: int) -> None:
        self.fd = fd  # first: __del__ closes it whatever fails below
        self.book = book
        self.area = os.fstat(fd).st_size
        self._holder: LockHolder | None = None
        self._mapped: dict[int, mmap.mmap] = {}  # by offset: regions that this process has written to again
        _all.add(self)

    @classmethod
    def create(cls, book: Book) -> Regions:
        """New and empty.  Raises OSError (EMFILE, ENFILE, ENOMEM)."""
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
        area = _AREA if limit == resource.RLIM_INFINITY else min(_AREA, limit & -_PAGE)
        return cls(book, create_memfd("pn-queue-large", area))

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        # ``close`` is bound now: at the interpreter's end the module is empty.
        if self.fd >= 0:
            close(self.fd)

    # -- the sender's side -----------------------------------------------------------------------------

    def store(self, kind: int, data: Buffer, buffers: Sequence[memoryview] = ()) -> tuple[int, int]:
        """Write content into a region: its offset and size.  Raises OSError (ENOSPC, ENOMEM)."""
        sizes = [buffer.nbytes for buffer in buffers]
        end = _HEAD.size + 8 * len(sizes) + len(data)
        starts, total = places(end, sizes)
        offset, used_before = self._allocate(total)
        # Of a small region that the dead leave behind nobody asks: it saves two calls.
        state = _NEW if _is_large(total) else _SENT
        head = _HEAD.pack(state, total, os.getpid(), identity.started(), kind, len(sizes), len(data), 0)
        pieces: list[Buffer] = [head + struct.pack(f"={len(sizes)}q", *sizes), data]
        for buffer, start in zip(buffers, starts, strict=True):
            pieces += [bytes(start - end), buffer]
            end = start + buffer.nbytes
        try:
            if not (used_before and total >= _MAPPED_WRITE_MIN and self._copy(offset, total, pieces)):
                _write_all(self.fd, pieces, offset)
            if state == _NEW:
                os.pwrite(self.fd, _STATE.pack(_SENT), offset)
        except BaseException:
            self.free(offset, total)
            raise
        words, seat = self.book.words, self.book.sit()
        words[seat + LARGE] += 1
        words[seat + BYTES] += total
        return offset, total

    def _copy(self, offset: int, size: int, pieces: list[Buffer]) -> bool:
        """Write into a region that has its pages by a mapping, which is kept: three times as fast as pwrite."""
        try:
            mapped = self._mapped.pop(offset, None)
            if mapped is None or len(mapped) < size:
                while len(self._mapped) >= _MAPPINGS:
                    self._mapped.pop(next(iter(self._mapped)))
                flags = mmap.MAP_SHARED | mmap.MAP_POPULATE
                mapped = mmap.mmap(self.fd, size, flags, mmap.PROT_READ | mmap.PROT_WRITE, offset=offset)
        except (OSError, KeyError, StopIteration):
            return False  # no mapping to be had, or another thread is at it
        at = 0
        for piece in pieces:
            mapped[at : at + len(piece)] = piece  # of bytes: flat views and bytes only
            at += len(piece)
        self._mapped[offset] = mapped
        return True

    def _allocate(self, size: int) -> tuple[int, bool]:
        """Where to put so many bytes, and whether the region has been used before."""
        shelf, room = _shelf_of(size)
        words = self.book.words
        with self.book.section:
            for at in _words_of(shelf):
                offset = words[at]
                if offset:
                    if _is_large(size):
                        # Ours before it leaves the shelf, or ``sweep`` could take it for a dead receiver's.
                        mine = _HEAD.pack(_NEW, size, os.getpid(), identity.started(), 0, 0, 0, 0)
                        os.pwrite(self.fd, mine, offset)
                    words[at] = 0
                    return offset, True
            offset = self._place(room)
            words[BUMP] = offset + room
            if not 0 <= offset - words[SWEPT] < _SWEEP_EVERY:
                words[SWEPT] = offset
                self._sweep()
            return offset, False

    def _place(self, room: int) -> int:
        """Under the Guard: where a new region of ``room`` bytes can lie."""
        words = self.book.words
        offset, turns = words[BUMP], 0
        while True:
            if offset + room > self.area:
                turns += 1
                if turns > 1 or FIRST + room > self.area:
                    raise OSError(
                        errno.ENOSPC, "large items fill the queue to the file size limit (ulimit -f)"
                    )
                words[WRAPPED], offset = 1, FIRST
            if not words[WRAPPED]:
                return offset
            used = self._next_used(offset)
            if used < 0 or used >= offset + room:
                return offset
            offset = used + _shelf_of(self._head(used)[1])[1]

    # -- the receiver's side ---------------------------------------------------------------------------

    def load(self, offset: int, size: int) -> Payload:
        """The content of a region whose record this process has taken."""
        if size >= MAPPED_MIN:
            view = self._lease(offset, size)
            if view is not None:
                return Payload(view, _nothing)
        whole = bytearray(size)  # and not bytes: a buffer must be writable, as its sender's was
        view, done = memoryview(whole), 0
        while done < size:
            done += os.preadv(self.fd, [view[done:]], offset + done)
        return Payload(view, partial(self.free, offset, size))

    def _lease(self, offset: int, size: int) -> memoryview | None:
        """The region mapped, and this process's until the last view of it is gone; None where that fails."""
        try:
            holder = self._holder
            if holder is None:
                holder = self._holder = LockHolder(self.fd)
            holder.lock(offset)
        except OSError:
            return None
        try:
            os.pwrite(self.fd, _STATE.pack(_TAKEN), offset)
            return map_private(self.fd, size, offset, then=partial(self._lease_over, holder, offset, size))
        except OSError:
            holder.unlock(offset)
            return None

    def _lease_over(self, holder: LockHolder, offset: int, size: int) -> None:
        """The last view of a region has gone.  In any thread, and in the middle of anything."""
        if not holder.joint:
            self.free(offset, size, holder)
        elif holder.drop(offset):
            self.sweep()  # perhaps a child still has the locks; if not, these regions are nobody's

    # -- free again ------------------------------------------------------------------------------------

    def free(self, offset: int, size: int, holder: LockHolder | None = None) -> None:
        """Give a region back: to a shelf, or else to the kernel.  Waits for nobody: a finalizer may call it."""
        section = self.book.section
        if attempt(section.address):
            try:
                if self._put_on_shelf(offset, size, holder):
                    return
            finally:
                section.__exit__(None, None, None)
        # Before it is unlocked: or ``sweep`` might clear it too, after it has been given out again.
        punch(self.fd, offset, _shelf_of(size)[1])
        if holder is not None:
            holder.unlock(offset)

    def _put_on_shelf(self, offset: int, size: int, holder: LockHolder | None) -> bool:
        """Under the Guard: False if there is no place."""
        shelf, room = _shelf_of(size)
        words = self.book.words
        if self._shelved() + room <= _KEPT_MAX:
            for at in _words_of(shelf):
                if not words[at]:
                    if holder is not None:  # before the next one can have it
                        holder.unlock(offset)
                    words[at] = offset
                    return True
        return False

    def _shelved(self) -> int:
        shelves = self.book.words[SHELVES : SHELVES + SHELF_WORDS]
        return sum(_PAGE << at // _PER_SHELF for at, offset in enumerate(shelves) if offset)

    def sweep(self) -> None:
        """Free the regions of processes that have ended; another time, if somebody is in the Guard."""
        section = self.book.section
        if attempt(section.address):
            try:
                self._sweep()
            finally:
                section.__exit__(None, None, None)

    def _sweep(self) -> None:
        """Under the Guard.  Costs some 3 µs for each region in use."""
        offset = FIRST
        while (offset := self._next_used(offset)) >= 0:
            state, size, owner, start = self._head(offset)
            room = _shelf_of(size)[1]
            if (state == _TAKEN and not is_locked(self.fd, offset)) or (
                state == _NEW and not identity.is_alive(owner << 32, start)
            ):
                punch(self.fd, offset, room)  # a shelf may hold it as well: then it is used again, empty
            offset += room

    def _next_used(self, offset: int) -> int:
        try:
            return os.lseek(self.fd, offset, os.SEEK_DATA) & -_PAGE
        except OSError as error:
            if error.errno == errno.ENXIO:
                return -1
            raise

    def _head(self, offset: int) -> tuple[int, ...]:
        return _HEAD.unpack(os.pread(self.fd, _HEAD.size, offset))[:4]

    def share_out(self) -> None:
        """This process forks: what it has mapped, its child has too, and neither can free it alone."""
        holder, self._holder = self._holder, None
        if holder is not None:
            holder.joint = True


_all: weakref.WeakSet[Regions] = weakref.WeakSet()


def _shelf_of(size: int) -> tuple[int, int]:
    """The number of its shelf and the room that a region of this size takes."""
    shelf = max(0, (size - 1).bit_length() - 12)
    return shelf, _PAGE << shelf


def _is_large(size: int) -> bool:
    """May a region of this size, or another one on its shelf, ever be mapped?"""
    return _shelf_of(size)[1] >= MAPPED_MIN


def _words_of(shelf: int) -> range:
    """Where the offsets on a shelf stand in the book; the largest regions have no shelf."""
    if shelf >= _SHELF_COUNT:
        return range(0)
    return range(SHELVES + shelf * _PER_SHELF, SHELVES + (shelf + 1) * _PER_SHELF)


def _write_all(fd: int, pieces: list[Buffer], offset: int) -> None:
    views = [memoryview(piece) for piece in pieces if len(piece)]
    while views:
        done = os.pwritev(fd, views[:_PIECES], offset)  # at most 2 GiB less a page (write(2))
        offset += done
        while views and done >= views[0].nbytes:
            done -= views.pop(0).nbytes
        if done:
            views[0] = views[0][done:]


def _nothing() -> None:
    pass


def _forking() -> None:
    for regions in list(_all):
        regions.share_out()


# In the parent twice: another thread may map something between the first and the fork.
os.register_at_fork(before=_forking, after_in_parent=_forking, after_in_child=_forking)
