"""What the parent and a worker say to each other: packets of a head and a payload.

::

    parent ── WORK ──────────────▶ worker     a job's function, before its first flight to this worker
    parent ── FLIGHT ────────────▶ worker     at most WINDOW flights are under way to one worker
    parent ── FORGET ────────────▶ worker     a job has ended: its function is not needed any more
    parent ◀── READY ───────────── worker     once, when it can work
    parent ◀── REFUSED ─────────── worker     its initializer failed: it goes home
    parent ◀── SPILLED ─────────── worker     an outcome too large for the journal, before it counts
    parent ◀── LANDED ──────────── worker     the outcomes lie in the journal on the shared page
    parent ── (end of file) ─────▶ worker     no more work: go home

Everything else that passes between them is a plain store into the shared page (``page.py``), which
outlives the worker.

The payload of a flight is a list of plain values (PLAIN, by marshal), the bounds of a range (RANGE) or a
pickled list with an entry for each task (EACH): its pickle, or (pickle, descriptors, large buffers) with how
many of those that came with the packet are its own.  Each task is unpickled by itself and just before it begins: one that does not unpickle
harms no other, and two that were given the same list do not share it.
"""

from __future__ import annotations

import socket
import struct
import threading

from procession.errors import ChannelClosed
from procession.ipc.letters import FDS_ROOM, ROOM, read_parts, write_letter
from procession.linux.errnos import typed
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procession.ipc.spares import Spares

    Buffer = bytes | bytearray | memoryview

WINDOW = 2  # flights under way to one worker: one running, one waiting in its socket
INLINE = ROOM  # bytes; a larger packet is a letter (letters.py) even without descriptors

DONTWAIT = int(socket.MSG_DONTWAIT)  # as plain ints: the enumerations of socket take 2 µs to combine
_CLOEXEC = int(socket.MSG_CMSG_CLOEXEC)
_CTRUNC = int(socket.MSG_CTRUNC)

WORK, FLIGHT, FORGET, READY, REFUSED, SPILLED, LANDED = b"w", b"f", b"x", b"r", b"e", b"s", b"d"
PLAIN, EACH, RANGE = 0, 1, 2

_HEAD = struct.Struct("<cBxxIqIIdd")


@record
class Head:
    """The head of every packet; what a kind has no use for is 0.

    ``form``: of a flight PLAIN or EACH, of work its style, of a spilled outcome its kind.  ``work``: the job.
    ``number``: the flight.  ``count``: its tasks, the task that spilled, or how many have an outcome.  ``claim``:
    how many tasks to begin at a time; of LANDED the slowest task.  ``seconds``: of the flight; ``slowest``: of
    that task.
    """

    kind: bytes
    form: int = 0
    work: int = 0
    number: int = 0
    count: int = 0
    claim: int = 0
    seconds: float = 0.0
    slowest: float = 0.0


@record
class Packet:
    """A message that has come: the descriptors in it are the receiver's now."""

    head: Head
    data: Buffer
    descriptors: list[int]
    buffers: list[memoryview] | None


def send(
    sock: socket.socket,
    head: Head,
    data: Buffer = b"",
    descriptors: tuple[int, ...] = (),
    buffers: Sequence[memoryview] = (),
    *,
    flags: int = 0,
    spares: Spares | None = None,
) -> None:
    """Send one packet; ``descriptors`` are taken over.  ``spares``: memory for large buffers.

    Raises ChannelClosed, BlockingIOError (with MSG_DONTWAIT, nothing was sent), OSError (EMFILE, ENOMEM).
    """
    packed = _HEAD.pack(
        head.kind, head.form, head.work, head.number, head.count, head.claim,
        head.seconds, head.slowest,
    )  # fmt: skip
    try:
        if not descriptors and not buffers and len(data) <= INLINE - _HEAD.size:
            sock.send(packed + data, flags)
            return
        letter = write_letter(packed + data, buffers, descriptors, spares)
        try:
            sock.sendmsg(letter.pieces, letter.ancillary(), flags)
        finally:
            letter.close()
    except BlockingIOError:
        raise
    except OSError as error:
        raise typed(error, f"message on socket {sock.fileno()}") from error


def receive(sock: socket.socket, flags: int = 0, spares: Spares | None = None) -> Packet:
    """Take one packet; ``spares`` get the memory of its large buffers.

    Raises ChannelClosed at the end, BlockingIOError (with MSG_DONTWAIT), OSError (EMFILE: its descriptors found
    no room here, and it is lost).
    """
    room = _room()
    flags |= _CLOEXEC
    try:
        size, extras, told, _ = sock.recvmsg_into((room,), FDS_ROOM, flags)
    except ConnectionResetError:
        # The other side closed with messages of ours unread: told once, and before what it had sent us.
        size, extras, told, _ = sock.recvmsg_into((room,), FDS_ROOM, flags)
    packet = bytes(room[:size])
    if extras or told & _CTRUNC:  # where not one of them finds room, there are no extras
        data, descriptors, buffers = read_parts(packet, extras, told, spares)
        return Packet(_head(data), data[_HEAD.size :], descriptors, buffers)
    if not size:
        raise ChannelClosed(f"socket {sock.fileno()}: the other side has closed it")
    return Packet(_head(packet), memoryview(packet)[_HEAD.size :], [], None)


_here = threading.local()


def _room() -> memoryview:
    """Where packets arrive in this thread: to allocate so much for each costs more than to copy what came."""
    try:
        return _here.room  # type: ignore[no-any-return]
    except AttributeError:
        _here.room = room = memoryview(bytearray(ROOM))
        return room


def _head(data: Buffer) -> Head:
    return Head(*_HEAD.unpack_from(data))
