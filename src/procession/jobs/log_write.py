"""The log of one run, as its keeper writes it: the bytes as they came, and beside them when.

::

    LOG          the newest bytes            LOG.index     16 bytes a record: time (f64, Unix), offset (u64)
    LOG.1        those before                LOG.1.index
    LOG.2 ...    the oldest                  LOG.2.index

Offsets count from the run's first byte, over all files: the first record of an index says where its file begins.
Writes within 10 ms share a record.  A file that has reached its size, or whose first byte is older than the age, is
renamed before the next write, and what is one too many is deleted.

What cannot be written (ENOSPC, EDQUOT, EIO, EFBIG) is counted, and said in the log once there is room again; the
command never waits for a disk that is full.
"""

from __future__ import annotations

import os
import struct

RECORD = struct.Struct("<dQ")
SIZE, KEEP = 64 << 20, 3  # bytes a file; files beside the newest: at most 256 MiB a run
TOGETHER = 0.01  # seconds


class LogWriter:
    """``age``: seconds, 0: as old as it may be.  ``written`` bytes of the command's output are in the log (those
    rotated away included), ``lost`` are not.  ``offset``: where the next byte goes."""

    def __init__(self, path: str, size: int = SIZE, keep: int = KEEP, age: float = 0.0) -> None:
        self.path = path
        self.written = self.lost = self.offset = 0
        self._max, self._keep, self._age = max(size, 4096), max(keep, 0), age
        self._size = 0  # of the newest file
        self._first = self._noted = 0.0  # times: of its first byte, of the last record
        self._untold, self._why = 0, ""  # lost and not yet said
        self._fd = self._index = -1
        self._open()

    def write(self, data: bytes, now: float) -> None:
        """Put it there, or count it.  Never raises OSError."""
        if self._size >= self._max or (self._age and self._size and now - self._first >= self._age):
            self._rotate(now)
        self._say_what_is_lost(now)
        done = 0 if self._untold else self._put(data, now)
        self.written += done
        if done < len(data):
            self.lost += len(data) - done
            self._untold += len(data) - done

    def say(self, words: str, now: float) -> None:
        """A line of ours: it stands in the log, and does not count as output."""
        self._put(f"[pn: {words}]\n".encode(), now)

    def close(self, now: float) -> None:
        """The last try to say what is lost."""
        self._say_what_is_lost(now)
        for fd in (self._fd, self._index):
            if fd >= 0:
                os.close(fd)
        self._fd = self._index = -1

    def _say_what_is_lost(self, now: float) -> None:
        if self._untold:
            words = f"\n[pn: {self._untold} bytes were lost here: {self._why}]\n".encode()
            if self._put(words, now) == len(words):
                self._untold = 0

    def _put(self, data: bytes, now: float) -> int:
        """How much of it could be written."""
        if self._fd < 0:
            self._open()
        done = 0
        try:
            while done < len(data):
                done += os.write(self._fd, memoryview(data)[done:])
        except OSError as error:
            self._why = error.strerror or str(error)
        if done:
            self._note(now)
            self._first = self._first or now
            self._size += done
            self.offset += done
        return done

    def _note(self, now: float) -> None:
        if 0 <= now - self._noted < TOGETHER:
            return
        self._noted = now
        try:
            if os.write(self._index, RECORD.pack(now, self.offset)) % RECORD.size:
                os.ftruncate(self._index, os.fstat(self._index).st_size // RECORD.size * RECORD.size)
        except OSError:
            pass  # a record too few: that stretch is found a little too early

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            os.makedirs(os.path.dirname(self.path), 0o700, exist_ok=True)
            self._fd = os.open(self.path, flags, 0o600)
            self._index = os.open(f"{self.path}.index", flags, 0o600)
        except OSError as error:
            self._why = error.strerror or str(error)
        self._size, self._first, self._noted = 0, 0.0, 0.0

    def _rotate(self, now: float) -> None:
        for fd in (self._fd, self._index):
            if fd >= 0:
                os.close(fd)
        self._fd = self._index = -1
        for number in range(self._keep, -1, -1):
            name = f"{self.path}.{number}" if number else self.path
            for suffix in ("", ".index"):
                try:
                    if number == self._keep or self._is_old(name, now):
                        os.unlink(name + suffix)
                    else:
                        os.rename(name + suffix, f"{self.path}.{number + 1}{suffix}")
                except OSError:
                    pass
        self._open()
        self._note(now)  # where it begins, also if nothing comes any more

    def _is_old(self, name: str, now: float) -> bool:
        """Has nothing been written to it for the age?  Then it goes, however few files there are."""
        try:
            return (
                bool(self._age)
                and name != self.path
                and now - os.stat(name).st_mtime > self._age * (self._keep + 1)
            )
        except OSError:
            return False
