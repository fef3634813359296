"""In a worker: what it knows of itself."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.pool.page import Page


class PoolWorker:
    """The worker that this process is, for the initializer and the tasks that run in it."""

    __slots__ = ("_page", "name", "number", "pid", "shared", "state")

    def __init__(self, page: Page, name: str, number: int, pid: int, shared: Any) -> None:
        self._page = page
        #: of the process, as ``current_process().name``.
        self.name = name
        #: 1, 2, ... in the order in which the pool started its workers.
        self.number = number
        self.pid = pid
        #: what the pool was given as ``shared``.
        self.shared = shared
        #: yours: what the initializer or a task puts here, later tasks of this worker find.
        self.state: dict[Any, Any] = {}

    def note(self, text: str) -> None:
        """Say what the task is at (3 KiB at most): it stands in the error if the worker dies of it."""
        self._page.note(text.encode("utf-8", "backslashreplace"))


_current: PoolWorker | None = None


def current_worker() -> PoolWorker:
    """The worker that runs the calling task.  Raises RuntimeError outside of a pool's workers."""
    if _current is None:
        raise RuntimeError("current_worker: this process is no worker of a pool")
    return _current


def become(worker: PoolWorker) -> None:
    """This process is that worker from now on."""
    global _current
    _current = worker
