"""Held descriptors of the folders that a process is at work in.

Everything below the two parents of a root is reached by single names relative to a held descriptor,
with O_NOFOLLOW: no link in the tree, however it got there, leads the copy elsewhere, and no path is
too long.  Tasks come folder by folder, so the last folder's descriptors are kept.
"""

from __future__ import annotations

import os

from procession.linux.dirfd import open_beneath, open_dir, open_root, split_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procession.copying.messages import Root


class Tree:
    """Source and target descriptors, by root and path.  Belongs to one process."""

    __slots__ = ("_last", "_last_key", "_parents", "_roots")

    def __init__(self, roots: Sequence[Root]) -> None:
        self._roots = roots
        self._parents: dict[int, tuple[int, int]] = {}
        self._last_key: tuple[int, str] | None = None
        self._last = (-1, -1)

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

    def folder(self, number: int, path: str) -> tuple[int, int]:
        """Descriptors of an existing folder, at the source and at the target.  They stay the tree's."""
        key = (number, path)
        if key != self._last_key:
            pair = self._open(number, path)
            self._drop_last()
            self._last_key, self._last = key, pair
        return self._last

    def parent(self, number: int, path: str) -> tuple[int, int, str, str]:
        """The two parents of a path, and its name at the source and at the target."""
        if not path:
            root = self._roots[number]
            return (*self.parents_of_root(number), root.source_name, root.target_name)
        above, _, name = path.rpartition("/")
        return (*self.folder(number, above), name, name)

    def _open(self, number: int, path: str) -> tuple[int, int]:
        source, target = self.parents_of_root(number)
        root = self._roots[number]
        names = split_path(path)
        if self._last_key is not None and self._last_key[0] == number:
            held = self._last_key[1]
            if not held or path.startswith(held + "/"):
                # A folder further down: go on from here, a deep chain would cost its square otherwise.
                below = split_path(path[len(held) + 1 :] if held else path)
                return _open_both(self._last, below, below)
        return _open_both(
            (source, target), [root.source_name, *names], [root.target_name, *names], rooted=True
        )

    def _drop_last(self) -> None:
        if self._last_key is not None:
            for descriptor in self._last:
                os.close(descriptor)
            self._last_key = None

    def close(self) -> None:
        """Close all that is held."""
        self._drop_last()
        for pair in self._parents.values():
            for descriptor in pair:
                os.close(descriptor)
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
        return open_beneath(above, names)
    # The root's own name may be "." (``pn copy . DST``), which open_beneath refuses.
    top = open_dir(names[0], above)
    if len(names) == 1:
        return top
    try:
        return open_beneath(top, names[1:])
    finally:
        os.close(top)
