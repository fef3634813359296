"""SharedMemory and ShareableList: named shared memory with the standard library's contract.

Its maker is in charge, and only its maker: the standard library's resource tracker removes the name when
the maker and its children have ended without ``unlink``.  Who merely attaches is not tracked, so its end
neither deletes what others use nor warns of a leak.  ``track=`` says otherwise, on every Python version
(the standard library has it since 3.13, and tracks by default).

For memory without a name, a tracker or anything to clean up, see SharedArray and RawArray.
"""

# ruff: noqa: SLF001 - the standard library's class is opened up here
from __future__ import annotations

import mmap
import os
from types import FunctionType

from procession.ipc.classic import classic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["ShareableList", "SharedMemory"]

_theirs: Any = classic("shared_memory")


class SharedMemory(_theirs.SharedMemory):  # type: ignore[misc]
    """A block of memory with a name: ``SharedMemory(create=True, size=n)`` makes, ``SharedMemory(name)`` attaches.

    ``track``: remove the block when this process, and those that share its resource tracker, have ended;
    by default True for who makes it and False for who attaches.
    """

    def __init__(
        self, name: str | None = None, create: bool = False, size: int = 0, *, track: bool | None = None
    ) -> None:
        self._tracked = False
        if not size >= 0:
            raise ValueError("'size' must be a positive integer")
        if create and not size:
            raise ValueError("'size' must be a positive number different from zero")
        if create:
            self._flags = os.O_CREAT | os.O_EXCL | os.O_RDWR
        if name is None and not self._flags & os.O_EXCL:
            raise ValueError("'name' can only be None if create=True")
        self._track = False  # for the standard library's own unlink, which ours replaces
        self._open(name)
        try:
            if create:
                os.ftruncate(self._fd, size)
            self._size = os.fstat(self._fd).st_size
            self._mmap = mmap.mmap(self._fd, self._size)
        except BaseException:
            if create:
                self.unlink()
            raise
        self._buf = memoryview(self._mmap)
        if create if track is None else track:
            _tracker().register(self._name, "shared_memory")
            self._tracked = True

    def _open(self, name: str | None) -> None:
        opening = _theirs._posixshmem.shm_open
        if name is not None:
            if "\0" in name:  # Pythons before 3.12.2 open what stands before it
                raise ValueError("embedded null character in the name of shared memory")
            full = "/" + name if self._prepend_leading_slash else name
            self._fd = opening(full, self._flags, mode=self._mode)
            self._name = full
            return
        while True:
            full = _theirs._make_filename()
            try:
                self._fd = opening(full, self._flags, mode=self._mode)
            except FileExistsError:
                continue
            self._name = full
            return

    def unlink(self) -> None:
        """Remove the name, once; the memory goes with the last process that has it."""
        if not self._name:
            return
        _theirs._posixshmem.shm_unlink(self._name)
        tracker = _tracker()
        if self._tracked:
            self._tracked = False
        elif tracker._resource_tracker._fd is None:  # none runs for us
            return
        else:
            # The maker's tracker may be ours too (we are its child, say) and must not miss the name, nor
            # a tracker that never heard of it complain.
            tracker.register(self._name, "shared_memory")
        tracker.unregister(self._name, "shared_memory")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.name, False, self.size)


# The standard library's own constructor, in which SharedMemory means ours.
_init = _theirs.ShareableList.__init__
_init_with_ours = FunctionType(
    _init.__code__, {**vars(_theirs), "SharedMemory": SharedMemory}, "__init__", _init.__defaults__
)


class ShareableList(_theirs.ShareableList):  # type: ignore[misc]
    """A list of fixed length of numbers, strings, bytes and None in a SharedMemory."""

    def __init__(self, sequence: Iterable[Any] | None = None, *, name: str | None = None) -> None:
        _init_with_ours(self, sequence, name=name)


def _tracker() -> Any:
    from multiprocessing import resource_tracker

    return resource_tracker
