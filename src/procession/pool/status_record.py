"""The record that a pool publishes, and how it stands in a file.  Anybody may have written what is read."""

from __future__ import annotations

import os

from procession.ipc import identity
from procession.linux import procfs
from procession.pool.short import one_line
from procession.records import fields_of, record, values_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.pool.stats import PoolStats

VERSION = 1
POOL, COPY = "pool", "copy"  # kinds
_PIDS = 1 << 30  # no pid is larger, nor would identity's words hold it
_TEXT = 500  # characters


@record
class PoolRecord:
    """A pool as others see it.

    ``start``: when its process started, in clock ticks after boot (0: unknown, no /proc).  ``namespace``: the
    inode of its pid namespace (0: unknown).  ``workers``: of each the pid, its task in words ("" when idle)
    and the seconds that it has been at it.  ``rate``: tasks a second.  ``began`` and ``updated``: Unix time.
    ``kind``: pool, or the copy of a folder, whose tasks are its entries.  ``share``: what is done of all, 0 to 1, where
    that is known.  ``here`` is the reader's: False when ``pid`` means nothing to us, since it is of another namespace.
    """

    name: str
    pid: int
    start: int
    boot_id: str
    namespace: int
    start_method: str
    workers: tuple[tuple[int, str, float], ...]
    queued: int
    running: int
    done: int
    failed: int
    rate: float
    began: float
    updated: float
    version: int = VERSION
    here: bool = True
    kind: str = POOL
    share: float | None = None


def record_of(stats: PoolStats, *, rate: float, began: float, updated: float) -> PoolRecord:
    """The record of a pool of this process."""
    return PoolRecord(
        name=one_line(stats.name, _TEXT),
        pid=os.getpid(),
        start=identity.started(),
        boot_id=boot_id(),
        namespace=namespace(),
        start_method=stats.start_method,
        workers=tuple((worker.pid, worker.task, worker.since) for worker in stats.workers),
        queued=stats.queued,
        running=stats.running,
        done=stats.done,
        failed=stats.failed,
        rate=rate,
        began=began,
        updated=updated,
    )


def boot_id() -> str:
    """Of this boot; "" without /proc."""
    try:
        return procfs.boot_id()
    except OSError:
        return ""


def namespace() -> int:
    """Of this process; 0 without /proc."""
    try:
        return procfs.pid_namespace()
    except OSError:
        return 0


def to_json(record: PoolRecord) -> bytes:
    """As it stands in the file.  Raises ValueError for a figure that JSON does not have."""
    import json

    facts = dict(zip(fields_of(record), values_of(record), strict=True))
    del facts["here"]
    return json.dumps(facts, allow_nan=False).encode("ascii")


def from_json(data: bytes) -> PoolRecord:
    """The record that stands in a file.  Raises ValueError for anything else."""
    import json

    try:
        facts = json.loads(data)
        if facts["version"] != VERSION:
            raise ValueError(f"a record of version {facts['version']!r}")
        workers = tuple((_count(pid), _text(task), _figure(since)) for pid, task, since in facts["workers"])
        counts = {name: _count(facts[name]) for name in _COUNTS}
        words = {name: _text(facts[name]) for name in ("name", "boot_id", "start_method")}
        words["kind"] = _text(facts.get("kind", POOL))
        figures = {name: _figure(facts[name]) for name in ("rate", "began", "updated")}
        share = None if facts.get("share") is None else min(1.0, max(0.0, _figure(facts["share"])))
    except (KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"not a record of a pool: {error!r}") from error
    if not 0 < counts["pid"] < _PIDS:
        raise ValueError(f"not a pid: {counts['pid']}")
    made: Any = {**counts, **words, **figures, "workers": workers, "share": share}
    return PoolRecord(**made)


_COUNTS = ("pid", "start", "namespace", "queued", "running", "done", "failed")


def _count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise TypeError(f"not a count: {value!r}")
    return value


def _text(value: object) -> str:
    if type(value) is not str:
        raise TypeError(f"not a text: {value!r}")
    return one_line(value, _TEXT)  # whoever shows it need not know that anybody may have written it


def _figure(value: object) -> float:
    if type(value) is int or (type(value) is float and value - value == 0):
        return float(value)
    raise TypeError(f"not a figure: {value!r}")
