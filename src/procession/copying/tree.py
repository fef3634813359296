"""Held descriptors of the folders that a process is at work in.

Everything below the two parents of a root is reached by single names relative to a held descriptor,
with O_NOFOLLOW: no link in the tree, however it got there, leads the copy elsewhere, and no path is
too long.
"""

from __future__ import annotations

import os

from procession.linux.dirfd import open_beneath, open_dir, open_root, split_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procession.copying.messages import Root


HELD_MAX = 96  # folders whose descriptors are kept, two each


class Tree:
    """Source and target descriptors, by root and path.  Belongs to one process."""

    __slots__ = ("_held", "_parents", "_roots", "_targets")

    def __init__(self, roots: Sequence[Root]) -> None:
        self._roots = roots
        self._parents: dict[int, tuple[int, int]] = {}
        self._targets: dict[int, tuple[int, int]] = {}
        # In the order of their last use; the tasks come depth first, so a few levels are enough.
        self._held: dict[tuple[int, str], tuple[int, int]] = {}

    def root(self, number: int) -> Root:
        """The root with that number."""
        return self._roots[number]

    def parents_of_root(self, number: int) -> tuple[int, int]:
        """Descriptors of the folders that hold the root at the source and at the target."""
        pair = self._parents.get(number)
        if pair is None:
            root = self._roots[number]
            source = open_root(root.source_parent)
            try:
                pair = (source, open_root(root.target_parent))
            except BaseException:
                os.close(source)
                raise
            self._parents[number] = pair
        return pair

    def target_of(self, number: int) -> tuple[int, int]:
        """Device and inode of the root's own folder at the target.  It must stand."""
        identity = self._targets.get(number)
        if identity is None:
            root = self._roots[number]
            found = os.stat(root.target_name, dir_fd=self.parents_of_root(number)[1], follow_symlinks=False)
            identity = self._targets[number] = (found.st_dev, found.st_ino)
        return identity

    def folder(self, number: int, path: str) -> tuple[int, int]:
        """Descriptors of an existing folder, at the source and at the target.

        They stay the tree's and are good until some other folder is asked for.
        """
        key = (number, path)
        pair = self._held.pop(key, None) or self.open_once(number, path)
        self._hold(key, pair)
        return pair

    def keep(self, number: int, path: str, source: int, target: int) -> None:
        """Take over descriptors of a folder that will be asked for soon: it has subfolders."""
        old = self._held.pop((number, path), None)
        if old is not None:
            self._close(old)
        self._hold((number, path), (source, target))

    def _hold(self, key: tuple[int, str], pair: tuple[int, int]) -> None:
        self._held[key] = pair
        if len(self._held) > HELD_MAX:
            self._close(self._held.pop(next(iter(self._held))))

    def parent(self, number: int, path: str) -> tuple[int, int, str, str]:
        """The two parents of a path, and its name at the source and at the target."""
        if not path:
            root = self._roots[number]
            return (*self.parents_of_root(number), root.source_name, root.target_name)
        above, _, name = path.rpartition("/")
        return (*self.folder(number, above), name, name)

    def open_once(self, number: int, path: str) -> tuple[int, int]:
        """Open a folder, from the nearest one above it that is held, else from its root.

        The two descriptors are the caller's.
        """
        above, names = path, list[str]()
        while above:
            above, _, name = above.rpartition("/")
            names.append(name)
            held = self._held.pop((number, above), None)
            if held is not None:
                self._held[number, above] = held  # just used, so the last to be given up
                names.reverse()
                return _open_both(held, names, names)
        root = self._roots[number]
        names = split_path(path)
        return _open_both(
            self.parents_of_root(number), [root.source_name, *names], [root.target_name, *names], rooted=True
        )

    @staticmethod
    def _close(pair: tuple[int, int]) -> None:
        for descriptor in pair:
            os.close(descriptor)

    def close(self) -> None:
        """Close all that is held."""
        for pair in (*self._held.values(), *self._parents.values()):
            self._close(pair)
        self._held.clear()
        self._parents.clear()


def _open_both(
    above: tuple[int, int], source_names: list[str], target_names: list[str], *, rooted: bool = False
) -> tuple[int, int]:
    source = _descend(above[0], source_names, rooted=rooted)
    try:
        return source, _descend(above[1], target_names, rooted=rooted)
    except BaseException:
        os.close(source)
        raise


def _descend(above: int, names: list[str], *, rooted: bool) -> int:
    if not rooted:
        return open_dir(names[0], above) if len(names) == 1 else open_beneath(above, names)
    # The root's own name may be "." (``pn copy . DST``), which open_beneath refuses.
    top = open_dir(names[0], above)
    if len(names) == 1:
        return top
    try:
        return open_beneath(top, names[1:])
    finally:
        os.close(top)
