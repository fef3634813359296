"""Bytes from one open file to another, by the best way that the two file systems know.

``clone`` shares the blocks, ``copy_range`` copies inside the kernel, read and write by hand come last.
An errno that means "not here" leads to the next way; one that means "this failed" (ENOSPC, EDQUOT,
EIO) is raised as the OSError it is.
"""

from __future__ import annotations

import errno
import fcntl
import os

from procession.linux.errnos import UNSUPPORTED
from procession.linux.extents import advise_dontneed, advise_sequential, data_segments, preallocate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "advise_dontneed", "advise_sequential", "clone", "copy_range", "copy_range_at", "copy_sparse",
    "data_segments", "preallocate",
]  # fmt: skip

_FICLONE = 0x40049409  # ioctl_ficlone(2), Linux 4.5; fcntl.FICLONE came with Python 3.12
_STEP = 32 << 20  # bytes a call: the rhythm of progress and of interruption
_CALL_MAX = 0x7FFFF000  # bytes; MAX_RW_COUNT: the kernel takes no more at once (read(2), NOTES)
_BUFFER = 1 << 20  # bytes
# "Not here", from copy_file_range(2), ioctl_ficlone(2) and what GNU cp takes for it: EPERM by seccomp,
# EBADF for a target opened with O_APPEND.  A true EBADF or EPERM comes back from the plain write.
_NOT_HERE = UNSUPPORTED | {errno.EXDEV, errno.EINVAL, errno.EPERM, errno.ETXTBSY, errno.EBADF}
_NO_CLONE = _NOT_HERE | {errno.ENOTTY, errno.EACCES}


def copy_range(
    source: int, target: int, size: int, *, step: int = _STEP, advance: Callable[[int], None] | None = None
) -> int:
    """Copy up to ``size`` bytes from where ``source`` stands to where ``target`` stands; the bytes copied.

    Fewer than ``size`` only when the source ends early.  ``advance(n)`` is called after each step.  A
    small file costs one system call.  Raises OSError.
    """
    return _copy(source, target, None, size, step=step, advance=advance)


def copy_range_at(
    source: int,
    target: int,
    offset: int,
    size: int,
    *,
    step: int = _STEP,
    advance: Callable[[int], None] | None = None,
) -> int:
    """``copy_range`` from ``offset`` to the same ``offset``; the files' own offsets do not move."""
    return _copy(source, target, offset, size, step=step, advance=advance)


def _copy(
    source: int, target: int, at: int | None, size: int, *, step: int, advance: Callable[[int], None] | None
) -> int:
    step = min(step, _CALL_MAX)
    done = 0
    while done < size:
        place = None if at is None else at + done
        try:
            copied = os.copy_file_range(source, target, min(size - done, step), place, place)
        except OSError as error:
            if error.errno not in _NOT_HERE:
                raise
            copied = 0
        if not copied:
            # Not here, the end of a source that shrank, or a file of /proc, whose size is made up and
            # for which copy_file_range returns 0 (its BUGS section).  Reading tells: it stops at the end.
            return done + _by_hand(source, target, place, size - done, advance)
        done += copied
        if advance is not None:
            advance(copied)
    return done


def _by_hand(
    source: int, target: int, at: int | None, size: int, advance: Callable[[int], None] | None
) -> int:
    buffer = memoryview(bytearray(min(size, _BUFFER)))
    done = 0
    while done < size:
        room = buffer[: size - done]
        got = os.readv(source, [room]) if at is None else os.preadv(source, [room], at + done)
        if not got:
            break
        _write_all(target, room[:got], None if at is None else at + done)
        done += got
        if advance is not None:
            advance(got)
    return done


def _write_all(target: int, data: memoryview, at: int | None) -> None:
    # A full disk takes a part first (a short count) and says ENOSPC at the next write.
    written = 0
    while written < len(data):
        rest = data[written:]
        written += os.write(target, rest) if at is None else os.pwrite(target, rest, at + written)


def clone(source: int, target: int) -> bool:
    """Make the whole ``target`` share the blocks of ``source`` (FICLONE); False where that is not possible.

    ioctl_ficlone(2): both on one file system that can (btrfs, XFS with reflink, bcachefs, NFS 4.2, some
    overlayfs).  Raises OSError for a real failure (EIO, ENOSPC, EDQUOT).
    """
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno in _NO_CLONE:
            return False
        raise
    return True


def copy_sparse(source: int, target: int, size: int, advance: Callable[[int], None] | None = None) -> int:
    """Copy the data of the first ``size`` bytes into a new, empty ``target`` and leave its holes holes.

    Returns the length of the target: ``size``, or less when the source was cut short meanwhile.
    ``advance`` is told of holes too, so that its numbers sum up to that.  Moves the offset of ``source``,
    not that of ``target``.  Raises OSError.
    """
    reached = 0
    for offset, length in data_segments(source, size):
        if advance is not None and offset > reached:
            advance(offset - reached)
        reached = offset + copy_range_at(source, target, offset, length, advance=advance)
        if reached < offset + length:
            size = reached  # the end, whatever the size says: it shrank, or is a file of /sys, always "4096"
            break
    size = min(size, os.fstat(source).st_size)
    if reached != size:
        os.ftruncate(target, size)  # a hole at the end; or data that the source has lost since
        if advance is not None and size > reached:
            advance(size - reached)
    return size
