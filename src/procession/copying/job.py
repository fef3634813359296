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
    from typing import Protocol

    from procession.pool.worker import Context

    class Gauges(Protocol):
        """A row of counters: of a page, or a plain list."""

        def __getitem__(self, index: int, /) -> int: ...
        def __setitem__(self, index: int, value: int, /) -> None: ...

    class Desk(Protocol):
        """What a Job uses of a worker's Context: where it says what it is at and how far it is."""

        @property
        def gauges(self) -> Gauges:
            """How far it is; see ``account.py``."""

        @property
        def step(self) -> Gauges:
            """One number: see ``note_steps``."""

        def note(self, text: bytes) -> None:
            """It is at this."""

        def note_steps(self, texts: bytes) -> bool:
            """It is at the ``step``-th of these."""

        @property
        def stopping(self) -> bool:
            """It is to stop."""


@record
class CopySetup:
    """What every copy worker is given: the roots, the run's token, and its start (ns since 1970)."""

    roots: tuple[Root, ...]
    token: str
    since: int


class Job:
    """One process that copies; made at its first task."""

    __slots__ = ("desk", "gauges", "no_clone", "note", "run", "setup", "temporary", "tree")

    def __init__(self, setup: CopySetup, desk: Desk) -> None:
        self.setup = setup
        self.tree = Tree(setup.roots)
        self.run = Run(setup.token)
        self.temporary = self.run.name(os.getpid())
        self.desk = desk
        self.gauges = desk.gauges
        self.note = desk.note
        #: (root, source device) whose files cannot share blocks with the target's.
        self.no_clone: set[tuple[int, int]] = set()

    def stopping(self) -> bool:
        """Has the copy been told to stop?"""
        return self.desk.stopping

    def shown(self, root: int, path: str) -> str:
        """A path as the operator would write it."""
        top = self.setup.roots[root].shown
        return f"{top}/{path}" if path else top


def handle(context: Context, task: CopyTask) -> FolderDone | Tally:
    """The handler of copy workers."""
    job = context.state
    if job is None:
        os.umask(0)  # modes come from the source alone
        job = context.state = Job(context.setup, context)
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
