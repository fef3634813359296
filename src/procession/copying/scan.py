"""Count what is to be copied, beside the copy: a process of its own at a low priority.

It only reads, mostly takes the time that the workers leave, warms the caches for them, and tells its
sums through a shared page.  It runs only for somebody who looks at the progress.  A copy does not depend on it: should it end early, the totals stay unknown.
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
        for root in roots:
            parent = open_root(root.source_parent)
            _count_entry(root.source_name, parent, gauges)
            os.close(parent)
        gauges[ENDED] = 1


def _count_entry(name: str, parent: int, gauges: memoryview) -> None:
    """Count an entry and, depth first, all that is below it.  What cannot be read is left to the
    workers, who report it."""
    with contextlib.suppress(OSError):
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if not stat.S_ISDIR(found.st_mode):
            gauges[ENTRIES] += 1
            gauges[BYTES] += found.st_size if stat.S_ISREG(found.st_mode) else 0
            return
        folder = open_dir(name, parent)
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    _count_entry(entry.name, folder, gauges)
        finally:
            os.close(folder)
