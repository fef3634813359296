"""Where the data of a file lies, where it will lie, and what the page cache should do about it."""

from __future__ import annotations

import errno
import os

from procession.linux.errnos import UNSUPPORTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_FALLOC_FL_KEEP_SIZE = 1
_NO_HOLE_MAP = UNSUPPORTED | {errno.EINVAL}
_NO_PREALLOCATION = UNSUPPORTED | {errno.EINVAL, errno.ENODEV, errno.ESPIPE, errno.EPERM}


def data_segments(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """The parts of the first ``size`` bytes that hold data, as (offset, length), in order.

    Holes lie between them and read as zeros.  A file system without a hole map gives one whole segment.
    lseek(2) SEEK_DATA and SEEK_HOLE, Linux 3.1: ENXIO means that only a hole follows (or that the file was
    cut short meanwhile), EINVAL that the file system does not know.  Moves the offset of ``fd``.
    A hole map can lie (openzfs 15526): verifying must read the bytes.
    """
    at = 0
    while at < size:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
            end = min(os.lseek(fd, start, os.SEEK_HOLE), size)
        except OSError as error:
            if error.errno in _NO_HOLE_MAP:
                yield at, size - at
            elif error.errno != errno.ENXIO:
                raise
            return
        if start >= size:
            return
        if end > start:  # equal if a hole was punched between the two calls
            yield start, end - start
        at = end


def preallocate(fd: int, size: int) -> bool:
    """Set aside disk space for ``size`` bytes without changing the file's size; False if not supported.

    fallocate(2) with FALLOC_FL_KEEP_SIZE: an interrupted copy keeps its true, short size.
    os.posix_fallocate changes the size, and writes zeros where the file system has no such call.
    Raises OSError: ENOSPC, EDQUOT, EFBIG, EIO.
    """
    if size <= 0:
        return True
    from ctypes import c_int64

    from procession.linux.libc import call

    try:
        call("fallocate64", fd, _FALLOC_FL_KEEP_SIZE, c_int64(0), c_int64(size))
    except OSError as error:
        if error.errno in _NO_PREALLOCATION:
            return False
        raise
    return True


def advise_sequential(fd: int) -> None:
    """Tell the kernel to read ahead further: the file is read once, from the start (posix_fadvise(2))."""
    _advise(fd, os.POSIX_FADV_SEQUENTIAL)


def advise_dontneed(fd: int) -> None:
    """Drop the clean pages of the file from the cache; dirty ones stay until they are written (fsync)."""
    _advise(fd, os.POSIX_FADV_DONTNEED)


def _advise(fd: int, advice: int) -> None:
    try:
        os.posix_fadvise(fd, 0, 0, advice)
    except OSError as error:  # only advice: a pipe or an odd file system may have no use for it
        if error.errno not in (errno.ESPIPE, errno.EINVAL, errno.ENOSYS):
            raise
