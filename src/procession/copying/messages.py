"""What a copy worker is asked to do and what it answers.

A path is relative to its root, with "/" between the names; "" is the root itself.  Names are str as
``os.fsdecode`` gives them, so that bytes that are not UTF-8 survive the journey.
"""

from __future__ import annotations

from procession.records import record


@record
class Root:
    """One thing that the operator asked to copy: where it is and where it goes.

    The two parents are resolved once, following whatever links the operator has there; below them no
    link is ever followed.
    """

    source_parent: str
    source_name: str
    target_parent: str
    target_name: str
    shown: str


@record
class Retry:
    """What is known when a task is given out again after a worker died over it.

    ``deaths``: how often a worker died at which name; ``banned``: names that are given up;
    ``litter``: temporary names that dead workers may have left.
    """

    deaths: tuple[tuple[str, int], ...] = ()
    banned: tuple[str, ...] = ()
    litter: tuple[str, ...] = ()


@record
class CopyFolder:
    """Make the folder and copy what is in it, except its subfolders.  ``fresh``: it cannot exist yet."""

    root: int
    path: str
    fresh: bool = False
    retry: Retry | None = None


@record
class CopyNames:
    """Copy these entries of a folder that exists already: files, and ``others`` that are no folders."""

    root: int
    path: str
    names: tuple[str, ...]
    others: tuple[str, ...] = ()
    fresh: bool = False
    retry: Retry | None = None


@record
class FinishFolders:
    """All that belongs into these folders is there: give them their times, modes and owners, in order."""

    root: int
    paths: tuple[str, ...]
    retry: Retry | None = None


CopyTask = CopyFolder | CopyNames | FinishFolders


@record
class Failure:
    """A path that was not copied, and why."""

    path: str
    cause: str


@record
class Tally:
    """What a task has done.  ``bytes`` are those copied; ``skipped`` entries were whole already."""

    files: int = 0
    links: int = 0
    specials: int = 0
    folders: int = 0
    bytes: int = 0
    skipped: int = 0
    skipped_bytes: int = 0
    failures: tuple[Failure, ...] = ()


@record
class FolderDone:
    """The answer to CopyFolder.

    ``folders`` and ``rest`` (files: name, size or -1 when not known) are still to do; ``huge``: too many
    names for one answer, the parent has to list the folder itself; ``open``: its times, mode and
    owner are still to be set by FinishFolders; ``late``: only at the very end, because with its own
    mode we could not reach what is below it.
    """

    tally: Tally
    folders: tuple[str, ...] = ()
    rest: tuple[tuple[str, int], ...] = ()
    huge: bool = False
    open: bool = False
    late: bool = False
    fresh: bool = False
