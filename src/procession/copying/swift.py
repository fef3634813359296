"""The short way for what most files are: small, plain, new at the target, owned as new files are anyway.

The same steps as ``entry.copy_file`` without its cases, in one loop: a third less Python for each of a
million files (docs/decisions/0006-swift.md).  Whatever is not plain, or fails, is left to ``entry``,
which has the words for it.
"""

from __future__ import annotations

import os
import stat

from procession.copying.account import BYTES, ENTRIES
from procession.copying.entry import MAKE, WATCHED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procession.copying.account import Account
    from procession.copying.entry import Place
    from procession.copying.job import Gauges

# A file without a name: what two workers do to one folder at the same time is then only the link, and a
# folder takes one change at a time.  linkat(2) by /proc/self/fd, open(2) O_TMPFILE, Linux 3.11.
_NAMELESS = os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC
_PLAIN = 0o777  # of the mode's twelve bits; the other three need a chmod


def copy_plain_files(
    place: Place, names: Sequence[str], account: Account, gauges: Gauges, step: Gauges
) -> int:
    """Copy names from the front until one is not plain; how many were copied.

    ``step[0]`` is the index of the one that is being copied.
    """
    entries, size_before = gauges[ENTRIES], gauges[BYTES]
    count = copied = 0
    owner = place.aspects.plain_owner
    try:
        for name in names:
            step[0] = count
            size = _copy(place, place.source, place.target, owner, name)
            if not size:
                break
            count += 1
            copied += size
            gauges[ENTRIES] = entries + count
            gauges[BYTES] = size_before + copied
    finally:
        account.files += count
        account.bytes += copied
    return count


def _copy(place: Place, source: int, target: int, owner: tuple[int, int] | None, name: str) -> int:
    """Copy one file if it is plain; its size, or 0 when it was left alone."""
    made = name if place.direct else place.temporary
    try:
        reading = os.open(name, place.read_flags, dir_fd=source)
    except OSError:
        return 0
    try:
        found = os.fstat(reading)
        size, mode = found.st_size, found.st_mode
        if (
            not 0 < size < WATCHED
            or mode & ~_PLAIN != stat.S_IFREG
            or found.st_blocks * 512 < size
            or (found.st_uid, found.st_gid) != owner
        ):
            return 0
        writing = (
            os.open(".", _NAMELESS, mode & _PLAIN, dir_fd=target)
            if place.nameless
            else os.open(made, MAKE, mode & _PLAIN, dir_fd=target)
        )
        try:
            if os.copy_file_range(reading, writing, size) != size:
                raise OSError
            os.utime(writing, ns=(found.st_atime_ns, found.st_mtime_ns))
            if place.nameless:
                os.link(f"/proc/self/fd/{writing}", name, dst_dir_fd=target)
        finally:
            os.close(writing)
        if not place.direct and not place.nameless:
            os.rename(made, name, src_dir_fd=target, dst_dir_fd=target)
        return size
    except BaseException as error:
        if place.nameless:
            place.nameless = False  # the file system has no O_TMPFILE, or there is no /proc: rename instead
        else:
            _unlink(made, target)
        if not isinstance(error, OSError):
            raise
        return 0
    finally:
        os.close(reading)


def _unlink(name: str, folder: int) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except OSError:
        return
