"""Count what is to be copied, beside the copy: a process of its own at a low priority.

It only reads, mostly takes the time that the workers leave, warms the caches for them, and tells its sums
through a shared page.  It runs only for somebody who looks at the progress.  A copy does not
depend on it: should it end early, the totals stay unknown.
"""

from __future__ import annotations

import contextlib
import os
import stat

from procession.copying.messages import Root
from procession.linux.dirfd import open_dir, open_root
from procession.pool.page import create_page
from procession.process.start import fork_child

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procession.linux.keepalive import Keepalive

ENTRIES, BYTES, ENDED = 0, 1, 2
SIGKILL = 9
NICE = 5  # a third of a worker's share: at 19 the totals of a busy copy come only with its end


class Scan:
    """A running scan.  ``close`` ends it."""

    __slots__ = ("_child", "_page")

    def __init__(self, roots: Sequence[Root], keepalive: Keepalive) -> None:
        descriptor, self._page = create_page()
        try:
            self._child = fork_child(lambda: self._count(roots), keepalive, (descriptor,))
        finally:
            os.close(descriptor)

    @property
    def entries(self) -> int:
        """Entries found so far, folders left out."""
        return self._page.gauges[ENTRIES]

    @property
    def bytes(self) -> int:
        """Bytes of the regular files among them."""
        return self._page.gauges[BYTES]

    @property
    def ended(self) -> bool:
        """True once the sums are the totals."""
        return self._page.gauges[ENDED] == 1

    def close(self) -> None:
        """End the scan and give everything back."""
        self._child.send_signal(SIGKILL)
        self._child.wait()
        self._child.close()
        self._page.close()

    def _count(self, roots: Sequence[Root]) -> None:
        os.nice(NICE)
        gauges = self._page.gauges
        ended = True
        for root in roots:
            parent = open_root(root.source_parent)
            ended = _count_entry(root.source_name, parent, gauges) and ended
            os.close(parent)
        gauges[ENDED] = int(ended)


def _count_entry(name: str, parent: int, gauges: memoryview) -> bool:
    """Count an entry and all that is below it; False when that could not be done to the end.

    What cannot be read is left to the workers, who report it.
    """
    try:
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode):
            return _count_below(open_dir(name, parent), gauges)
        _count_one(found, gauges)
    except OSError:
        pass
    return True


def _count_below(folder: int, gauges: memoryview) -> bool:
    """Depth first with two descriptors, however deep it is: up by "..", which must be where we came from.

    Closes ``folder``.
    """
    try:
        names = _count_names(folder, gauges)
        levels: list[tuple[list[str], os.stat_result]] = [(names, os.fstat(folder))]
        while levels:
            names, _ = levels[-1]
            if names:
                below = _enter(names.pop(), folder, gauges)
                if below is not None:
                    os.close(folder)
                    folder = below[0]
                    levels.append((below[1], os.fstat(folder)))
                continue
            levels.pop()
            if levels:
                above = os.open("..", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
                os.close(folder)
                folder = above
                if not os.path.samestat(os.fstat(folder), levels[-1][1]):
                    return False  # it was moved away meanwhile
        return True
    finally:
        os.close(folder)


def _enter(name: str, parent: int, gauges: memoryview) -> tuple[int, list[str]] | None:
    """Count what is in a folder; its descriptor and its subfolders if it has any that we can reach."""
    try:
        folder = open_dir(name, parent)
    except OSError:
        return None
    try:
        names = _count_names(folder, gauges)
        if names and os.access(".", os.X_OK, dir_fd=folder, effective_ids=True):
            return folder, names
    except OSError:
        pass
    os.close(folder)
    return None


def _count_names(folder: int, gauges: memoryview) -> list[str]:
    """Count the entries of a folder; returns its subfolders."""
    names = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                names.append(entry.name)
                continue
            with contextlib.suppress(OSError):
                _count_one(entry.stat(follow_symlinks=False), gauges)
    return names


def _count_one(found: os.stat_result, gauges: memoryview) -> None:
    gauges[ENTRIES] += 1
    gauges[BYTES] += found.st_size if stat.S_ISREG(found.st_mode) else 0
