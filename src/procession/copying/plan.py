"""What a copy does next: pure bookkeeping over tasks and answers, without a file or a process.

Tasks lie on a stack: what was found last is done first, so what is pending is at most a few folders'
worth of names for each level of depth, however large the tree.  A folder is *open* until its whole
content has been copied; then it is complete, which may complete the one above, and is finished (times,
mode, owner) together with others.
A folder with too many names is not put on the stack but listed piece by piece (``Listing``), while
workers have room.
"""

from __future__ import annotations

from procession.copying.messages import (
    CopyFolder,
    CopyNames,
    CopyTask,
    Failure,
    FinishFolders,
    FolderDone,
    Retry,
    Tally,
)
from procession.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    #: (name, kind) of each entry of a folder; kind is "file", "folder" or "other".
    Lister = Callable[[int, str], Iterator[tuple[str, str]]]

PIECE = 128  # names in one task of a large folder
PIECE_BYTES = 16 << 20
HEAVY = 32 << 20  # bytes: such a file has no company in its batch
FINISH = 64  # folders that are finished by one task
DEATHS_MAX = 2  # so often a file may cost a worker; then it is given up
FOLDER, FILE, OTHER = "folder", "file", "other"


class _Listing:
    """A large folder that is read while it is copied."""

    __slots__ = ("entries", "fresh", "path", "root")

    def __init__(self, root: int, path: str, entries: Iterator[tuple[str, str]], *, fresh: bool) -> None:
        self.root = root
        self.path = path
        self.entries = entries
        self.fresh = fresh


class Plan:
    """The tasks of a copy.  ``take`` gives some out, ``answered`` and ``lost`` take the outcomes in."""

    def __init__(self, roots: int, workers: int, lister: Lister, shown: Callable[[int, str], str]) -> None:
        self._stack: list[CopyTask | _Listing] = [CopyFolder(root, "") for root in reversed(range(roots))]
        self._workers = workers
        self._lister = lister
        self._shown = shown
        # Open folders: how many of their tasks and subfolders are not complete yet.
        self._open: dict[tuple[int, str], int] = {}
        # Complete folders that are not finished yet, and those that must wait for the very end.
        self._complete_ones: dict[int, list[str]] = {}
        self._late: dict[int, list[str]] = {}
        self._late_keys: set[tuple[int, str]] = set()
        self._out = 0

    @property
    def pending(self) -> int:
        """Tasks that wait (a large folder that is being listed counts as one)."""
        return len(self._stack)

    @property
    def done(self) -> bool:
        """True when nothing waits and nothing is out."""
        return not (self._stack or self._complete_ones or self._late or self._out)

    # -- giving out --------------------------------------------------------------------------------

    def take(self, limit: int) -> tuple[tuple[CopyTask, ...], bool]:
        """Up to ``limit`` tasks for one batch, and whether it is heavy; empty when none waits now.

        The stack is shared out: no batch takes more than a fair part of it.
        """
        if not self._stack:
            self._finish_rest()
        limit = max(1, min(limit, len(self._stack) // (2 * self._workers)))
        taken: list[CopyTask] = []
        while self._stack and len(taken) < limit:
            top = self._stack[-1]
            if isinstance(top, _Listing):
                self._read_on(top)
                continue
            if isinstance(top, CopyNames) and len(top.names) == 1 and not top.others:
                # One name: a big file.  It travels alone, so that others need not wait behind it.
                if not taken:
                    self._stack.pop()
                    self._out += 1
                    return (top,), True
                break
            taken.append(top)
            self._stack.pop()
        self._out += len(taken)
        if not taken and not self._out and not self.done:
            return self.take(limit)  # a listing has ended with nothing new: its folder can be finished
        return tuple(taken), False

    def _read_on(self, listing: _Listing) -> None:
        """Put the next piece of a large folder on the stack."""
        names: list[str] = []
        others: list[str] = []
        folders: list[str] = []
        kinds = {FILE: names, OTHER: others, FOLDER: folders}
        for name, kind in listing.entries:
            kinds[kind].append(name)
            if len(names) + len(others) + len(folders) >= PIECE:
                break
        else:
            self._stack.pop()
        key = (listing.root, listing.path)
        new: list[CopyTask] = [
            CopyFolder(listing.root, _join(listing.path, name), listing.fresh) for name in folders
        ]
        if names or others:
            new.append(CopyNames(listing.root, listing.path, tuple(names), tuple(others), listing.fresh))
        ended = not self._stack or self._stack[-1] is not listing
        self._open[key] += len(new)
        self._stack.extend(new)
        if ended:
            self._complete_part(key)

    # -- taking in ---------------------------------------------------------------------------------

    def answered(self, task: CopyTask, answer: FolderDone | Tally) -> None:
        """A task has been done."""
        self._out -= 1
        if isinstance(task, CopyFolder):
            assert isinstance(answer, FolderDone)
            self._folder_answered(task, answer)
        elif isinstance(task, CopyNames):
            self._complete_part((task.root, task.path))

    def lost(self, task: CopyTask, note: str, litter: str, cause: str) -> Failure | None:
        """A worker died over a task at the entry ``note`` ("" when it was at the folder itself).

        The task is given out again; an entry that has cost DEATHS_MAX workers is given up and returned
        as a failure.  ``litter`` is the temporary name that the dead worker used.
        """
        self._out -= 1
        old = task.retry or Retry()
        deaths = dict(old.deaths)
        deaths[note] = deaths.get(note, 0) + 1
        given_up = deaths[note] >= DEATHS_MAX
        banned = (*old.banned, note) if given_up and note else old.banned
        retry = Retry(tuple(deaths.items()), banned, (*old.litter, litter))
        # A long path may have been cut in the note: then banning it has not helped, and the task is lost.
        whole = given_up and (not note or deaths[note] > DEATHS_MAX)
        where = self._shown(task.root, _where(task, "" if whole else note))
        if whole:
            self._give_up(task)
        else:
            self._stack.append(replace(task, retry=retry))
        return Failure(where, cause) if given_up else None

    def failed(self, task: CopyTask, cause: str) -> Failure:
        """A task ended by an error that the worker had not foreseen."""
        self._out -= 1
        self._give_up(task)
        return Failure(self._shown(task.root, _where(task, "")), cause)

    def cancelled(self, _task: CopyTask) -> None:
        """A task was not begun: the copy is being stopped."""
        self._out -= 1

    def _give_up(self, task: CopyTask) -> None:
        if isinstance(task, CopyNames):
            self._complete_part((task.root, task.path))
        elif isinstance(task, CopyFolder):
            self._complete(task.root, task.path)

    # -- folders -----------------------------------------------------------------------------------

    def _folder_answered(self, task: CopyFolder, answer: FolderDone) -> None:
        key = (task.root, task.path)
        if not answer.open:
            self._complete(*key)
            return
        if answer.late:
            self._late_keys.add(key)
        tasks: list[CopyTask] = list(_pieces(task, answer.rest, fresh=answer.fresh))
        tasks.extend(CopyFolder(task.root, _join(task.path, name), answer.fresh) for name in answer.folders)
        self._open[key] = len(tasks)
        self._stack.extend(tasks)
        if answer.huge:
            self._open[key] += 1
            entries = self._lister(task.root, task.path)
            self._stack.append(_Listing(task.root, task.path, entries, fresh=answer.fresh))
        elif not tasks:
            self._complete_part(key, 0)

    def _complete_part(self, key: tuple[int, str], parts: int = 1) -> None:
        """A part of an open folder is complete; with the last one the folder is, and perhaps those above."""
        while True:
            self._open[key] -= parts
            if self._open[key]:
                return
            del self._open[key]
            self._to_finish(*key)
            root, path = key
            if not path:
                return
            key, parts = (root, path.rpartition("/")[0]), 1

    def _to_finish(self, root: int, path: str) -> None:
        if (root, path) in self._late_keys:
            self._late_keys.remove((root, path))
            self._late.setdefault(root, []).append(path)
            return
        paths = self._complete_ones.setdefault(root, [])
        paths.append(path)
        if len(paths) >= FINISH:
            self._stack.append(FinishFolders(root, tuple(self._complete_ones.pop(root))))

    def _finish_rest(self) -> None:
        """Nothing else waits: finish what is complete; when nothing is out either, the late ones too.

        Those lie in the order in which they were completed, so each after all that is below it.
        """
        ready = self._complete_ones or (self._late if not self._out else {})
        for root, paths in ready.items():
            self._stack.append(FinishFolders(root, tuple(paths)))
        ready.clear()

    def _complete(self, root: int, path: str) -> None:
        """A folder is complete with all that is below it."""
        if path:
            self._complete_part((root, path.rpartition("/")[0]))


def _pieces(task: CopyFolder, rest: Sequence[tuple[str, int]], *, fresh: bool) -> Iterator[CopyNames]:
    """The rest of a folder's files as tasks: big ones alone, the others in groups."""
    names: list[str] = []
    size_of_piece = 0
    for name, size in rest:
        if size >= HEAVY:
            yield CopyNames(task.root, task.path, (name,), (), fresh)
            continue
        names.append(name)
        size_of_piece += max(size, 0)
        if len(names) >= PIECE or size_of_piece >= PIECE_BYTES:
            yield CopyNames(task.root, task.path, tuple(names), (), fresh)
            names, size_of_piece = [], 0
    if names:
        yield CopyNames(task.root, task.path, tuple(names), (), fresh)


def _where(task: CopyTask, note: str) -> str:
    """The path that a note of a task speaks of."""
    if isinstance(task, FinishFolders):
        return note or task.paths[0]
    return _join(task.path, note) if note else task.path


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name
