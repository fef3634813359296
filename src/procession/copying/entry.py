"""Copy one entry that is not a folder: a file, a link, a fifo, a socket or a device.

Two ways of placing it.  In a folder that stands under a temporary name itself the entry gets its final
name at once.  Elsewhere it is made under a temporary name and renamed into place when it is whole:
data first, then owner, mode, and last the times.  So the right size and mtime at a final name mean a
whole file, and a second run may skip it.
"""

from __future__ import annotations

import errno
import os
import stat

from procession.copying.aspects import Aspects, same_aspects
from procession.copying.words import Changed
from procession.linux.copyfile import clone, copy_range, copy_sparse, preallocate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

BIG = 4 << 20  # bytes: from here on a file is a task of its own
WATCHED = 1 << 20  # bytes: from here on a copy takes long enough for the file to change meanwhile
_PREALLOCATED = 64 << 20


class Place:
    """A source folder and a target folder while entries are copied from one to the other."""

    __slots__ = (
        "aspects", "clone", "direct", "fresh", "nameless",
        "read_flags", "since", "source", "target", "temporary",
    )  # fmt: skip

    def __init__(
        self,
        source: int,
        target: int,
        temporary: str,
        *,
        direct: bool,
        fresh: bool,
        since: int | None,
        clone: bool = True,
        made: os.stat_result | None = None,
    ) -> None:
        self.source = source
        self.target = target
        self.temporary = temporary
        #: the target folder has a temporary name itself: entries go to their final names at once.
        self.direct = direct
        #: plain files are made without a name and then linked, as long as the file system can do that.
        self.nameless = not direct
        #: no entry can exist at the target yet.
        self.fresh = fresh
        #: on a retry, the start of the run (ns): what is whole and changed since then is our own work.
        self.since = since
        self.aspects = Aspects(target, made)
        #: cleared at the first file that cannot share its blocks: the others will not either.
        self.clone = clone
        # Reading must not dirty the source's inode; only its owner and root may ask for that.
        self.read_flags = _READ | os.O_NOATIME


def open_source(place: Place, name: str) -> int:
    """Open a file of the source for reading, without following a link."""
    try:
        return os.open(name, place.read_flags, dir_fd=place.source)
    except PermissionError:
        if place.read_flags == _READ:
            raise
    place.read_flags = _READ
    return os.open(name, _READ, dir_fd=place.source)


def copy_file(
    place: Place, name: str, new_name: str, advance: Callable[[int], None], *, defer: bool
) -> tuple[int, bool]:
    """Copy a regular file; returns its size and whether it was copied.

    With ``defer`` a file of BIG bytes or more is left for a task of its own.  Raises OSError, or
    Changed when the source changed meanwhile; in both cases nothing is left at the target.
    """
    source = open_source(place, name)
    try:
        found = os.fstat(source)
        size = found.st_size
        if not stat.S_ISREG(found.st_mode):
            raise Changed("it was replaced by something else while the copy ran")
        if defer and size >= BIG:
            return size, False
        made = new_name if place.direct else place.temporary
        target = make_file(place, made, found.st_mode & 0o777)
        try:
            try:
                _fill(place, source, target, found, advance if size >= WATCHED else None)
                place.aspects.give_file(target, found)
            finally:
                os.close(target)
            if size >= WATCHED:
                _check_unchanged(source, found)
            if not place.direct:
                os.rename(made, new_name, src_dir_fd=place.target, dst_dir_fd=place.target)
        except BaseException:
            os.unlink(made, dir_fd=place.target)
            raise
        if size < WATCHED:
            advance(size)
        return size, True
    finally:
        os.close(source)


def make_file(place: Place, name: str, mode: int) -> int:
    """Create a file that must not exist; what a dead worker left under a temporary name is removed."""
    try:
        return os.open(name, MAKE, mode, dir_fd=place.target)
    except FileExistsError:
        if name != place.temporary:
            raise
    os.unlink(name, dir_fd=place.target)
    return os.open(name, MAKE, mode, dir_fd=place.target)


def _fill(
    place: Place, source: int, target: int, found: os.stat_result, advance: Callable[[int], None] | None
) -> None:
    size = found.st_size
    if size == 0:
        # Files of /proc and /sys say 0 and have content all the same (proc(5)).
        while data := os.read(source, 1 << 20):
            while data:
                data = data[os.write(target, data) :]
        return
    if place.clone:
        if clone(source, target):
            return
        place.clone = False
    if found.st_blocks * 512 < size:
        copied = copy_sparse(source, target, size, advance=advance)
    else:
        if size >= _PREALLOCATED:
            preallocate(target, size)
        copied = copy_range(source, target, size, advance=advance)
    if copied < size:
        if os.fstat(source).st_size < size:
            raise Changed(f"it shrank from {size} bytes to {copied} while it was copied")
        _check_unchanged(source, found)  # a file of /sys: its size is made up


def _check_unchanged(source: int, before: os.stat_result) -> None:
    after = os.fstat(source)
    if (after.st_mtime_ns, after.st_size) != (before.st_mtime_ns, before.st_size):
        raise Changed("it changed while it was copied")


def copy_link(place: Place, name: str, new_name: str, found: os.stat_result) -> None:
    """Copy a symbolic link as it is, with times and owner."""
    words = os.readlink(name, dir_fd=place.source)
    _place_special(place, new_name, found, lambda made: os.symlink(words, made, dir_fd=place.target))


def copy_special(place: Place, name: str, new_name: str, found: os.stat_result) -> None:
    """Make a fifo, socket or device like the source's (a device needs CAP_MKNOD, mknod(2))."""
    del name
    mode, device = found.st_mode, found.st_rdev
    _place_special(place, new_name, found, lambda made: os.mknod(made, mode, device, dir_fd=place.target))


def _place_special(place: Place, new_name: str, found: os.stat_result, make: Callable[[str], None]) -> None:
    made = new_name if place.direct else place.temporary
    try:
        make(made)
    except FileExistsError:
        if made != place.temporary:
            raise
        os.unlink(made, dir_fd=place.target)
        make(made)
    try:
        place.aspects.give_name(made, found)
        if not place.direct:
            os.rename(made, new_name, src_dir_fd=place.target, dst_dir_fd=place.target)
    except BaseException:
        os.unlink(made, dir_fd=place.target)
        raise


def _points_to(place: Place, name: str, there: os.stat_result) -> bool:
    """Does the source's link lead to that file?  Put in its place it would point to itself, and the
    file be lost."""
    try:
        return os.path.samestat(os.stat(name, dir_fd=place.source), there)
    except OSError:
        return False


def whole_already(
    place: Place, name: str, new_name: str, found: os.stat_result, there: os.stat_result
) -> bool:
    """Is the entry at the target whole?  Its owner and mode are mended on the way.

    Raises OSError for what must not be replaced: a folder, or the source itself.
    """
    if (found.st_dev, found.st_ino) == (there.st_dev, there.st_ino):
        raise OSError(errno.EEXIST, "source and target are the same file")
    if stat.S_ISDIR(there.st_mode):
        raise IsADirectoryError(errno.EISDIR, "a folder stands at its place in the target")
    if stat.S_IFMT(found.st_mode) != stat.S_IFMT(there.st_mode):
        if stat.S_ISLNK(found.st_mode) and _points_to(place, name, there):
            raise OSError(errno.EEXIST, "it is a link to the very file at its place in the target")
        return False
    if stat.S_ISREG(found.st_mode):
        same = (found.st_size, found.st_mtime_ns) == (there.st_size, there.st_mtime_ns)
    elif stat.S_ISLNK(found.st_mode):
        same = os.readlink(name, dir_fd=place.source) == os.readlink(new_name, dir_fd=place.target)
    else:
        same = found.st_rdev == there.st_rdev
    if same and not same_aspects(found, there):
        place.aspects.mend_name(new_name, found, there)
    return same
