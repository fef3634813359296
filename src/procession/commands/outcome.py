"""What crosses between the loop and the workers: an Outcome, with its output inline or as a file."""

from __future__ import annotations

import os

from procession.ipc.carry import share
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PIECE = 1 << 16


class Stored:
    """Output in an unnamed file, whose descriptor travels with it and closes with it."""

    __slots__ = ("fd", "size")

    def __init__(self, fd: int, size: int) -> None:
        self.fd = fd
        self.size = size

    def __reduce__(self) -> tuple[object, ...]:
        return _arrived, (share(self.fd), self.size)

    def close(self) -> None:
        """Give the file back; done at the latest when nobody holds this object any more."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        self.close()


def _arrived(shared: Any, size: int) -> Stored:
    return Stored(shared.detach(), size)


@record
class Outcome:
    """How a command ended.  ``reason`` follows a subject: "exited with code 3".

    Neither code nor signal: it was never executed, or nobody saw its end.
    """

    code: int | None
    signal: int | None
    reason: str
    seconds: float = 0.0
    stdout: bytes | Stored = b""
    stderr: bytes | Stored = b""
    timed_out: bool = False
    stopped: bool = False  # ended, or not even begun, because the whole run is to stop: not its own failure

    @property
    def ok(self) -> bool:
        """Did it do what it was asked to?"""
        return self.code == 0 and not self.timed_out and not self.stopped


NOT_BEGUN = Outcome(None, None, "was not begun", stopped=True)
