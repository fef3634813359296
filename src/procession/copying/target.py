"""The folder at the target while its task runs: opened or made, cleaned, put in its place."""

from __future__ import annotations

import errno
import os
import stat

from procession.linux.dirfd import open_dir, remove_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.copying.job import Job
    from procession.copying.messages import CopyFolder, Retry


class Target:
    """The folder at the target while its task runs."""

    __slots__ = ("descriptor", "fresh", "model", "name", "parent", "staged")

    def __init__(
        self, parent: int, name: str, staged: str | None, descriptor: int, model: os.stat_result
    ) -> None:
        self.parent = parent
        self.name = name
        self.staged = staged
        self.descriptor = descriptor
        self.fresh = staged is not None
        self.model = model  # the folder at the source

    def publish(self) -> None:
        """Give a staged folder its final name."""
        if self.staged is not None:
            os.rename(self.staged, self.name, src_dir_fd=self.parent, dst_dir_fd=self.parent)
            self.staged = None

    def drop(self) -> None:
        """Remove a staged folder that could not be finished."""
        if self.staged is not None:
            remove_tree(self.staged, self.parent)
            self.staged = None


def open_target(job: Job, task: CopyFolder, parent: int, name: str, model: os.stat_result) -> Target:
    """The target folder: the one that stands there, or a new one under a temporary name."""
    if not task.fresh or task.retry is not None:
        try:
            return Target(parent, name, None, _open_existing(name, parent), model)
        except FileNotFoundError:
            pass
    try:
        os.mkdir(job.temporary, 0o700, dir_fd=parent)
    except FileExistsError:
        remove_tree(job.temporary, parent)
        os.mkdir(job.temporary, 0o700, dir_fd=parent)
    return Target(parent, name, job.temporary, open_dir(job.temporary, parent), model)


def _open_existing(name: str, parent: int) -> int:
    try:
        return open_dir(name, parent)
    except NotADirectoryError:
        raise NotADirectoryError(
            errno.ENOTDIR, "something that is no folder stands at its place in the target"
        ) from None
    except PermissionError:
        # A folder of our own that we closed to ourselves (a copied read-only one): open it up.
        there = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if not stat.S_ISDIR(there.st_mode) or there.st_uid != os.geteuid():
            raise
    entry = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=parent)
    try:
        os.chmod(f"/proc/self/fd/{entry}", stat.S_IMODE(there.st_mode) | 0o700)
    finally:
        os.close(entry)
    return open_dir(name, parent)


def open_up(target: int) -> None:
    """Make a standing folder that the copy merges into writable, if it is ours; it is closed again when
    it gets the mode of its source."""
    there = os.fstat(target)
    if there.st_mode & 0o300 != 0o300 and there.st_uid == os.geteuid() != 0:
        os.fchmod(target, stat.S_IMODE(there.st_mode) | 0o700)


def clean(job: Job, retry: Retry | None, target: int) -> None:
    """Remove what dead runs and dead workers left in a folder."""
    sweep(retry, target)
    with os.scandir(target) as entries:
        litter = [entry.name for entry in entries if job.run.is_litter(entry.name, target)]
    for name in litter:
        remove_tree(name, target)


def sweep(retry: Retry | None, folder: int) -> None:
    """Remove what dead workers of this run left in a folder."""
    for name in retry.litter if retry else ():
        remove_tree(name, folder)


def refuse_self(found: os.stat_result, target: int) -> None:
    """Raise OSError when the folder ``found`` at the source is the target itself."""
    there = os.fstat(target)
    if (found.st_dev, found.st_ino) == (there.st_dev, there.st_ino):
        raise OSError(errno.EEXIST, "source and target are the same folder")
