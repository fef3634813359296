"""The log of one run, as others read it, over all its files: by offset, by time, from the end; and its growth.

``log_write`` has the form of the files.  A keeper may rotate at any moment: files are opened first and then asked
which part they hold, so a piece is read once or not at all, never twice.
"""

from __future__ import annotations

import os

from procession.jobs.log_write import RECORD, TOGETHER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

_PIECE = 64 << 10  # bytes


class LogReader:
    """Opens what there is now; ``refresh`` looks again.  Offsets count from the run's first byte.

    ``begin``: the first offset that is still there, ``end``: one past the last.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._files: list[
            tuple[int, int, int]
        ] = []  # (offset of its first byte, descriptor, inode), oldest first
        self._read_to = 0
        self.refresh()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for _, fd, _ in self._files:
            os.close(fd)
        self._files = []

    def refresh(self) -> None:
        """Take in files that have come by rotation, let go of deleted ones that have been read.  Raises OSError."""
        self._let_go()
        known = {inode: (base, fd) for base, fd, inode in self._files}
        found = {}
        for name in reversed(_names(self.path)):
            try:
                fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            inode = os.fstat(fd).st_ino
            if inode in known or inode in found:
                os.close(fd)
            else:
                base = self._base(name, inode)
                found[inode] = (base, fd)
        known.update(found)
        self._files = sorted((base, fd, inode) for inode, (base, fd) in known.items())

    def _let_go(self) -> None:
        for found in list(self._files):
            base, fd, _ = found
            facts = os.fstat(fd)
            if not facts.st_nlink and base + facts.st_size <= self._read_to:
                os.close(fd)
                self._files.remove(found)

    @property
    def begin(self) -> int:
        return self._files[0][0] if self._files else 0

    @property
    def end(self) -> int:
        return self._files[-1][0] + os.fstat(self._files[-1][1]).st_size if self._files else 0

    def read(self, offset: int, size: int = _PIECE) -> tuple[int, bytes]:
        """At most ``size`` bytes from ``offset``, or from the first there is after it: (where they stand, the bytes);
        b"": nothing there yet.  What lies between two files that we know and was rotated away is passed over."""
        for base, fd, _ in self._files:
            start = max(offset, base)
            data = os.pread(fd, size, start - base)
            if data:
                self._read_to = max(self._read_to, start + len(data))
                return start, data
        return max(offset, self.begin), b""

    def pieces(self, offset: int = 0, until: int | None = None) -> Iterator[bytes]:
        """All from ``offset`` to the end of now, or to ``until``, in pieces of at most 64 KiB."""
        until = self.end if until is None else until
        while offset < until:
            at, data = self.read(offset, min(_PIECE, until - offset))
            if not data:
                return
            offset = at + len(data)
            yield data

    def since(self, when: float) -> int:
        """An offset at or, by what came within 10 ms, before the first byte written since the Unix time ``when``."""
        when -= TOGETHER  # a record tells for what was written so soon after it, too
        for name in reversed(_names(self.path)):
            records = _index(name)
            low, high = 0, len(records) // RECORD.size
            while low < high:
                middle = (low + high) // 2
                if RECORD.unpack_from(records, middle * RECORD.size)[0] < when:
                    low = middle + 1
                else:
                    high = middle
            if low < len(records) // RECORD.size:
                return int(RECORD.unpack_from(records, low * RECORD.size)[1])
        return self.end

    def last_lines(self, count: int, most: int | None = None) -> int:
        """The offset where the last ``count`` lines begin; with ``most``, not further back than so many bytes.

        An end without a newline counts as a line."""
        end = at = self.end
        floor = max(self.begin, end - most) if most is not None else self.begin
        left = count + 1  # newlines to be seen: the one that ends the last line does not count
        if at > floor and self.read(at - 1, 1)[1] != b"\n":
            left = count
        if count <= 0:
            return end
        while at > floor:
            start = max(floor, at - _PIECE)
            data = b"".join(self.pieces(start, at))
            place = len(data)
            while (place := data.rfind(b"\n", 0, place)) >= 0:
                left -= 1
                if not left:
                    return at - len(data) + place + 1
            at = start
        return self._next_line(floor) if floor > self.begin else floor

    def _next_line(self, offset: int) -> int:
        data = b"".join(self.pieces(offset))
        newline = data.find(b"\n")
        return offset + newline + 1 if newline >= 0 else offset

    def _base(self, name: str, inode: int) -> int:
        # The index is made after its file and renamed after it: a rotation in between would give us another's.
        for _ in range(5):
            records = _index(name)
            try:
                same = os.stat(name).st_ino == inode
            except FileNotFoundError:
                same = False
            if same and len(records) >= RECORD.size:
                return int(RECORD.unpack_from(records)[1])
            if same and not os.stat(name).st_size:
                break
            if not same:
                return self._base_of(inode)
        return self.end  # empty, or its index could not be written: after all that came before

    def _base_of(self, inode: int) -> int:
        """Its name has changed under us; it is one further now."""
        for name in _names(self.path):
            try:
                if os.stat(name).st_ino == inode and len(records := _index(name)) >= RECORD.size:
                    return int(RECORD.unpack_from(records)[1])
            except FileNotFoundError:
                continue
        return self.end


def _names(path: str) -> list[str]:
    """The files of a log, the newest first."""
    folder, name = os.path.split(path)
    try:
        entries = os.listdir(folder)
    except FileNotFoundError:
        return []
    numbers = [
        int(rest)
        for entry in entries
        if entry.startswith(f"{name}.") and (rest := entry[len(name) + 1 :]).isdigit()
    ]
    return [path, *(f"{path}.{number}" for number in sorted(numbers))]


def _index(name: str) -> bytes:
    try:
        with open(f"{name}.index", "rb", buffering=0) as file:
            return file.readall()
    except FileNotFoundError:
        return b""
