"""What every pool publishes of itself, for ``pn ps`` and the like: one small file for each pool.

The file lies in a folder of the user's (``status_folder.py``) and says whose it is by pid, start time, boot
and pid namespace.  So nobody has to clean up: a reader removes what a killed owner left behind.
"""

from __future__ import annotations

import os
import stat

from procession.ipc import identity
from procession.linux import procfs
from procession.pool.throttle import Throttle
from procession.records import fields_of, record, replace, values_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from procession.pool.stats import PoolStats

VERSION = 1
_FIRST = 0.25  # seconds: a pool that is over by then is nothing to look at
_EVERY = 1.0  # seconds
_SIZE = 1 << 20  # bytes; no record of ours is larger
_LITTER = 60.0  # seconds after which a temporary name is one that its owner died over
_END, _TEMPORARY = ".json", ".tmp"
_PIDS = 1 << 30  # no pid is larger, nor would identity's words hold it


@record
class PoolRecord:
    """A pool as others see it.

    ``start``: when its process started, in clock ticks after boot (0: unknown, no /proc).  ``namespace``: the
    inode of its pid namespace (0: unknown).  ``workers``: of each the pid, its task in words ("" when idle)
    and the seconds that it has been at it.  ``rate``: tasks a second.  ``began`` and ``updated``: Unix time.
    ``here`` is the reader's: False when ``pid`` means nothing to us, since it is of another namespace.
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


def record_of(stats: PoolStats, *, rate: float, began: float, updated: float) -> PoolRecord:
    """The record of a pool of this process."""
    return PoolRecord(
        name=stats.name,
        pid=os.getpid(),
        start=identity.started(),
        boot_id=_boot_id(),
        namespace=_namespace(),
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


class Publisher:
    """Keeps the record of one pool, the ``number``-th of this process; ``now``: a monotonic time.

    A pool never fails for its record: where it cannot be written there is none.  A forked child inherits
    this object and not the record, so there it does nothing.
    """

    def __init__(self, number: int, now: float, folder: str | None = None) -> None:
        self._throttle = Throttle(_EVERY, now + _FIRST)
        self._number = number
        self._folder = folder
        self._owner = os.getpid()
        self._path: str | None = None
        self._over = False

    def due(self, now: float) -> bool:
        """Is a record wanted now?  Yes is said once: it has to be published then."""
        return not self._over and self._throttle.due(now)

    def wait(self, now: float) -> float | None:
        """Seconds until one is due, None when never again."""
        return None if self._over else self._throttle.wait(now)

    def publish(self, record: PoolRecord) -> None:
        """Put the record in the place of the one before."""
        if self._over or os.getpid() != self._owner:
            return
        try:
            self._write(record)
        except FileNotFoundError:
            self._path = None  # somebody has tidied the folder away: it is made again the next time
        except (OSError, ValueError):
            return  # such as a full disk: the next one may go better

    def close(self) -> None:
        """Take the record away."""
        self._over = True
        if self._path is not None and os.getpid() == self._owner:
            _remove(self._path)
        self._path = None

    def _write(self, record: PoolRecord) -> None:
        if self._path is None:
            folder = self._prepared()
            if folder is None:
                self._over = True
                return
            self._path = f"{folder}/{record.pid}-{record.start}-{self._number}{_END}"
        temporary = self._path.removesuffix(_END) + _TEMPORARY
        try:
            _store(temporary, to_json(record))
            os.rename(temporary, self._path)
        except BaseException:
            _remove(temporary)
            raise

    def _prepared(self) -> str | None:
        from procession.pool.status_folder import prepared

        return prepared(self._folder)


def read_pools(folder: str | None = None) -> list[PoolRecord]:
    """The pools that run now, by age; ``folder``: another one than that of this user.

    Removes the records of those whose process is gone.  One of another pid namespace cannot be told to be
    gone: it stays, and is not ``here``.  What is no record of ours is passed over.
    """
    if folder is None:
        from procession.pool.status_folder import existing

        folder = existing()
        if folder is None:
            return []
    found = []
    boot_id, namespace = _boot_id(), _namespace()
    for path in _paths(folder):
        read = _read(path)
        if read is None:
            continue
        if read.boot_id == boot_id and read.namespace != namespace:
            found.append(replace(read, here=False))
        elif read.boot_id == boot_id and identity.is_alive(read.pid << 32, read.start):
            found.append(read)
        else:
            _remove(path)
    return sorted(found, key=lambda each: (each.began, each.pid))


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
        figures = {name: _figure(facts[name]) for name in ("rate", "began", "updated")}
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"not a record of a pool: {error!r}") from error
    if not 0 < counts["pid"] < _PIDS:
        raise ValueError(f"not a pid: {counts['pid']}")
    made: Any = {**counts, **words, **figures, "workers": workers}
    return PoolRecord(**made)


_COUNTS = ("pid", "start", "namespace", "queued", "running", "done", "failed")


def _count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise TypeError(f"not a count: {value!r}")
    return value


def _text(value: object) -> str:
    if type(value) is not str:
        raise TypeError(f"not a text: {value!r}")
    return value


def _figure(value: object) -> float:
    if type(value) not in (int, float):
        raise TypeError(f"not a figure: {value!r}")
    return float(value)  # type: ignore[arg-type]


# ── files ─────────────────────────────────────────────────────────────────────────────────────────


def _paths(folder: str) -> Iterator[str]:
    """The records in a folder; temporary names whose owner died over them are removed."""
    import time

    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        path = f"{folder}/{name}"
        if name.endswith(_END):
            yield path
        elif name.endswith(_TEMPORARY) and _age(path, time.time()) > _LITTER:
            _remove(path)


def _age(path: str, now: float) -> float:
    try:
        return now - os.lstat(path).st_mtime
    except OSError:
        return 0.0


def _read(path: str) -> PoolRecord | None:
    try:
        # Neither led astray by a link nor held up by a fifo of that name.
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return None
        return from_json(os.read(fd, _SIZE))
    except (OSError, ValueError):
        return None
    finally:
        os.close(fd)


def _store(path: str, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(path, flags, 0o600)
    try:
        if os.write(fd, data) != len(data):
            raise OSError(f"{path}: not written whole")  # the file system is full
    finally:
        os.close(fd)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return


# ── who we are ────────────────────────────────────────────────────────────────────────────────────


def _boot_id() -> str:
    try:
        return procfs.boot_id()
    except OSError:
        return ""


def _namespace() -> int:
    try:
        return procfs.pid_namespace()
    except OSError:
        return 0
