"""Asking a process of ours where it is: the other side of ``process/dumps.py``."""

from __future__ import annotations

import fcntl
import os
import select
import time

from procession.errors import NoSuchProcess
from procession.linux.pidfd import open_pidfd, send_signal
from procession.process.dumps import MARK
from procession.table import files
from procession.table.descriptors import descriptors_of
from procession.table.stacks import Frame, Stack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.record import ProcessRecord
    from procession.table.source import Source

_PATIENCE = 5.0  # seconds
_LOOK = 5  # milliseconds
_PIECE = 1 << 16


def ask(source: Source, process: ProcessRecord) -> list[Stack] | None:
    """The Python stacks of all its threads; None when it does not offer them.  Only the main thread's tid is known.

    Raises NoSuchProcess, TimeoutError: it has not answered (state D, or stopped), OSError.
    """
    offered = _offer(source, process)
    if offered is None:
        return None
    if process.state in "Tt":
        raise TimeoutError("it is stopped, and answers when it goes on")
    mark, reader, signum = offered
    pid = process.pid
    with os.fdopen(os.open(f"/proc/{pid}/fd/{mark}", os.O_RDONLY | os.O_CLOEXEC), "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one at a time: what one reads is gone for the other
        asked = _Asked(source, process, reader, signum)
        try:
            return parse(asked.dump(), pid)
        finally:
            asked.close()


def _offer(source: Source, process: ProcessRecord) -> tuple[int, int, int] | None:
    """(memfd, reading end, signal), if the process has a handler for that signal: else it would die of it."""
    for each in descriptors_of(source, process.pid, info=False) or ():
        if each.link.startswith(f"/memfd:{MARK}:"):
            words = each.link.removeprefix("/memfd:").removesuffix(" (deleted)").split(":")
            reader, _, signum = map(int, words[1:])
            if process.status_mask(b"SigCgt") >> (signum - 1) & 1:
                return each.fd, reader, signum
    return None


class _Asked:
    """A process with its pipe open and its identity held."""

    def __init__(self, source: Source, process: ProcessRecord, reader: int, signum: int) -> None:
        self._source, self._pid, self._signum = source, process.pid, signum
        self._deadline = time.monotonic() + _PATIENCE
        self._pipe = os.open(f"/proc/{process.pid}/fd/{reader}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            self._pidfd = open_pidfd(process.pid)
        except BaseException:
            os.close(self._pipe)
            raise
        self._poll = select.poll()
        self._poll.register(self._pipe, select.POLLIN)
        self._poll.register(self._pidfd, select.POLLIN)
        if not process.is_current():
            self.close()
            raise NoSuchProcess(3, f"pid {process.pid} is gone")

    def close(self) -> None:
        os.close(self._pipe)
        os.close(self._pidfd)

    def dump(self) -> str:
        """Its own words.  That a dump is complete is announced by nothing: whoever has begun to write one masks the
        signal until all is written."""
        while self._is_masked():  # one that was asked for earlier, by somebody who has gone
            self._wait(_LOOK)
            self._read()
        while self._read():
            pass
        send_signal(self._pidfd, self._signum)
        data = b""
        while not data or self._is_masked():
            self._wait(_LOOK if data else _PATIENCE * 1000)
            data += self._read()
        while piece := self._read():
            data += piece
        return data.decode("ascii", "replace")

    def _wait(self, milliseconds: float) -> None:
        ready = self._poll.poll(milliseconds)
        if any(fd == self._pidfd for fd, _ in ready):
            raise NoSuchProcess(3, f"pid {self._pid} is gone")
        if time.monotonic() >= self._deadline:
            raise TimeoutError(
                f"it has not answered in {_PATIENCE:.0f} s: it is in state D, or blocks the signal"
            )

    def _read(self) -> bytes:
        try:
            return os.read(self._pipe, _PIECE)
        except BlockingIOError:
            return b""

    def _is_masked(self) -> bool:
        """Is the signal pending, or blocked by a thread?"""
        bit = 1 << (self._signum - 1)
        for tid in self._source.tids(self._pid):
            try:
                status = self._source.read_now(f"{self._pid}/task/{tid}", files.STATUS)
            except OSError:
                continue
            for line in status.split(b"\n"):
                name, _, mask = line.partition(b":\t")
                if name in (b"ShdPnd", b"SigPnd", b"SigBlk") and int(mask, 16) & bit:
                    return True
        return False


def _thread(line: str) -> str:
    """``Current thread 0x7f.. (most recent call first):``, or ``Thread ...``: its number."""
    words = line.removeprefix("Current thread ").removeprefix("Thread ").split()
    is_head = line.startswith(("Current thread 0x", "Thread 0x"))
    return words[0] if is_head and words else ""


def parse(text: str, pid: int) -> list[Stack]:
    """What faulthandler has written: the youngest thread first, the main one last."""
    found: list[list[Frame]] = []
    for line in text.splitlines():
        if _thread(line):
            found.append([])
        elif line.startswith('  File "') and found:
            path, _, rest = line[8:].rpartition('", line ')
            number, _, function = rest.partition(" in ")
            found[-1].append(
                Frame(function, path.rpartition("/")[2], path, int(number) if number.isdecimal() else 0)
            )
    found.reverse()
    return [
        Stack(0 if at else pid, "", has_gil=False, frames=tuple(frames)) for at, frames in enumerate(found)
    ]
