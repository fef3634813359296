"""Folders by descriptor: below a root that the operator named, no symbolic link is ever followed.

A path that is walked one component at a time, each opened with O_NOFOLLOW relative to the one before,
cannot be led astray by somebody who swaps a folder for a link meanwhile, and may be longer than
PATH_MAX (4096 bytes).  openat2(2) with RESOLVE_BENEATH (Linux 5.6) would do it in one call but not from
Python, and not for long paths.
"""

from __future__ import annotations

import fcntl
import os

from procession.linux.names import check_name, split_path
from procession.linux.removal import remove_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["open_beneath", "open_dir", "open_root", "remove_tree", "split_path"]

_ROOT = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# O_NONBLOCK: should the name be a FIFO, open fails with ENOTDIR instead of waiting for a writer.
_BELOW = _ROOT | os.O_NOFOLLOW | os.O_NONBLOCK


def open_root(path: str | bytes | os.PathLike[str]) -> int:
    """Open a folder that the operator named; links in its path are his own and are followed.

    Raises OSError: FileNotFoundError, NotADirectoryError, PermissionError.
    """
    return os.open(path, _ROOT)


def open_dir(name: str, dir_fd: int) -> int:
    """Open folder ``name`` of the folder ``dir_fd``.

    Raises OSError: NotADirectoryError for a symbolic link too (open(2): O_DIRECTORY with O_NOFOLLOW).
    """
    return os.open(name, _BELOW, dir_fd=dir_fd)


def open_beneath(root_fd: int, parts: Sequence[str]) -> int:
    """Open the folder ``parts`` below ``root_fd``, following no link; no parts: a duplicate of the root.

    Never holds more than two descriptors.  Raises ValueError for a part that is empty, ".", ".." or
    holds a slash, OSError as ``open_dir`` does.
    """
    for part in parts:
        check_name(part)
    fd = fcntl.fcntl(root_fd, fcntl.F_DUPFD_CLOEXEC, 0)
    for part in parts:
        try:
            below = open_dir(part, fd)
        finally:
            os.close(fd)
        fd = below
    return fd
