"""A pipe of records, all of one size: any number of writers and readers, no lock, nothing torn.

::

    write(512 bytes) ─▶ ┌ page of 8 records ┬ page ┬ page ┐ ─▶ read(512 bytes)
                        └───────────────────┴──────┴──────┘
                             ▲
    splice ─── a file of records: one call moves hundreds of them, and the file's own position with them

Why a plain pipe and not a packet pipe (packets.py): a packet takes a whole page however small it is, a
record only its bytes, so that 1 MiB holds 2,048 records instead of 256 packets; a read can take several
records, and a write of up to 8 is still one atomic write.  The price is a rule: nobody ever reads or
writes anything but whole records.

Facts of the kernel, with their sources:

- A write of at most PIPE_BUF (4096) bytes is atomic (pipe(7)); a read takes what it takes under the
  pipe's mutex (fs/pipe.c).  SIGKILL ends neither in the middle: it is seen on the way back to user space.
- A blocking reader that was woken hands the wake-up on when it is killed before it reads
  (prepare_to_wait_event and ``wake_next_reader`` in fs/pipe.c).  poll(2) and epoll do not.
- splice(2) without an offset moves the file's position in the same call as the data (do_splice), so the
  two can never disagree, whoever is killed when.
- FIONREAD is the exact number of bytes in a pipe: of records, divided by their size.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import sys
import termios

from procession.linux.errnos import typed

RECORD = 512  # bytes; divides a page and PIPE_BUF
TOGETHER = select.PIPE_BUF // RECORD  # records that one write can carry as a whole
ROOM = 1 << 20  # bytes to ask for: the most that a user may, /proc/sys/fs/pipe-max-size

_NONBLOCK = 2  # SPLICE_F_NONBLOCK; Python has names for the flags of splice from 3.14 on
_NO_DESCRIPTOR = (errno.EMFILE, errno.ENFILE)
_sound: bool | None = None


def record_pipe() -> tuple[int, int]:
    """A new pipe: (blocking read end, non-blocking write end), both close-on-exec.

    As large as the kernel grants: 1 MiB, or less for a user with many pipes (pipe-user-pages-soft, pipe(7)).
    Raises OSError (EMFILE, ENFILE).
    """
    reader, writer = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(writer, False)
    room = ROOM
    while room > 4096:
        try:
            fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, room)
            break
        except OSError:  # EPERM: over the limit of the user; ask for less
            room //= 4
    return reader, writer


def capacity(fd: int) -> int:
    """How many records fit into the pipe."""
    return fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ) // RECORD


def pending(fd: int) -> int:
    """How many records wait in the pipe; ``fd`` is either end."""
    return int.from_bytes(fcntl.ioctl(fd, termios.FIONREAD, b"\0\0\0\0"), sys.byteorder) // RECORD


def reopen(fd: int, flags: int) -> int:
    """A description of one's own of a pipe: O_RDONLY or O_WRONLY, whichever end ``fd`` is; non-blocking.

    Raises OSError without /proc, and in a process that has changed its user: the pipe is 0600 of its maker.
    """
    return os.open(*reopening(fd, flags))


def reopening(fd: int, flags: int) -> tuple[str, int]:
    """What to call os.open with, for those whom a signal handler may interrupt by an exception.

    It runs between two instructions, also when a call returns and before its value is kept.  Not so in
    ``(self.fd,) = map(os.open, (path,), (flags,))``, where the call is part of the unpacking.
    """
    return f"/proc/self/fd/{fd}", flags | os.O_NONBLOCK | os.O_CLOEXEC


def move(file: int, pipe: int, records: int) -> int:
    """Move up to so many records from the file's position into the pipe; how many went. Never blocks.

    One writer at a time.  Nothing is lost or doubled when the caller is killed, except where this kernel
    cannot splice safely (see ``can_splice``): there a kill can lose the record in the caller's hands.
    """
    if can_splice():
        try:
            return os.splice(file, pipe, records * RECORD, flags=_NONBLOCK) // RECORD
        except BlockingIOError:
            return 0
    moved = 0
    while moved < records:
        data = os.read(file, RECORD)
        if not data:
            break
        try:
            os.write(pipe, data)
        except BlockingIOError:
            os.lseek(file, -len(data), os.SEEK_CUR)
            break
        moved += 1
    return moved


def can_splice() -> bool:
    """Does splice from a memfd into a pipe work here, and do later writes leave the file alone?

    Linux 5.8 to 5.16.10 could write a later record into the page of the *file* (CVE-2022-0847).  Found out
    by trying, once a process.
    """
    global _sound
    if _sound is None:
        try:
            _sound = _try_splice()
        except OSError as error:
            if error.errno in _NO_DESCRIPTOR:
                raise
            _sound = False
    return _sound


def _try_splice() -> bool:
    file = os.memfd_create("pn-probe", os.MFD_CLOEXEC)
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        os.pwrite(file, b"a" * RECORD + b"b" * RECORD, 0)
        room = fcntl.fcntl(writer, fcntl.F_GETPIPE_SZ)
        os.read(reader, os.write(writer, bytes(room)))  # each slot of the pipe has been written to once
        moved = os.splice(file, writer, RECORD, flags=_NONBLOCK)
        os.write(writer, b"c" * RECORD)
        there = os.read(reader, 2 * RECORD)
        whole = b"a" * RECORD + b"c" * RECORD
        return moved == RECORD and there == whole and os.pread(file, RECORD, RECORD) == b"b" * RECORD
    finally:
        for fd in (file, reader, writer):
            os.close(fd)


def open_log(name: str) -> int:
    """An empty memfd to append records to: ``pwrite`` at any offset appends (O_APPEND, BUGS of pwrite(2)).

    Appending leaves the position alone, so that one description, shared by all, is the whole log: its
    position is the next record to take, its size the end.
    """
    try:
        fd = os.memfd_create(name, os.MFD_CLOEXEC)
    except OSError as error:
        if error.errno in (*_NO_DESCRIPTOR, errno.ENOMEM):
            raise
        raise typed(error, "memfd_create") from error
    fcntl.fcntl(fd, fcntl.F_SETFL, os.O_RDWR | os.O_APPEND)
    return fd
