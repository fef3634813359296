"""The names in a folder: all at once, or of a large folder piece by piece while it is being copied."""

from __future__ import annotations

import os

from procession.copying.messages import Failure
from procession.copying.plan import FILE, FOLDER, OTHER
from procession.copying.words import cause_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from procession.copying.job import Job


class Names:
    """The names of a folder by kind, files in the order of their inodes (near each other on a disk)."""

    __slots__ = ("files", "folders", "others")

    def __init__(self, files: list[tuple[int, str]], folders: list[str], others: list[str]) -> None:
        files.sort()
        self.files = [name for _, name in files]
        self.folders = folders
        self.others = others


def list_names(source: int, limit: int) -> Names | None:
    """The names of an open folder, or None when there are more than ``limit``."""
    files: list[tuple[int, str]] = []
    folders: list[str] = []
    others: list[str] = []
    with os.scandir(source) as entries:
        for count, entry in enumerate(entries):
            if count >= limit:
                return None
            if entry.is_file(follow_symlinks=False):
                files.append((entry.inode(), entry.name))
            elif entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            else:
                others.append(entry.name)
    return Names(files, folders, others)


def list_folder(
    job: Job, root: int, path: str, on_failure: Callable[[Failure], None]
) -> Iterator[tuple[str, str]]:
    """(name, kind) of each entry of a large folder, for the parent.

    Read as it is asked for; one pass, so no name comes twice.
    """
    try:
        source = os.dup(job.tree.folder(root, path)[0])
        try:
            with os.scandir(source) as entries:
                for entry in entries:
                    yield entry.name, _kind(entry)
        finally:
            os.close(source)
    except OSError as error:
        on_failure(Failure(job.shown(root, path), cause_of(error)))


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_file(follow_symlinks=False):
        return FILE
    return FOLDER if entry.is_dir(follow_symlinks=False) else OTHER
