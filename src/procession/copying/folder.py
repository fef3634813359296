"""Copy one folder: make it, fill it, put it in its place.

A folder that is new is made under a temporary name, filled with whole files, and renamed into place at
the end: one rename a folder instead of one a file.  Should the worker die meanwhile, nothing stands at
a final name.  Into a folder that exists already every entry goes by its own temporary name.

What one task does is bounded (``NAMES_MAX``, ``FILES_MAX``, ``BYTES_MAX``); the rest of a folder goes
back to the parent as further tasks, and so do its subfolders.
"""

from __future__ import annotations

import errno
import os
import stat

from procession.copying.account import Account
from procession.copying.aspects import give_folder
from procession.copying.entry import BIG, Place
from procession.copying.messages import Failure, FolderDone, Tally
from procession.copying.names import Entries
from procession.copying.words import Changed, cause_of
from procession.linux.dirfd import open_dir, remove_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.copying.job import Job
    from procession.copying.messages import CopyFolder, CopyNames, FinishFolders, Retry

NAMES_MAX = 2048  # a folder with more names is listed by the parent, piece by piece
FILES_MAX = 256  # files of one folder that are copied in its own task
BYTES_MAX = 4 * BIG
STRIDE = 32  # files between two looks at whether the copy is to stop


class _Target:
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


def copy_folder(job: Job, task: CopyFolder) -> FolderDone:
    """Copy a folder without its subfolders."""
    try:
        source_parent, target_parent, name, new_name = job.tree.parent(task.root, task.path)
        if not task.path and not _is_folder(name, source_parent):
            return FolderDone(_copy_root_entry(job, task, source_parent, target_parent))
        source = open_dir(name, source_parent)
    except OSError as error:
        return FolderDone(_failed(job, task, error))
    try:
        answer, target = _fill_target(job, task, source, target_parent, new_name)
    except BaseException as error:
        os.close(source)
        if not isinstance(error, OSError | Changed):
            raise
        return FolderDone(_failed(job, task, error))
    if answer.open:
        job.tree.keep(task.root, task.path, source, target)
    else:
        os.close(source)
        os.close(target)
    return answer


def copy_names(job: Job, task: CopyNames) -> Tally:
    """Copy further entries of a folder that stands."""
    try:
        source, target = job.tree.folder(task.root, task.path)
    except OSError as error:
        return _failed(job, task, error)
    account = Account()
    _sweep(task.retry, target)
    place = _place(job, source, target, task.retry, direct=False, fresh=task.fresh)
    entries = Entries(job, place, account, job.shown(task.root, task.path))
    at = 0
    while at < len(task.names) and not job.stopping():
        at += entries.swift(task.names[at : at + STRIDE])
        if at < len(task.names) and not _banned(task.retry, task.names[at]):
            entries.file(task.names[at], task.names[at])
        at += 1
    for name in task.others:
        if not job.stopping() and not _banned(task.retry, name):
            entries.other(name, name)
    return account.tally()


def finish_folders(job: Job, task: FinishFolders) -> Tally:
    """Give folders whose content is complete their owner, mode and times."""
    failures = []
    for path in task.paths:
        if _banned(task.retry, path):
            continue
        job.note(path.encode("utf-8", "surrogateescape"))
        try:
            _finish(job, task.root, path)
        except OSError as error:
            failures.append(Failure(job.shown(task.root, path), cause_of(error)))
    return Tally(failures=tuple(failures))


def _finish(job: Job, root: int, path: str) -> None:
    source_parent, target_parent, name, new_name = job.tree.parent(root, path)
    found = os.stat(name, dir_fd=source_parent, follow_symlinks=False)
    if found.st_mode & 0o700 == 0o700:
        # It has its owner and mode since it was put in its place (_leave_open): only the times are missing.
        times = (found.st_atime_ns, found.st_mtime_ns)
        os.utime(new_name, ns=times, dir_fd=target_parent, follow_symlinks=False)
        return
    target = open_dir(new_name, target_parent)
    try:
        give_folder(target, found, os.fstat(target), last=True)
    finally:
        os.close(target)


def _fill_target(
    job: Job, task: CopyFolder, source: int, parent: int, new_name: str
) -> tuple[FolderDone, int]:
    """The answer and a descriptor of the folder at the target, where it stands by then."""
    found = os.fstat(source)
    if task.path:
        _sweep(task.retry, parent)
        if (found.st_dev, found.st_ino) == job.tree.target_of(task.root):
            raise OSError(errno.ELOOP, "it is the copy itself, by another path: left out")
    else:
        _clean(job, task.retry, parent)  # the folder that the root itself was in the making in
    target = _open_target(job, task, parent, new_name, found)
    try:
        if not target.fresh:
            _refuse_self(found, target.descriptor)
            _clean(job, task.retry, target.descriptor)
        listing = _list(source)
        if listing is None:
            return _leave_open(target, Account(), huge=True), target.descriptor
        return _copy_listing(job, task, source, target, listing), target.descriptor
    except BaseException:
        target.drop()
        os.close(target.descriptor)
        raise


def _copy_listing(job: Job, task: CopyFolder, source: int, target: _Target, listing: _Listing) -> FolderDone:
    account = Account()
    found, there = target.model, os.fstat(target.descriptor)
    place = Place(
        source,
        target.descriptor,
        job.temporary,
        direct=target.fresh,
        fresh=target.fresh and task.retry is None,
        since=_since(job, task.retry),
        clone=(task.root, found.st_dev) not in job.no_clone,
        made=there if target.fresh else None,
    )
    entries = Entries(job, place, account, job.shown(task.root, task.path))
    for name in listing.others:
        if not _banned(task.retry, name):
            entries.other(name, name)
    rest = _copy_files(job, task.retry, entries, account, listing.files)
    if not place.clone:
        job.no_clone.add((task.root, found.st_dev))
    folders = tuple(name for name in listing.folders if not _banned(task.retry, name))
    if rest or folders:
        job.note(b"")
        return _leave_open(target, account, folders=folders, rest=tuple(rest))
    job.note(b"")
    try:
        give_folder(target.descriptor, found, there, last=True)
    except OSError as error:
        if target.fresh:
            raise
        # Somebody else's, into which we may write: what has been copied counts.
        account.failures.append(Failure(job.shown(task.root, task.path), cause_of(error)))
    target.publish()
    account.folders = 1
    return FolderDone(account.tally(), fresh=target.fresh)


def _copy_files(
    job: Job, retry: Retry | None, entries: Entries, account: Account, names: list[str]
) -> list[tuple[str, int]]:
    """Copy the files of a folder up to the bounds of one task; what is left, with sizes where known."""
    rest: list[tuple[str, int]] = []
    at = 0
    while at < len(names):
        if at >= FILES_MAX or account.bytes >= BYTES_MAX or (at and job.stopping()):
            rest.extend((name, -1) for name in names[at:])
            break
        at += entries.swift(names[at : at + STRIDE])
        if at < len(names) and not _banned(retry, names[at]):
            size = entries.file(names[at], names[at], defer=True)
            if size >= 0:
                rest.append((names[at], size))
        at += 1
    return rest


def _leave_open(
    target: _Target,
    account: Account,
    *,
    folders: tuple[str, ...] = (),
    rest: tuple[tuple[str, int], ...] = (),
    huge: bool = False,
) -> FolderDone:
    """Put a folder in its place into which more will come."""
    found = target.model
    try:
        give_folder(target.descriptor, found, os.fstat(target.descriptor), last=False)
    except PermissionError:
        if target.fresh:
            raise
        # Somebody else's, into which we may write: finish_folder will say what it lacks.
    target.publish()
    account.folders = 1
    late = not found.st_mode & stat.S_IXUSR and os.geteuid() != 0
    return FolderDone(account.tally(), folders, rest, huge=huge, open=True, late=late, fresh=target.fresh)


class _Listing:
    """The names of a folder by kind, files in the order of their inodes (near each other on a disk)."""

    __slots__ = ("files", "folders", "others")

    def __init__(self, files: list[tuple[int, str]], folders: list[str], others: list[str]) -> None:
        files.sort()
        self.files = [name for _, name in files]
        self.folders = folders
        self.others = others


def _list(source: int) -> _Listing | None:
    """The folder's names, or None when there are more than NAMES_MAX."""
    files: list[tuple[int, str]] = []
    folders: list[str] = []
    others: list[str] = []
    with os.scandir(source) as entries:
        for count, entry in enumerate(entries):
            if count >= NAMES_MAX:
                return None
            if entry.is_file(follow_symlinks=False):
                files.append((entry.inode(), entry.name))
            elif entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            else:
                others.append(entry.name)
    return _Listing(files, folders, others)


def _open_target(job: Job, task: CopyFolder, parent: int, name: str, model: os.stat_result) -> _Target:
    """The target folder: the one that stands there, or a new one under a temporary name."""
    if not task.fresh or task.retry is not None:
        try:
            return _Target(parent, name, None, _open_existing(name, parent), model)
        except FileNotFoundError:
            pass
    try:
        os.mkdir(job.temporary, 0o700, dir_fd=parent)
    except FileExistsError:
        remove_tree(job.temporary, parent)
        os.mkdir(job.temporary, 0o700, dir_fd=parent)
    return _Target(parent, name, job.temporary, open_dir(job.temporary, parent), model)


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


def _clean(job: Job, retry: Retry | None, target: int) -> None:
    """Make a standing target folder ours to write into, and remove what dead runs and workers left."""
    there = os.fstat(target)
    if there.st_mode & 0o300 != 0o300 and there.st_uid == os.geteuid() != 0:
        os.fchmod(target, stat.S_IMODE(there.st_mode) | 0o700)
    _sweep(retry, target)
    with os.scandir(target) as entries:
        litter = [entry.name for entry in entries if job.run.is_litter(entry.name, target)]
    for name in litter:
        remove_tree(name, target)


def _sweep(retry: Retry | None, folder: int) -> None:
    """Remove what dead workers of this run left in a folder."""
    for name in retry.litter if retry else ():
        remove_tree(name, folder)


def _refuse_self(found: os.stat_result, target: int) -> None:
    there = os.fstat(target)
    if (found.st_dev, found.st_ino) == (there.st_dev, there.st_ino):
        raise OSError(errno.EEXIST, "source and target are the same folder")


def _copy_root_entry(job: Job, task: CopyFolder, source: int, target: int) -> Tally:
    """The operator named a single file or link."""
    root = job.tree.root(task.root)
    account = Account()
    _clean(job, task.retry, target)
    place = _place(job, source, target, task.retry, direct=False, fresh=False)
    if not _banned(task.retry, root.source_name):
        above, _, _ = root.shown.rpartition("/")
        Entries(job, place, account, above).other(root.source_name, root.target_name)
    return account.tally()


def _is_folder(name: str, parent: int) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)


def _place(job: Job, source: int, target: int, retry: Retry | None, *, direct: bool, fresh: bool) -> Place:
    return Place(
        source,
        target,
        job.temporary,
        direct=direct,
        fresh=fresh and retry is None,
        since=_since(job, retry),
    )


def _since(job: Job, retry: Retry | None) -> int | None:
    return job.setup.since if retry is not None else None


def _banned(retry: Retry | None, name: str) -> bool:
    return retry is not None and name in retry.banned


def _failed(job: Job, task: CopyFolder | CopyNames, error: BaseException) -> Tally:
    return Tally(failures=(Failure(job.shown(task.root, task.path), cause_of(error)),))
