"""Remove a whole tree through descriptors, of any depth, with a handful of them.

::

    fd --> the folder being emptied.  Down: open a subfolder by name, O_NOFOLLOW.
           Up: open "..", and go on only if it is, by device and inode, the folder we came from.

So a tree that somebody moves or swaps for a link meanwhile ends the removal with an error and never
leads it elsewhere.  Only the names of folders still to do are kept, never those of files.
"""

from __future__ import annotations

import errno
import os

from procession.linux.names import check_name

_DIR = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class _Level:
    """A folder on the way down: who it is, and its subfolders that are still to be removed."""

    __slots__ = ("folders", "identity")

    def __init__(self, fd: int) -> None:
        self.identity = _identity(fd)
        self.folders = _remove_files(fd)


def remove_tree(name: str, dir_fd: int) -> None:
    """Remove the file, link or folder ``name`` of ``dir_fd`` with all that is in it; missing is fine.

    A folder of ours below that lacks permissions gets them first; ``dir_fd`` itself has to be writable.
    Raises ValueError for a name that is not of one entry, OSError for what cannot be removed (ESTALE:
    the tree was moved while we were in it).
    """
    check_name(name)
    try:
        os.unlink(name, dir_fd=dir_fd)
    except FileNotFoundError:
        return
    except IsADirectoryError:  # unlink(2) on Linux, where POSIX would have EPERM
        try:
            fd = _open_to_empty(name, dir_fd)
        except FileNotFoundError:
            return
        _empty(fd)
        _rmdir(name, dir_fd)


def _empty(fd: int) -> None:
    """Remove all that is in the folder ``fd``, and close it."""
    try:
        levels = [_Level(fd)]
        while True:
            if levels[-1].folders:
                below = _step_down(levels[-1], fd)
                if below is None:
                    continue
                os.close(fd)
                fd = below
                levels.append(_Level(fd))
            else:
                levels.pop()
                if not levels:
                    return
                above = _step_up(levels[-1], fd)
                os.close(fd)
                fd = above
                _rmdir(levels[-1].folders.pop(), fd)
    finally:
        os.close(fd)


def _step_down(level: _Level, fd: int) -> int | None:
    try:
        return _open_to_empty(level.folders[-1], fd)
    except FileNotFoundError:
        level.folders.pop()
        return None


def _step_up(level: _Level, fd: int) -> int:
    above = os.open("..", _DIR, dir_fd=fd)
    if _identity(above) != level.identity:
        os.close(above)
        raise OSError(errno.ESTALE, "a folder was moved while it was being removed")
    return above


def _remove_files(fd: int) -> list[str]:
    """Unlink all but the folders; their names.  Twice if need be: entries that are removed while they
    are being listed may hide others on some file systems (readdir(3) leaves it open)."""
    while True:
        folders = []
        removed = False
        with os.scandir(fd) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                else:
                    removed = True
                    _unlink(entry.name, fd)
        if not removed:
            return folders


def _open_to_empty(name: str, dir_fd: int) -> int:
    """Open a folder so that its entries can be listed and removed."""
    try:
        fd = os.open(name, _DIR, dir_fd=dir_fd)
    except PermissionError:
        _grant(name, dir_fd)
        fd = os.open(name, _DIR, dir_fd=dir_fd)
    mode = os.fstat(fd).st_mode
    if mode & 0o700 != 0o700:
        try:
            os.fchmod(fd, mode & 0o777 | 0o700)
        except OSError:
            pass  # not ours: removing an entry will say so, or we are root and need no permission
    return fd


def _grant(name: str, dir_fd: int) -> None:
    # fchmod refuses an O_PATH descriptor (EBADF, open(2)); its name in /proc leads to the same inode,
    # and O_NOFOLLOW has seen to it that this is a folder and no link.
    fd = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=dir_fd)
    try:
        os.chmod(f"/proc/self/fd/{fd}", 0o700)
    finally:
        os.close(fd)


def _unlink(name: str, dir_fd: int) -> None:
    try:
        os.unlink(name, dir_fd=dir_fd)
    except FileNotFoundError:
        pass


def _rmdir(name: str, dir_fd: int) -> None:
    try:
        os.rmdir(name, dir_fd=dir_fd)
    except FileNotFoundError:
        pass


def _identity(fd: int) -> tuple[int, int]:
    found = os.fstat(fd)
    return found.st_dev, found.st_ino
