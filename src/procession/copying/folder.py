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
from procession.copying.listing import list_names
from procession.copying.messages import Failure, FolderDone, Tally
from procession.copying.names import Entries
from procession.copying.target import clean, open_target, open_up, refuse_self, sweep
from procession.copying.words import Changed, cause_of
from procession.linux.dirfd import open_dir

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.copying.job import Job
    from procession.copying.listing import Names
    from procession.copying.messages import CopyFolder, CopyNames, FinishFolders, Retry
    from procession.copying.target import Target

NAMES_MAX = 2048  # a folder with more names is listed by the parent, piece by piece
FILES_MAX = 256  # files of one folder that are copied in its own task
BYTES_MAX = 4 * BIG
STRIDE = 32  # files between two looks at whether the copy is to stop


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
    sweep(task.retry, target)
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
        sweep(task.retry, parent)
        if (found.st_dev, found.st_ino) == job.tree.target_of(task.root):
            raise OSError(errno.ELOOP, "it is the copy itself, by another path: left out")
    else:
        clean(job, task.retry, parent)  # the folder that the root itself was in the making in
    target = open_target(job, task, parent, new_name, found)
    try:
        if not target.fresh:
            refuse_self(found, target.descriptor)
            open_up(target.descriptor)
            clean(job, task.retry, target.descriptor)
        listing = list_names(source, NAMES_MAX)
        if listing is None:
            return _leave_open(target, Account(), huge=True), target.descriptor
        return _copy_listing(job, task, source, target, listing), target.descriptor
    except BaseException:
        target.drop()
        os.close(target.descriptor)
        raise


def _copy_listing(job: Job, task: CopyFolder, source: int, target: Target, listing: Names) -> FolderDone:
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
    target: Target,
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


def _copy_root_entry(job: Job, task: CopyFolder, source: int, target: int) -> Tally:
    """The operator named a single file or link."""
    root = job.tree.root(task.root)
    account = Account()
    clean(job, task.retry, target)
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
