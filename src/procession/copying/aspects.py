"""Owner, mode and times: given to what was made, in the one order that works.

Owner first (chown(2) clears the set-user-ID bits), then the mode, last the times.  What a new file has
anyway is learned once a folder, so that most files need neither chown nor chmod.
"""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_SPECIAL_BITS = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX


class Aspects:
    """What new entries of one target folder get by themselves."""

    __slots__ = ("_default_acl", "_folder", "_owner")

    def __init__(self, folder: int, made: os.stat_result | None = None) -> None:
        self._folder = folder
        self._owner: tuple[int, int] | None = None
        self._default_acl = False
        if made is not None:
            self._learn(made)

    @property
    def plain_owner(self) -> tuple[int, int] | None:
        """Who owns a new file here, once known; None also where its mode cannot be relied on."""
        return None if self._default_acl else self._owner

    def give_file(self, target: int, found: os.stat_result) -> None:
        """Give an open file that was just created the owner, mode and times of ``found``."""
        if self._owner is None:
            self._learn(os.fstat(target))
        mode = found.st_mode & 0o7777
        if (found.st_uid, found.st_gid) != self._owner:
            mode = _own(lambda user, group: os.fchown(target, user, group), found, mode)
        if mode & _SPECIAL_BITS or self._default_acl:
            os.fchmod(target, mode)
        os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))

    def give_name(self, name: str, found: os.stat_result) -> None:
        """Give a link or special file, just created under ``name``, its owner and times."""
        there = os.stat(name, dir_fd=self._folder, follow_symlinks=False)
        self.mend_name(name, found, there)

    def mend_name(self, name: str, found: os.stat_result, there: os.stat_result) -> None:
        """Bring the owner, mode and times of an existing entry in line, never through a link."""
        mode = found.st_mode & 0o7777
        change = mode != there.st_mode & 0o7777
        if (found.st_uid, found.st_gid) != (there.st_uid, there.st_gid):
            mode = _own(lambda user, group: self._own_name(name, user, group), found, mode)
            # chown(2) may have cleared the set-ID bits, for root too, and we may have to do without them.
            change = change or bool(there.st_mode & _SPECIAL_BITS)
        if change and not stat.S_ISLNK(found.st_mode):
            _change_mode(name, self._folder, mode)
        os.utime(name, ns=(found.st_atime_ns, found.st_mtime_ns), dir_fd=self._folder, follow_symlinks=False)

    def _own_name(self, name: str, user: int, group: int) -> None:
        os.chown(name, user, group, dir_fd=self._folder, follow_symlinks=False)

    def _learn(self, new: os.stat_result) -> None:
        """``new`` is a file that was just made in the folder, or the folder itself if it was just made:
        set-group-ID and mount options (mount(8), grpid) mean the same for both."""
        self._owner = (new.st_uid, new.st_gid)
        try:
            os.getxattr(self._folder, "system.posix_acl_default")
            self._default_acl = True  # it takes the place of the umask (acl(5)): always set the mode
        except OSError:
            self._default_acl = False


def give_folder(target: int, found: os.stat_result, there: os.stat_result, *, last: bool) -> None:
    """Give an open folder, ``there`` by now, its owner and mode, and when it is ``last`` its times.

    Before that the owner keeps full access, or nothing could be put into a read-only folder.
    """
    mode = found.st_mode & 0o7777
    if (found.st_uid, found.st_gid) != (there.st_uid, there.st_gid):
        mode = _own(lambda user, group: os.fchown(target, user, group), found, mode)
    if not last:
        mode |= 0o700
    if mode != there.st_mode & 0o7777:
        os.fchmod(target, mode)
    if last:
        os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))


def same_aspects(found: os.stat_result, there: os.stat_result) -> bool:
    """Do mode, times and (for root) owner agree?"""
    if found.st_mtime_ns != there.st_mtime_ns:
        return False
    if not stat.S_ISLNK(found.st_mode) and found.st_mode != there.st_mode:
        return False
    return os.geteuid() != 0 or (found.st_uid, found.st_gid) == (there.st_uid, there.st_gid)


def _own(chown: Callable[[int, int], None], found: os.stat_result, mode: int) -> int:
    """chown; without the right to, the group alone; returns the mode that is still safe to give."""
    try:
        chown(found.st_uid, found.st_gid)
        return mode
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EINVAL):
            raise
    # Somebody else's set-user-ID program must not become ours.
    mode &= ~stat.S_ISUID
    try:
        chown(-1, found.st_gid)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EINVAL):
            raise
        mode &= ~stat.S_ISGID
    return mode


def _change_mode(name: str, folder: int, mode: int) -> None:
    # fchmodat(2) knows no AT_SYMLINK_NOFOLLOW before Linux 6.6: go through an O_PATH descriptor, which
    # names the entry itself, and its /proc link (open(2)).
    entry = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        if not stat.S_ISLNK(os.fstat(entry).st_mode):
            os.chmod(f"/proc/self/fd/{entry}", mode)
    finally:
        os.close(entry)
