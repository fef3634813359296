"""What every pool publishes of itself, for ``pn ps`` and the like: one small file for each pool.

The file lies in a folder of the user's (``status_folder.py``) and says whose it is by pid, start time, boot
and pid namespace.  So nobody has to clean up: a reader removes what a killed owner left behind.
"""

from __future__ import annotations

import os
import stat

from procession.ipc import identity
from procession.pool.status_record import PoolRecord, boot_id, from_json, namespace, record_of, to_json
from procession.pool.throttle import Throttle
from procession.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PoolRecord", "Publisher", "read_pools", "record_of"]

_FIRST = 0.25  # seconds: a pool that is over by then is nothing to look at
_EVERY = 1.0  # seconds
_SIZE = 1 << 20  # bytes; no record of ours is larger
_LITTER = 60.0  # seconds after which a temporary name is one that its owner died over
_END, _TEMPORARY = ".json", ".tmp"


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
    boot, ours = boot_id(), namespace()
    for path in _paths(folder):
        read = _read(path)
        if read is None:
            continue
        if read.boot_id == boot and read.namespace != ours:
            found.append(replace(read, here=False))
        elif read.boot_id == boot and identity.is_alive(read.pid << 32, read.start):
            found.append(read)
        else:
            _remove(path)
    return sorted(found, key=lambda each: (each.began, each.pid))


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
