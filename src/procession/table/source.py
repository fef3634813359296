"""Where records come from: /proc through one descriptor, and what does not change while the machine runs."""

from __future__ import annotations

import errno
import os
import time

from procession.errors import NoSuchProcess, NotPermitted
from procession.linux import procfs
from procession.table import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from procession.table.record import ProcessRecord

_CLOEXEC_READ = os.O_RDONLY | os.O_CLOEXEC
_ROOM = 4096  # bytes of a first read: more than most files have, and cheap to allocate
_PIECE = 1 << 17  # bytes of further reads


class Source:
    """An open /proc.  Records keep it; it closes with the last of them.  Any thread may read."""

    __slots__ = ("__weakref__", "boot_id", "boot_time", "fd", "sees_all")

    def __init__(self, path: str = "/proc") -> None:
        self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.boot_id = procfs.boot_id()
        #: Unix time of the boot, by the clock as it was set when this was made
        self.boot_time = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)

    def __del__(self) -> None:
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Records of it read nothing more."""
        fd, self.fd = getattr(self, "fd", -1), -1
        if fd >= 0:
            os.close(fd)

    def pids(self) -> list[int]:
        """Of all processes that we may see, ascending."""
        return sorted(int(name) for name in os.listdir(self.fd) if name.isdecimal())

    def tids(self, pid: int) -> list[int]:
        """Of the threads of a process, the main one first, the others ascending; [] when it is gone."""
        try:
            # Numbers wrap around: a thread may well have a lower one than its process.
            return sorted(map(int, self._names(f"{pid}/task")), key=lambda tid: (tid != pid, tid))
        except OSError:
            return []

    def descriptors(self, pid: int) -> list[int] | None:
        """The numbers of its open descriptors; None when it is gone or not ours."""
        try:
            return sorted(map(int, self._names(f"{pid}/fd")))
        except OSError:
            return None

    def _names(self, path: str) -> list[str]:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.fd)
        try:
            return os.listdir(fd)
        finally:
            os.close(fd)

    def read_now(self, path: str, name: str) -> bytes:
        """A whole file of a process.  Raises NoSuchProcess, NotPermitted, OSError."""
        try:
            return self.read_fast(path, name)
        except OSError as error:
            raise _typed(error, path, name) from error

    def read_fast(self, path: str, name: str) -> bytes:
        """The same, for those who ask for thousands: raises OSError as it comes."""
        fd = os.open(f"{path}/{name}", _CLOEXEC_READ, dir_fd=self.fd)
        try:
            data = os.read(fd, _ROOM)
            if len(data) == _ROOM or name in files.ITERATED:
                data = _rest(fd, data)
        finally:
            os.close(fd)
        return data

    def read_stat(self, path: str) -> tuple[bytes, int]:
        """The stat line of a process or thread, and the owner of the file, as it comes: raises OSError; b"" from one
        that is just ending."""
        fd = os.open(f"{path}/stat", _CLOEXEC_READ, dir_fd=self.fd)
        try:
            return os.read(fd, _ROOM), os.fstat(fd).st_uid
        finally:
            os.close(fd)

    def read_late(self, record: ProcessRecord, name: str) -> bytes | None:
        """A file of a record's process, None when that is gone or the file is not to be had."""
        try:
            data = self.read_now(record.path, name)
        except OSError:
            return None
        return data if self.is_current(record) else None

    def link_late(self, record: ProcessRecord, name: str) -> str | None:
        """Where a link of its folder points to."""
        try:
            target = os.readlink(f"{record.path}/{name}", dir_fd=self.fd)
        except OSError:
            return None
        return target if self.is_current(record) else None

    def owner(self, record: ProcessRecord) -> tuple[int, int]:
        """Effective user and group, without reading status: those of the folder.  The kernel gives files to root
        when the process may not be traced, but never the folder itself (fs/proc/base.c, task_dump_owner)."""
        try:
            found = os.stat(record.path, dir_fd=self.fd)
        except OSError:
            return record.uid_of_file, -1
        return found.st_uid, found.st_gid

    def is_current(self, record: ProcessRecord) -> bool:
        """Does the pid still stand for the same process?"""
        try:
            data = self.read_now(record.path, files.STAT)
        except OSError:
            return False
        return data[data.rindex(b")") + 2 :].split()[19] == record.fields[19]


def _rest(fd: int, data: bytes) -> bytes:
    pieces = [data]
    while piece := os.read(fd, _PIECE):
        pieces.append(piece)
    return b"".join(pieces)


def _typed(error: OSError, path: str, name: str) -> OSError:
    pid = path.partition("/")[0]
    if error.errno in (errno.ENOENT, errno.ESRCH):
        # ENOENT: the folder is gone, or this kernel has no such file.
        return NoSuchProcess(error.errno, f"pid {pid} is gone, or has no {name}")
    if error.errno in (errno.EACCES, errno.EPERM):
        return NotPermitted(error.errno, f"{name} of pid {pid} is not ours to read")
    return error
