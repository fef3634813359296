"""The two ends of a queue as ``multiprocessing``'s own parts know them: ``queue._reader``, ``queue._writer``.

concurrent.futures and multiprocessing.Pool wait for them and speak through them, past the queue.
"""
# ruff: noqa: SLF001 - these are parts of the queue

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class ReadEnd:
    """What looks like the connection that items come out of."""

    __slots__ = ("_queue",)

    def __init__(self, queue: Any) -> None:
        self._queue = queue

    @property
    def closed(self) -> bool:
        """Has this process closed it?"""
        return bool(self._queue._line.reader < 0)

    def fileno(self) -> int:
        """Readable when there is an item.  Raises OSError once it is closed."""
        fd: int = self._queue._line.reader
        if fd < 0:
            raise OSError("handle is closed")
        return fd

    def recv(self) -> Any:
        """The next item."""
        return self._queue.get()

    def poll(self, timeout: float | None = 0.0) -> bool:
        """Is there an item, or will there be one within ``timeout`` seconds (None: ever)?"""
        self.fileno()
        return bool(self._queue._poll(timeout))

    def close(self) -> None:
        """This process takes no more."""
        self._queue._line.close_reader()


class WriteEnd:
    """What looks like the connection that items go into."""

    __slots__ = ("_queue",)

    def __init__(self, queue: Any) -> None:
        self._queue = queue

    @property
    def closed(self) -> bool:
        """Has this process closed it?"""
        return bool(self._queue._line.writer < 0)

    def fileno(self) -> int:
        """Its descriptor.  Raises OSError once it is closed."""
        fd: int = self._queue._line.writer
        if fd < 0:
            raise OSError("handle is closed")
        return fd

    def send(self, obj: Any) -> None:
        """Put an item."""
        self._queue.put(obj)

    def close(self) -> None:
        """This process puts no more."""
        self._queue._line.close_writer()


class NoLock:
    """A lock that is always free: there is none to take."""

    __slots__ = ()

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:  # noqa: ARG002
        """At once."""
        return True

    def release(self) -> None:
        """Nothing."""

    def __enter__(self) -> bool:
        return True

    def __exit__(self, *_: object) -> None:
        pass
