"""The plan, driven by a simulated crew over trees that are only data."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procession.copying.messages import (
    CopyFolder,
    CopyNames,
    CopyTask,
    Failure,
    FinishFolders,
    FolderDone,
    Tally,
)
from procession.copying.plan import DEATHS_MAX, HEAVY, PIECE, Plan

Key = tuple[int, str]


@dataclass
class Folder:
    """A folder of a simulated tree and how its worker will treat it."""

    few: dict[str, int] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    folders: dict[str, Folder] = field(default_factory=dict)
    huge: bool = False
    late: bool = False
    deferred: int = 0  # files that are left for further tasks
    many: int = 0
    files: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.files = self.few | {f"many-{n}": 0 for n in range(self.many)}

    def walk(self, path: str = "") -> Iterator[tuple[str, Folder]]:
        yield path, self
        for name, folder in self.folders.items():
            yield from folder.walk(join(path, name))


def join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def shown(root: int, path: str) -> str:
    return f"{root}:{path}"


NAMES = st.text(st.sampled_from("abcdefgh"), min_size=1, max_size=3)
SIZES = st.sampled_from([0, 1, 5000, HEAVY - 1, HEAVY, 9 * HEAVY])


@st.composite
def folders(draw: st.DrawFn, depth: int = 3) -> Folder:
    files = draw(st.dictionaries(NAMES, SIZES, max_size=6))
    many = draw(st.integers(PIECE - 1, 3 * PIECE)) if draw(st.integers(0, 9)) == 0 else 0
    below: dict[str, Folder] = {}
    if depth:
        below = {f"D{n}": draw(folders(depth - 1)) for n in range(draw(st.integers(0, 3)))}
    return Folder(
        files,
        [f"o-{n}" for n in range(draw(st.integers(0, 2)))],
        below,
        huge=draw(st.booleans()),
        late=draw(st.booleans()),
        deferred=draw(st.integers(0, 10)),
        many=many,
    )


class Simulation:
    """A crew that answers as workers would, in any order, and sometimes dies."""

    def __init__(self, roots: list[Folder], workers: int, chance: random.Random, killers: set[str]) -> None:
        self.trees = {(n, path): folder for n, root in enumerate(roots) for path, folder in root.walk()}
        self.plan = Plan(len(roots), workers, self.list, shown)
        self.workers = workers
        self.chance = chance
        self.killers = killers
        self.out: list[CopyTask] = []
        self.copied: Counter[str] = Counter()
        self.made: Counter[Key] = Counter()
        self.open: set[Key] = set()
        self.late: set[Key] = set()
        self.finished: Counter[Key] = Counter()
        self.unfinished: set[Key] = set()
        self.failures: dict[str, str] = {}
        self.pending_max = 0

    def list(self, root: int, path: str) -> Iterator[tuple[str, str]]:
        folder = self.trees[root, path]
        entries = [(name, "file") for name in folder.files]
        entries += [(name, "other") for name in folder.others] + [(name, "folder") for name in folder.folders]
        self.chance.shuffle(entries)
        yield from entries

    def run(self, limit: int = 64) -> None:
        size = sum(len(f.files) + len(f.others) + 1 for f in self.trees.values())
        for _ in range(20 * size + 100):
            if self.plan.done:
                return
            if not self.out or (len(self.out) < 3 * self.workers and self.chance.random() < 0.5):
                tasks, heavy = self.plan.take(limit)
                assert tasks or self.out, "nothing is out, nothing comes, and it is not done"
                assert not heavy or len(tasks) == 1
                for task in tasks:
                    self.check_given(task)
                self.out.extend(tasks)
            else:
                self.answer(self.out.pop(self.chance.randrange(len(self.out))))
            self.pending_max = max(self.pending_max, self.plan.pending)
        pytest.fail("the plan does not come to an end")

    def check_given(self, task: CopyTask) -> None:
        if not isinstance(task, FinishFolders):
            assert (task.root, task.path) not in self.finished
            return
        for path in task.paths:
            # All that is below it is done by now: its times are the last thing to be set.
            waiting = [t for t in self.out if not isinstance(t, FinishFolders) and t.root == task.root]
            assert not [t for t in waiting if t.path == path or t.path.startswith(path + "/") or not path]
            if (task.root, path) in self.late:
                assert not [t for t in self.out if t.root == task.root], (
                    "a late folder is finished while somebody may have to reach below it"
                )

    def answer(self, task: CopyTask) -> None:
        retry = task.retry
        banned = set(retry.banned) if retry else set()
        note = self.death(task, banned)
        if note is not None:
            failure = self.plan.lost(task, note, ".pn~litter", "died")
            if isinstance(task, CopyFolder) or (isinstance(task, CopyNames) and note):
                self.add(failure)
            elif isinstance(task, CopyNames):
                if failure is not None:  # told as the folder's failure, and what else is in it is copied
                    names = [name for name in (*task.names, *task.others) if name not in banned]
                    self.failures |= {shown(task.root, join(task.path, name)): "died" for name in names}
            elif failure is not None:  # what is in the folder is copied all the same
                self.unfinished.update((task.root, path) for path in ([note] if note else task.paths))
        elif isinstance(task, FinishFolders):
            self.finished.update((task.root, path) for path in task.paths if path not in banned)
            self.plan.answered(task, Tally())
        elif isinstance(task, CopyNames):
            self.copy(task.root, task.path, (*task.names, *task.others), banned)
            self.plan.answered(task, Tally())
        elif self.chance.random() < 0.05:
            self.add(self.plan.failed(task, "cannot be opened"))
        else:
            self.plan.answered(task, self.copy_folder(task, banned))

    def death(self, task: CopyTask, banned: set[str]) -> str | None:
        """The note of the worker that dies over the task, or None if it lives."""
        if isinstance(task, CopyFolder):
            folder = self.trees[task.root, task.path]
            names = [] if folder.huge else [*folder.files]  # of a huge one, this task touches no file
        elif isinstance(task, CopyNames):
            names = [*task.names, *task.others]
        else:
            names = list(task.paths)
        deadly = [name for name in names if name in self.killers and name not in banned]
        if deadly:
            return deadly[0]
        if self.chance.random() < 0.05:
            return self.chance.choice([*(name for name in names if name not in banned), ""])
        return None

    def copy_folder(self, task: CopyFolder, banned: set[str]) -> FolderDone:
        key = (task.root, task.path)
        folder = self.trees[key]
        self.made[key] += 1
        if folder.huge:
            self.open.add(key)
            if folder.late:
                self.late.add(key)
            return FolderDone(Tally(), huge=True, open=True, late=folder.late)
        names = [name for name in folder.files if name not in banned]
        now = names[: len(names) - min(folder.deferred, len(names))]
        rest = tuple((name, self.chance.choice([-1, folder.files[name]])) for name in names[len(now) :])
        self.copy(*key, (*now, *folder.others), banned)
        if not rest and not folder.folders:
            return FolderDone(Tally())
        self.open.add(key)
        if folder.late:
            self.late.add(key)
        return FolderDone(Tally(), tuple(folder.folders), rest, open=True, late=folder.late)

    def copy(self, root: int, path: str, names: tuple[str, ...], banned: set[str]) -> None:
        self.copied.update(shown(root, join(path, name)) for name in names if name not in banned)

    def add(self, failure: Failure | None) -> None:
        if failure is not None:
            self.failures[failure.path] = failure.cause

    def lost_above(self, root: int, path: str) -> bool:
        """Is the path, or a folder above it, among the failures?"""
        while True:
            if shown(root, path) in self.failures:
                return True
            if not path:
                return False
            path = path.rpartition("/")[0]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(folders(), min_size=1, max_size=3),
    st.integers(1, 5),
    st.integers(0, 2**32),
    st.sets(NAMES, max_size=2),
)
def test_every_entry_is_copied_once_or_failed_and_every_folder_finished_once(
    roots: list[Folder], workers: int, seed: int, killers: set[str]
) -> None:
    simulation = Simulation(roots, workers, random.Random(seed), killers)
    simulation.run()
    assert not simulation.out
    for (root, path), folder in simulation.trees.items():
        for name in (*folder.files, *folder.others):
            entry = join(path, name)
            times = simulation.copied[shown(root, entry)]
            assert times == (0 if simulation.lost_above(root, entry) else 1), entry
        key = (root, path)
        if not simulation.lost_above(*key):
            assert simulation.made[key] == 1
            due = key in simulation.open and key not in simulation.unfinished
            assert simulation.finished[key] == (1 if due else 0)
    assert not any(times > 1 for times in simulation.copied.values())
    assert not any(times > 1 for times in simulation.finished.values())


@given(st.sets(NAMES, max_size=3), st.integers(0, 2**32))
@settings(deadline=None)
def test_what_kills_its_workers_is_given_up_after_that_many_and_alone(killers: set[str], seed: int) -> None:
    root = Folder(dict.fromkeys(["x", "y", *killers], 0), deferred=seed % 4)
    plan = Plan(1, 2, lambda _root, _path: iter(()), shown)
    deaths: Counter[str] = Counter()
    failed = set()
    copied: set[str] = set()
    while not plan.done:
        (task,), _ = plan.take(1)
        banned = set(task.retry.banned) if task.retry else set()
        names = task.names if isinstance(task, CopyNames) else tuple(root.files)
        if isinstance(task, FinishFolders):
            plan.answered(task, Tally())
            continue
        deadly = [name for name in names if name in killers - banned]
        if deadly:
            deaths[deadly[0]] += 1
            failure = plan.lost(task, deadly[0], ".pn~x", "died")
            failed |= {failure.path} if failure else set()
        elif isinstance(task, CopyNames):
            copied |= set(names) - banned
            plan.answered(task, Tally())
        else:
            left = tuple((name, -1) for name in names if name not in banned)
            plan.answered(task, FolderDone(Tally(), rest=left, open=bool(left)))
    assert dict(deaths) == dict.fromkeys(killers, DEATHS_MAX)
    assert failed == {shown(0, name) for name in killers}
    assert copied == set(root.files) - killers


def test_a_note_that_was_cut_ends_too() -> None:
    plan = Plan(1, 1, lambda _root, _path: iter(()), shown)
    (task,), _ = plan.take(1)
    plan.answered(task, FolderDone(Tally(), rest=(("long", -1),), open=True))
    for _ in range(DEATHS_MAX + 2):
        (task,), _ = plan.take(1)
        if isinstance(task, FinishFolders):
            break
        plan.lost(task, "lo", ".pn~x", "died")  # never the name, so that banning it is of no use
    assert isinstance(task, FinishFolders)


@pytest.mark.parametrize("fan_out", [3, 12])
def test_what_waits_does_not_grow_with_the_tree(fan_out: int) -> None:
    # Four batches of up to 16 folders are out, and each folder of theirs may have fan_out more in it.
    level = 64 * fan_out
    most = [_pending_of_a_full_tree(depth, fan_out) for depth in (2, 3, 4)]
    assert all(deeper - flatter <= level for flatter, deeper in itertools.pairwise([0, level, *most])), most


def _pending_of_a_full_tree(depth: int, fan_out: int) -> int:
    plan = Plan(1, 2, lambda _root, _path: iter(()), shown)
    out: list[tuple[CopyTask, ...]] = []
    most = folders_made = 0
    while not plan.done:
        tasks, _ = plan.take(16)
        if tasks:
            out.append(tasks)
        if len(out) == 4 or not tasks:
            for task in out.pop(0):
                if isinstance(task, FinishFolders):
                    plan.answered(task, Tally())
                    continue
                folders_made += 1
                level = task.path.count("/") + 1 if task.path else 0
                below = tuple(f"d{n}" for n in range(fan_out)) if level < depth else ()
                plan.answered(task, FolderDone(Tally(), below, open=bool(below)))
        most = max(most, plan.pending)
    assert folders_made == sum(fan_out**level for level in range(depth + 1))
    return most


def test_a_huge_folder_is_listed_only_as_far_as_workers_have_room() -> None:
    read = 0

    def lister(_root: int, _path: str) -> Iterator[tuple[str, str]]:
        nonlocal read
        for read in range(1, 1_000_001):
            yield f"name-{read}", "file"

    plan = Plan(1, 2, lister, shown)
    (task,), _ = plan.take(64)
    plan.answered(task, FolderDone(Tally(), huge=True, open=True))
    for taken in range(1, 50):
        tasks, _ = plan.take(1)
        assert len(tasks) == 1
        assert read <= PIECE * (taken + 1)
        assert plan.pending <= 3
