"""Anonymous shared memory: no name, no tracker, freed with its last descriptor and mapping.

memfd_create(2), since Linux 3.17.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import sys

from procession.linux.errnos import typed

_KEEP_SIZE, _PUNCH_HOLE = 1, 2  # FALLOC_FL_*


def create_memfd(name: str, size: int) -> int:
    """A new, zeroed file in memory of ``size`` bytes; close-on-exec, can be sealed.

    ``name`` only shows in /proc/PID/maps (at most 249 bytes; names need not differ).  Memory is taken
    page by page when it is first touched.  Raises Unsupported, OSError (EMFILE, ENFILE, ENOMEM).
    """
    try:
        fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    except OSError as error:
        raise typed(error, "memfd_create") from error
    try:
        os.ftruncate(fd, size)
    except BaseException:
        os.close(fd)
        raise
    return fd


def map_shared(fd: int, size: int, *, offset: int = 0, writable: bool = True) -> mmap.mmap:
    """Map ``size`` bytes (1 or more) from ``offset`` (of whole pages), shared with all who map the same memfd.

    ``fd`` may be closed afterwards.  Before Python 3.13 the mapping holds a descriptor of its own until
    it is closed.  A store into an aligned int is not torn on the machines that we run on; touching a page
    beyond the end of a file that somebody shrank is SIGBUS, hence ``seal``.
    """
    protection = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
    if sys.version_info >= (3, 13):
        return mmap.mmap(fd, size, mmap.MAP_SHARED, protection, offset=offset, trackfd=False)
    return mmap.mmap(fd, size, mmap.MAP_SHARED, protection, offset=offset)


def punch(fd: int, offset: int, size: int) -> None:
    """Give the memory of whole pages back to the kernel; they read as zeros (fallocate(2), PUNCH_HOLE).

    Raises OSError, Unsupported.
    """
    from ctypes import c_int64

    from procession.linux.libc import call

    try:
        call("fallocate64", fd, _PUNCH_HOLE | _KEEP_SIZE, c_int64(offset), c_int64(size))
    except OSError as error:
        raise typed(error, f"a hole in memfd {fd}") from error


def seal(fd: int, *, writes: bool = False) -> None:
    """Fix the size for good, so that no holder can make another one crash; ``writes``: the content too.

    Raises NotPermitted when it is sealed against sealing, OSError (EBUSY) for ``writes`` while a
    writable mapping exists (fcntl(2), File Sealing).
    """
    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
    if writes:
        seals |= fcntl.F_SEAL_WRITE
    try:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    except OSError as error:
        raise typed(error, f"sealing memfd {fd}") from error
