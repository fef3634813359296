"""A copy worker's own state: the tree it holds open, its temporary name, its place in the account."""

from __future__ import annotations

import os

from procession.copying.litter import Run
from procession.copying.messages import (
    CopyFolder,
    CopyNames,
    CopyTask,
    FinishFolders,
    FolderDone,
    Root,
    Tally,
)
from procession.copying.tree import Tree
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.pool.worker import Context

    Gauges = memoryview | list[int]


@record
class CopySetup:
    """What every copy worker is given: the roots, the run's token, and its start (ns since 1970)."""

    roots: tuple[Root, ...]
    token: str
    since: int


class Job:
    """One process that copies; made at its first task."""

    __slots__ = ("gauges", "note", "run", "setup", "stopping", "temporary", "tree")

    def __init__(self, setup: CopySetup, gauges: Gauges, note: Callable[[bytes], None]) -> None:
        self.setup = setup
        self.tree = Tree(setup.roots)
        self.run = Run(setup.token)
        self.temporary = self.run.name(os.getpid())
        self.gauges = gauges
        self.note = note
        self.stopping: Callable[[], bool] = bool

    def shown(self, root: int, path: str) -> str:
        """A path as the operator would write it."""
        top = self.setup.roots[root].shown
        return f"{top}/{path}" if path else top


def handle(context: Context, task: CopyTask) -> FolderDone | Tally:
    """The handler of copy workers."""
    job = context.state
    if job is None:
        os.umask(0)  # modes come from the source alone
        job = context.state = Job(context.setup, context.gauges, context.note)
        job.stopping = lambda: context.stopping
    context.note(b"")
    return do(job, task)


def do(job: Job, task: CopyTask) -> FolderDone | Tally:
    """Do one task."""
    from procession.copying import folder

    if isinstance(task, CopyFolder):
        return folder.copy_folder(job, task)
    if isinstance(task, CopyNames):
        return folder.copy_names(job, task)
    assert isinstance(task, FinishFolders)
    return folder.finish_folders(job, task)
