"""Messages that are more than a packet of bytes: large ones, and those with descriptors.

::

    packet:  kind │ bundled? │ number of buffers │ bytes of payload │ payload, or padding
    with it: [memfd] descriptors of the message [bundle]
                │                                  └ a socket in which those beyond 253 wait
                └ payload │ sizes of the buffers │ buffer │ buffer ...      each at a multiple of 64
             or [boat]: a socket in which one packet with the payload waits

A memfd costs 12 system calls and its pages: about 100 µs before the first byte.  Up to 200 KiB the boat,
whose memory is the kernel's socket buffers, is twice as fast.

A packet *without* descriptors is the message itself, so that the common case costs nothing; a packet with
descriptors begins with the head above.  The empty message, which would look like the end of the socket
(seqpacket.py), is a head with a descriptor that means nothing.

Padding makes memory that waits in the socket count: the kernel blocks a sender by the bytes of its
packets, and without it some 270 memfds, however large, could wait for a slow reader.
"""

from __future__ import annotations

import errno
import os
import socket
import struct

from procession.ipc import carry
from procession.linux.mapping import map_private
from procession.linux.memfd import create_memfd
from procession.linux.seqpacket import FDS_MAX, descriptors_in, seqpacket_pair
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from procession.ipc.spares import Spares

    Ancillary = list[tuple[int, int, bytes]]
    Buffer = bytes | bytearray | memoryview

# Bytes that a reader offers a packet.  More would cost it some 20 µs each time, however small the message:
# from 128 KiB on malloc(3) maps memory anew (M_MMAP_THRESHOLD).
ROOM = 120 << 10
BOAT_MAX = 200 << 10  # bytes; the largest packet with the usual buffers (wmem_default) is 212,960
FDS_ROOM = socket.CMSG_LEN(4 * FDS_MAX)
LARGE = 1 << 20  # bytes; above, a sender waits until at most a few of its kind are still unread

_HEAD = struct.Struct("<cBxxIQ")
_INLINE, _MEMFD, _BOAT, _EMPTY = b"i", b"m", b"b", b"e"
_PADDING = bytes(ROOM - 8192)
_LOST = socket.MSG_TRUNC | socket.MSG_CTRUNC


@record
class Letter:
    """What goes into one sendmsg: the pieces of the packet, and descriptors that belong to the letter."""

    pieces: tuple[Buffer, ...]
    fds: tuple[int, ...]

    def ancillary(self) -> Ancillary:
        """The descriptors as sendmsg takes them."""
        return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack(f"{len(self.fds)}i", *self.fds))]

    def close(self) -> None:
        """Close our copies, once it has been sent, or has not."""
        close_all(self.fds)


def close_all(fds: Iterable[int]) -> None:
    """Close every one of them."""
    for fd in fds:
        os.close(fd)


def write_letter(
    data: Buffer,
    buffers: Sequence[memoryview] = (),
    descriptors: tuple[int, ...] = (),
    spares: Spares | None = None,
) -> Letter:
    """Enclose a message.  ``descriptors`` are taken over.  Raises OSError (EMFILE, ENOMEM)."""
    fds = list(descriptors)
    try:
        size = len(data)
        boat = _launch(data) if ROOM - _HEAD.size < size <= BOAT_MAX and not buffers else None
        if boat is not None:
            fds.insert(0, boat)
            kind, rest = _BOAT, memoryview(_PADDING)[: 4096 + size // 128]
        elif buffers or size > ROOM - _HEAD.size:
            memfd, total = _store(data, buffers, spares)
            fds.insert(0, memfd)
            kind, rest = _MEMFD, memoryview(_PADDING)[: 4096 + total // 128]
        elif size or fds:
            kind, rest = _INLINE, memoryview(data)
        else:
            fds.append(os.eventfd(0))
            kind, rest = _EMPTY, memoryview(b"")
        bundled = len(fds) > FDS_MAX
        if bundled:
            fds[FDS_MAX - 1 :] = [_bundle(fds[FDS_MAX - 1 :])]
        return Letter((_HEAD.pack(kind, bundled, len(buffers), size), rest), tuple(fds))
    except BaseException:
        close_all(fds)
        raise


def read_object(packet: bytes, extras: Ancillary, flags: int) -> Any:
    """The object that a letter carries: what recvmsg gave in, unpickled."""
    data, fds, buffers = read_parts(packet, extras, flags)
    return carry.unpack(data, fds, buffers)


def read_parts(
    packet: bytes, extras: Ancillary, flags: int, spares: Spares | None = None
) -> tuple[bytes | memoryview, list[int], list[memoryview] | None]:
    """Payload, descriptors (the caller's now) and large buffers of a letter.

    Raises EOFError for the empty message, OSError (EMFILE) when its descriptors found no room here.
    """
    kind, count, size, fds = _open(packet, extras, flags)
    if kind == _INLINE:
        return memoryview(packet)[_HEAD.size :], fds, None
    if kind == _EMPTY:
        close_all(fds)
        raise EOFError("an empty message holds no object")
    try:
        data, buffers = _unload(kind, fds.pop(0), count, size, spares)
    except BaseException:
        close_all(fds)
        raise
    return data, fds, buffers


def read_bytes(packet: bytes, extras: Ancillary, flags: int) -> bytes:
    """The payload of a letter.  That of an object with buffers or descriptors is pickled anew, without them."""
    kind, count, size, fds = _open(packet, extras, flags)
    if count or len(fds) > (kind != _INLINE):
        return _pickle_anew(kind, packet, count, size, fds)
    if kind == _BOAT:
        return _land(fds[0], size)
    try:
        return _contents(fds[0], size) if kind == _MEMFD else packet[_HEAD.size :]
    finally:
        close_all(fds)


def _pickle_anew(kind: bytes, packet: bytes, count: int, size: int, fds: list[int]) -> bytes:
    if kind == _INLINE:
        obj = carry.unpack(packet[_HEAD.size :], fds)
    else:
        data, buffers = _unload(kind, fds.pop(0), count, size)
        obj = carry.unpack(data, fds, buffers)
    return carry.dumps(obj, [], None)


def _open(packet: bytes, extras: Ancillary, flags: int) -> tuple[bytes, int, int, list[int]]:
    fds = list(descriptors_in(extras))
    try:
        if flags & _LOST:
            words = "a message with descriptors is lost, this process has no free ones (see ulimit -n)"
            raise OSError(errno.EMFILE, words)
        kind, bundled, count, size = _HEAD.unpack_from(packet)
        if bundled:
            _unbundle(fds)
    except BaseException:
        close_all(fds)
        raise
    return kind, count, size, fds


def _store(data: Buffer, buffers: Sequence[memoryview], spares: Spares | None) -> tuple[int, int]:
    """A memfd with all of it, and its size."""
    sizes = [buffer.nbytes for buffer in buffers]
    table = struct.pack(f"<{len(sizes)}Q", *sizes)
    offsets, total = places(len(data) + len(table), sizes)
    spare = spares.take(total) if spares is not None else None
    memfd = create_memfd("pn-message", total) if spare is None else spare
    try:
        _write(memfd, memoryview(data), 0)
        _write(memfd, memoryview(table), len(data))
        for buffer, offset in zip(buffers, offsets, strict=True):
            _write(memfd, buffer, offset)
    except BaseException:
        os.close(memfd)
        raise
    return memfd, total


def places(start: int, sizes: Sequence[int]) -> tuple[list[int], int]:
    """Where each buffer lies behind ``start`` bytes, and where all ends."""
    offsets = []
    for size in sizes:
        start = (start + 63) & ~63  # numpy and SIMD code like 64
        offsets.append(start)
        start += size
    return offsets, start


def _write(fd: int, view: memoryview, offset: int) -> None:
    while view.nbytes:  # one call writes at most 2 GiB less a page (write(2))
        done = os.pwrite(fd, view, offset)
        view, offset = view[done:], offset + done


def _launch(data: Buffer) -> int | None:
    """A socket with the data in it, its other end closed; None where socket buffers are smaller than usual."""
    left, right = seqpacket_pair()
    with left, right:
        left.setblocking(False)
        try:
            left.send(data)
        except OSError as error:
            if error.errno in (errno.EMSGSIZE, errno.EAGAIN, errno.ENOBUFS):
                return None
            raise
        return right.detach()


def _land(boat: int, size: int) -> bytes:
    """What a boat carries; it is closed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, boat) as sock:
        return sock.recv(size)


def _unload(
    kind: bytes, fd: int, count: int, size: int, spares: Spares | None = None
) -> tuple[bytes | memoryview, list[memoryview] | None]:
    return (_land(fd, size), None) if kind == _BOAT else _load(fd, count, size, spares)


def _load(
    memfd: int, count: int, size: int, spares: Spares | None
) -> tuple[memoryview, list[memoryview] | None]:
    """The pickle and its buffers, looking into the memfd, which is closed or the spares' now."""
    whole = _mapped(memfd, spares)
    if not count:
        return whole[:size], None
    sizes = struct.unpack_from(f"<{count}Q", whole, size)
    offsets, _ = places(size + 8 * count, sizes)
    return whole[:size], [
        whole[offset : offset + length] for offset, length in zip(offsets, sizes, strict=True)
    ]


def _mapped(memfd: int, spares: Spares | None) -> memoryview:
    total = os.fstat(memfd).st_size
    if spares is None or not spares.wants(total):
        try:
            return map_private(memfd, total)
        finally:
            os.close(memfd)
    then = spares.adopt(memfd, total)
    try:
        return map_private(memfd, total, then=then)
    except BaseException:
        then()
        raise


def _contents(memfd: int, size: int) -> bytes:
    first = os.pread(memfd, size, 0)
    if len(first) == size:
        return first
    with open(memfd, "rb", closefd=False) as file:  # more than one call reads
        return file.read(size)


def _bundle(fds: list[int]) -> int:
    """A socket in which these descriptors wait, closed here."""
    left, right = seqpacket_pair()
    with left, right:
        left.setblocking(False)
        for start in range(0, len(fds), FDS_MAX):
            chunk = fds[start : start + FDS_MAX]
            rights = struct.pack(f"{len(chunk)}i", *chunk)
            left.sendmsg([b"+"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        close_all(fds)
        return right.detach()


def _unbundle(fds: list[int]) -> None:
    """Replace the bundle, which comes last, by what is in it."""
    with socket.socket(fileno=fds.pop()) as bundle:
        bundle.setblocking(False)
        while True:
            data, extras, flags, _ = bundle.recvmsg(1, FDS_ROOM, socket.MSG_CMSG_CLOEXEC)
            fds += descriptors_in(extras)
            if flags & _LOST:
                raise OSError(errno.EMFILE, "a message is lost: not enough free descriptors (see ulimit -n)")
            if not data:
                return
