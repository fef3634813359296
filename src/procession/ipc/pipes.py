"""Pipe: two ends of one SEQPACKET socket pair.

::

    send ─▶ pickle ─▶ packet ──────────────────────▶ recvmsg ─▶ unpickle ─▶ recv
               └ over 120 KiB, large buffers, descriptors ─▶ letter (letters.py)

A message arrives whole or not at all, whenever its sender is killed, at exactly one of those who hold the
other end; no lock is involved, so any number of processes and threads may send and receive.

``_write`` and ``_receive`` are the socket's own methods as long as nothing special applies to an end, and
None as soon as something does (closed, one direction only, lent): one test on the quick way.
"""

from __future__ import annotations

import errno
import os
import pickle
import select
import socket
import weakref
from multiprocessing import reduction

from procession.ipc import carry, given
from procession.ipc.carry import NotQuick, plain_will_do
from procession.ipc.lent import GONE, Holders, wait_with
from procession.ipc.letters import (
    BOAT_MAX,
    FDS_ROOM,
    LARGE,
    ROOM,
    close_all,
    read_bytes,
    read_object,
    write_letter,
)
from procession.ipc.streams import Connection, wait_for
from procession.linux.seqpacket import seqpacket_pair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from procession.ipc.letters import Ancillary, Buffer, Letter

    Received = tuple[bytes, Ancillary, int, object]

_CLOEXEC = socket.MSG_CMSG_CLOEXEC
_TRUNCATED = socket.MSG_TRUNC | socket.MSG_CTRUNC
_dumps, _loads = pickle.dumps, pickle.loads
_reducers: dict[type, Any] = reduction.ForkingPickler._extra_reducers  # type: ignore[attr-defined]  # noqa: SLF001

IN_BAND_MAX = 192 << 10  # bytes of an array that are rather copied than mapped

# An end is closed by its own __del__.  Held here, its socket cannot be finalised before it, with a
# ResourceWarning, where both are part of one cycle of garbage.
_open: set[socket.socket] = set()


def _in_band(buffer: pickle.PickleBuffer) -> bool:
    """For the quick way; what is larger is worth a mapping, and is found again by the way over ``pack``."""
    with buffer.raw() as raw:
        if raw.nbytes > IN_BAND_MAX:
            raise NotQuick
    return True


class _Bytes:
    """Large bytes, which pickle would copy on their way."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __reduce__(self) -> tuple[object, ...]:
        return bytes, (pickle.PickleBuffer(self._data),)


class _Pair:
    """What this process knows of a pipe: its own ends, and who was given an end that is forgotten here."""

    __slots__ = ("__weakref__", "ends", "lent", "sent")

    def __init__(self) -> None:
        self.ends: list[weakref.ref[PipeEnd]] = []
        self.lent: dict[int, Holders] = {}
        self.sent: set[int] = set()  # sides that went to processes unknown

    def local(self, side: int) -> list[PipeEnd]:
        """Our open ends of one side."""
        ends = [end for reference in self.ends if (end := reference()) is not None]
        return [end for end in ends if end.side == side and not end.closed]


_pairs: weakref.WeakValueDictionary[int, _Pair] = weakref.WeakValueDictionary()


def Pipe(duplex: bool = True) -> tuple[Connection, Connection]:  # noqa: N802 — the classic name
    """Two connected ends; with ``duplex=False`` the first only receives and the second only sends.

    The end of file comes when the other end is closed by all who were given it.
    """
    left, right = seqpacket_pair()
    pair = int.from_bytes(os.urandom(8))
    return PipeEnd(left, True, duplex, pair, 0), PipeEnd(right, duplex, True, pair, 1)


class PipeEnd(Connection):
    """One end of a pipe.  Use ``Pipe()``."""

    def __init__(self, sock: socket.socket, readable: bool, writable: bool, pair: int, side: int) -> None:
        if socket.getdefaulttimeout() is not None:
            sock.setblocking(True)
        self._socket = sock
        self._pair = _pairs.setdefault(pair, _Pair())
        self._pair_id = pair
        self.side = side
        self._write: Callable[[Any], object] | None = None
        self._receive: Callable[[int, int, int], Received] | None = None
        super().__init__(sock.fileno(), readable, writable)
        _open.add(sock)

    # -- sending

    def send(self, obj: Any) -> None:
        """Send an object.  Raises BrokenPipeError, and what pickling raises (TypeError, PicklingError)."""
        write = self._write or self._may_write()
        buffers: Sequence[memoryview] = ()
        descriptors: tuple[int, ...] = ()
        try:
            if not plain_will_do(_reducers) or (obj.__class__ is bytes and len(obj) > BOAT_MAX):
                raise NotQuick
            data = _dumps(obj, 5, buffer_callback=_in_band)
        except (Exception, NotQuick):
            parcel = carry.pack(_Bytes(obj) if obj.__class__ is bytes else obj, out_of_band=True)
            data, descriptors = parcel.data, parcel.descriptors
            buffers = [buffer.raw() for buffer in parcel.buffers]
        if len(data) > ROOM or descriptors or buffers:
            self._send_letter(data, buffers, descriptors)
            return
        try:
            write(data)
        except ConnectionError:
            raise _broken() from None

    def _send_bytes(self, buf: memoryview) -> None:
        write = self._write or self._may_write()
        if not 0 < buf.nbytes <= ROOM:
            self._send_letter(buf)
            return
        try:
            write(buf)
        except ConnectionError:
            raise _broken() from None

    def _send_letter(
        self, data: Buffer, buffers: Sequence[memoryview] = (), descriptors: tuple[int, ...] = ()
    ) -> None:
        holders = self._holders()
        try:
            if len(data) + sum(buffer.nbytes for buffer in buffers) >= LARGE:
                self._wait_for_room(holders)
        except BaseException:
            close_all(descriptors)
            raise
        letter = write_letter(data, buffers, descriptors)
        try:
            if holders is None:
                self._socket.sendmsg(letter.pieces, letter.ancillary())
                return
            while not self._send_now(letter):
                self._wait_for_room(holders)
        except ConnectionError:
            raise _broken() from None
        finally:
            letter.close()

    def _send_now(self, letter: Letter) -> bool:
        try:
            self._socket.sendmsg(letter.pieces, letter.ancillary(), socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        return True

    def _wait_for_room(self, holders: Holders | None) -> None:
        # unix(7) sockets are writable for poll while a quarter of the buffer is taken at most.
        if holders is None:
            wait_for(self._handle, select.POLLOUT, None)
        elif wait_with(self._handle, select.POLLOUT, holders, None) == GONE:
            raise _broken()

    def _may_write(self) -> Callable[[Any], object]:
        self._check_closed()
        self._check_writable()
        self._in_use()
        holders = self._holders()
        if holders is None:
            self._write = self._socket.send
            return self._write

        def write(data: Any) -> object:
            while True:
                try:
                    return self._socket.send(data, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    self._wait_for_room(holders)

        return write

    # -- receiving

    def recv(self) -> Any:
        """Receive an object.  Raises EOFError, and whatever unpickling it raises (the next one comes)."""
        receive = self._receive or self._may_receive()
        try:
            data, extras, flags, _ = receive(ROOM, FDS_ROOM, _CLOEXEC)
        except ConnectionResetError:
            data, extras, flags, _ = self._receive_after_reset()
        if extras or flags & _TRUNCATED:
            return read_object(data, extras, flags)
        if not data:
            raise EOFError
        return _loads(data)

    def recv_bytes(self, maxlength: int | None = None) -> bytes:
        """Receive a message as bytes.  Raises EOFError; OSError when it has more than ``maxlength`` bytes,
        after which nothing more can be received."""
        self._check_closed()
        self._check_readable()
        if maxlength is not None and maxlength < 0:
            raise ValueError("negative maxlength")
        data = self._take()
        if maxlength is not None and len(data) > maxlength:
            self._receive = None
            self._bad_message_length()
        return data

    def recv_bytes_into(self, buf: Any, offset: int = 0) -> int:
        """Receive a message into a writable buffer; its length.  Raises EOFError, BufferTooShort with the
        whole message."""
        self._check_closed()
        self._check_readable()
        with memoryview(buf) as view, view.cast("B") as room:
            if offset < 0:
                raise ValueError("negative offset")
            if offset > room.nbytes:
                raise ValueError("offset too large")
            data = self._take()
            if room.nbytes < offset + len(data):
                from multiprocessing.context import BufferTooShort

                raise BufferTooShort(data)
            room[offset : offset + len(data)] = data
            return len(data)

    def _take(self) -> bytes:
        receive = self._receive or self._may_receive()
        try:
            data, extras, flags, _ = receive(ROOM, FDS_ROOM, _CLOEXEC)
        except ConnectionResetError:
            data, extras, flags, _ = self._receive_after_reset()
        if extras or flags & _TRUNCATED:
            return read_bytes(data, extras, flags)
        if not data:
            raise EOFError
        return data

    def _receive_after_reset(self) -> Received:
        # The other side closed with messages of ours unread.  The kernel reports that once, and before
        # what it had sent us: that comes now.
        return self._socket.recvmsg(ROOM, FDS_ROOM, _CLOEXEC)

    def _may_receive(self) -> Callable[[int, int, int], Received]:
        self._check_closed()
        self._check_readable()
        self._in_use()
        holders = self._holders()
        if holders is None:
            self._receive = self._socket.recvmsg
            return self._receive

        def receive(size: int, room: int, flags: int) -> Received:
            while True:
                try:
                    return self._socket.recvmsg(size, room, flags | socket.MSG_DONTWAIT)
                except BlockingIOError:  # nothing yet; only then is it worth a look who could still send
                    if wait_with(self._handle, select.POLLIN, holders, None) == GONE:
                        raise EOFError("the processes that were given the other end have ended") from None

        return receive

    def _poll(self, timeout: float | None) -> bool:
        self._in_use()
        holders = self._holders()
        if holders is None:
            return wait_for(self._handle, select.POLLIN, timeout)
        return wait_with(self._handle, select.POLLIN, holders, timeout) in ("ready", GONE)

    # -- being given away

    def fileno(self) -> int:
        """The descriptor, for poll."""
        self._check_closed()
        self._in_use()
        return int(self._handle)

    def __reduce__(self) -> tuple[object, ...]:
        self._check_closed()
        if reduction.context.get_spawning_popen() is None:  # type: ignore[attr-defined]
            self._pair.sent.add(self.side)
            self._in_use()
        shared = carry.share(self._handle)
        return PipeEnd._arrive_end, (shared, self._readable, self._writable, self._pair_id, self.side)

    @staticmethod
    def _arrive_end(shared: Any, readable: bool, writable: bool, pair: int, side: int) -> PipeEnd:
        family, kind = socket.AF_UNIX, socket.SOCK_SEQPACKET
        return PipeEnd(socket.socket(family, kind, 0, shared.detach()), readable, writable, pair, side)

    def _enlist(self) -> None:
        given.register(
            self, self._pair_id, PipeEnd._close_stranger, side=self.side, handed=PipeEnd._was_handed
        )
        self._pair.ends = [reference for reference in self._pair.ends if reference() is not None]
        self._pair.ends.append(weakref.ref(self))
        self._in_use()  # an end that has just arrived here is not forgotten

    def _was_handed(self, pidfd: int) -> None:
        """It was given to a process: from now on it may be a forgotten copy."""
        others = self._pair.local(1 - self.side)
        if self.closed or not others or self.side in self._pair.sent:
            return
        if any(end._write or end._receive for end in self._pair.local(self.side)):  # noqa: SLF001
            return  # this process speaks with it too: it keeps its copy on purpose
        holders = self._pair.lent.get(self.side)
        if holders is None:
            holders = self._pair.lent[self.side] = Holders(self._handle)
            _lending.add(self._pair)
        holders.add(pidfd)
        for end in (*self._pair.local(self.side), *others):
            end._write = end._receive = None  # noqa: SLF001 — ends of the same pipe

    def _in_use(self) -> None:
        if self._pair.lent:
            holders = self._pair.lent.pop(self.side, None)
            if holders is not None:
                holders.void = True

    def _holders(self) -> Holders | None:
        """Who holds the other end, if all that hold it are known and our own copy of it is forgotten."""
        lent = self._pair.lent
        return lent.get(1 - self.side) if lent else None

    def holders_of_the_other_end(self) -> Holders | None:
        """For ``wait``: those whose end means the end of this connection."""
        return None if self.closed else self._holders()

    def _close(self, *_: Any) -> None:
        self._write = self._receive = None
        self._in_use()  # a copy that is closed is not forgotten: the kernel tells the end
        if _discard is not None:  # at the interpreter's end the names of the module are gone
            _discard(self._socket)
        self._socket.close()


_discard = _open.discard
_lending: weakref.WeakSet[_Pair] = weakref.WeakSet()


def _forget_loans() -> None:
    """In a forked child: it has given nothing to anybody."""
    for pair in list(_lending):
        pair.lent.clear()
    _lending.clear()


carry.quick_callers.add(PipeEnd.send.__code__)
os.register_at_fork(after_in_child=_forget_loans)


def _broken() -> BrokenPipeError:
    return BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
