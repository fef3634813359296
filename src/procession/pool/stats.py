"""What a pool tells of itself when it is asked."""

from __future__ import annotations

from procession.records import record


@record
class SlowTask:
    """One of the tasks that took longest: which one, its call in words, the worker's pid."""

    task: int
    words: str
    seconds: float
    pid: int


@record
class WorkerStats:
    """One worker.

    ``state``: ``"starting"``, ``"idle"``, ``"busy"`` or ``"leaving"``.  ``tasks`` have ended in it; it
    computed for ``busy`` of the ``alive`` seconds since its start.  ``task`` is the call that it is at, in
    words ("" when idle), ``since`` how many seconds already.  ``memory``: resident bytes.
    """

    pid: int
    number: int
    state: str
    tasks: int
    busy: float
    alive: float
    task: str
    since: float
    memory: int


@record
class PoolStats:
    """One look at a pool, ``seconds`` after its start.

    Counted are tasks: ``done`` returned, ``failed`` raised or were lost, ``queued`` and ``running`` are under
    way, ``retried`` counts attempts beyond the first.  ``replaced`` says of each worker that was replaced why;
    ``batches`` are the latest sizes of what was sent to workers at a time, oldest first.
    """

    name: str
    start_method: str
    seconds: float
    done: int
    failed: int
    queued: int
    running: int
    retried: int
    workers: tuple[WorkerStats, ...]
    slowest: tuple[SlowTask, ...]
    replaced: tuple[str, ...]
    batches: tuple[int, ...]
