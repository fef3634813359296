"""A large folder, listed by the parent while the workers copy what it has found so far."""

from __future__ import annotations

import os

from procession.copying.messages import Failure
from procession.copying.plan import FILE, FOLDER, OTHER
from procession.copying.words import cause_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from procession.copying.job import Job


def list_folder(
    job: Job, root: int, path: str, on_failure: Callable[[Failure], None]
) -> Iterator[tuple[str, str]]:
    """(name, kind) of each entry, read as it is asked for; one pass, so no name comes twice."""
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
