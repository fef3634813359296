"""The output of one command as it comes out of a pipe: small in memory, the rest in an unnamed file.

A pipe and not the file itself: a command that opens /dev/stdout anew would truncate the file.
"""

from __future__ import annotations

import os

from procession.commands.outcome import PIECE, Stored

INLINE = 1 << 16  # bytes that stay in memory


class Capture:
    """One stream.  ``fd`` is the read end of its pipe; -1 once it has ended."""

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        #: why output was lost, in words
        self.trouble = ""
        self._start = bytearray()
        self._file: Stored | None = None

    def read(self) -> bool:
        """Take what the pipe has; False when there is nothing, for now or for good."""
        try:
            data = os.read(self.fd, PIECE)
        except BlockingIOError:
            return False
        if not data:
            self.close()
            return False
        if not self.trouble:
            try:
                self._keep(data)
            except OSError as error:
                self.trouble = error.strerror or str(error)
        return True

    def result(self) -> bytes | Stored:
        """All of it."""
        return self._file or bytes(self._start)

    def close(self) -> None:
        """Read no more."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def _keep(self, data: bytes) -> None:
        if self._file is None:
            self._start += data
            if len(self._start) <= INLINE:
                return
            self._file = Stored(unnamed_file(), 0)
            data = bytes(self._start)
            self._start.clear()
        write_whole(self._file.fd, data)
        self._file.size += len(data)


def unnamed_file() -> int:
    """A new file without a name in TMPDIR: it is gone with its last descriptor, whatever happens to us."""
    import tempfile

    folder = tempfile.gettempdir()
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError:  # a file system without O_TMPFILE (open(2)), nfs for one
        fd, path = tempfile.mkstemp(prefix="pn-map-")
        os.unlink(path)
        return fd


def write_whole(fd: int, data: bytes) -> None:
    """write(2) until all is written.  Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
