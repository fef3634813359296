"""What a copy tells other programs of itself, for ``pn ps`` and ``pn top``: a record like that of a pool."""

from __future__ import annotations

import os
import time
from itertools import count

from procession.copying.words import shown
from procession.ipc import identity
from procession.pool.short import one_line
from procession.pool.status import PoolRecord, Publisher
from procession.pool.status_record import COPY, boot_id, namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procession.copying.progress import Progress

_NAME = 200  # characters
_numbers = count(1_000_000)  # those of pools begin at 0: both lie in one folder


class Published:
    """Keeps the record of one copy of this process; never a reason for the copy to fail."""

    def __init__(self, sources: Sequence[str], targets: Sequence[str]) -> None:
        more = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
        name = f"{shown(sources[0])}{more} -> {shown(os.path.dirname(targets[0]) if more else targets[0])}"
        self._name = one_line(name, _NAME)
        self._began = time.time()
        self._publisher = Publisher(next(_numbers), time.monotonic())

    def due(self) -> bool:
        """Is a record wanted now?  Yes is said once: ``show`` has to follow."""
        return self._publisher.due(time.monotonic())

    def show(self, progress: Progress) -> None:
        """Put this in the place of what was published before."""
        done = progress.entries + progress.failed
        self._publisher.publish(
            PoolRecord(
                name=self._name,
                pid=os.getpid(),
                start=identity.started(),
                boot_id=boot_id(),
                namespace=namespace(),
                start_method="",
                workers=tuple(
                    (worker.pid, one_line(shown(worker.entry), _NAME), 0.0) for worker in progress.workers
                ),
                queued=max(0, progress.found_entries - done),
                running=sum(1 for worker in progress.workers if worker.entry),
                done=progress.entries,
                failed=progress.failed,
                rate=progress.entries / progress.seconds if progress.seconds > 0 else 0.0,
                began=self._began,
                updated=time.time(),
                kind=COPY,
                share=progress.fraction,
            )
        )

    def close(self) -> None:
        """Take it away."""
        self._publisher.close()
