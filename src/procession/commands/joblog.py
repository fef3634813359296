"""``--log FILE``: one JSON object a line for each finished input, and what ``--resume`` reads out of it.

A line is written whole, by one write(2) to the end of the file, when its command has ended: whatever pn dies
of, the log holds what was finished, and at most its last line is torn.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections import Counter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from procession.commands.outcome import Outcome
    from procession.commands.plan import Work

_PIECE = 1 << 20


class LogRefused(ValueError):
    """This file cannot be the log of this run."""


class JobLog:
    """An open log, locked against a second pn.  Raises LogRefused, OSError."""

    def __init__(self, path: str, template: tuple[str, ...], *, resume: bool) -> None:
        self._template = list(template)
        self._done: Counter[tuple[str, ...]] = Counter()
        #: bytes of a torn last line, which were cut off
        self.torn = 0
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        try:
            self._begin(path, resume=resume)
        except BaseException:
            os.close(self._fd)
            raise

    def _begin(self, path: str, *, resume: bool) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LogRefused(f"{path} is being written by another pn map: wait for it") from None
        size = os.fstat(self._fd).st_size
        if size and not resume:
            raise LogRefused(f"{path} holds a log: --resume goes on with it, or name another file")
        whole = 0
        for line in _lines(self._fd, size):
            whole += len(line)
            self._take_in(path, line)
        self.torn = size - whole
        if self.torn:
            os.ftruncate(self._fd, whole)

    def _take_in(self, path: str, line: bytes) -> None:
        found = read_line(line)
        if found is None:
            raise LogRefused(f"{path} is not a log of pn map: name another file")
        inputs, ok, template = found
        if template != self._template:
            raise LogRefused(
                f"{path} is the log of another COMMAND ({' '.join(template)}): name another file"
            )
        self._done[inputs] += ok

    def done_before(self, inputs: tuple[str, ...]) -> bool:
        """Has it ended well in an earlier run?  Each success in the log counts for one input of the list."""
        if not self._done[inputs]:
            return False
        self._done[inputs] -= 1
        return True

    def write(self, work: Work, command: str, outcome: Outcome, now: float) -> None:
        """Write the line of one finished input.  Raises OSError, and then leaves no half line."""
        line = make_line(work, command, outcome, now, self._template)
        size = os.fstat(self._fd).st_size
        written = os.write(self._fd, line)
        if written < len(line):  # the disk filled up in the middle of it
            try:
                if os.write(self._fd, line[written:]) == len(line) - written:
                    return
            except OSError:
                os.ftruncate(self._fd, size)
                raise
            os.ftruncate(self._fd, size)
            raise OSError(28, "No space left on device")

    def close(self) -> None:
        """The lock goes with it."""
        os.close(self._fd)


def facts(work: Work, command: str, outcome: Outcome) -> dict[str, object]:
    """What is told of a finished command, in the log and by ``--json``."""
    one = work.inputs[0] if len(work.inputs) == 1 else list(work.inputs)
    return {
        "input": one,
        "command": command,
        "number": work.number,
        "ok": outcome.ok,
        "code": outcome.code,
        "signal": outcome.signal,
        "reason": outcome.reason,
        "seconds": round(outcome.seconds, 6),
        "attempt": work.attempt,
    }


def make_line(work: Work, command: str, outcome: Outcome, now: float, template: list[str]) -> bytes:
    """One line of the log; bytes that are not UTF-8 are lone surrogates, as in ``--json``."""
    told = facts(work, command, outcome) | {"ended": round(now, 3), "template": template}
    return json.dumps(told).encode("ascii") + b"\n"


def read_line(line: bytes) -> tuple[tuple[str, ...], bool, list[str]] | None:
    """Inputs, whether they ended well, COMMAND; None when it is no line of ours."""
    try:
        told = json.loads(line)
        one, ok, template = told["input"], told["ok"], told["template"]
    except (ValueError, KeyError, TypeError):
        return None
    inputs = tuple(one) if isinstance(one, list) else (one,)
    if not all(isinstance(text, str) for text in inputs) or not isinstance(template, list):
        return None
    return inputs, ok is True, template


def _lines(fd: int, size: int) -> Iterable[bytes]:
    """The whole lines, with their newlines; what stands behind the last one is not given out."""
    rest = b""
    at = 0
    while at < size and (data := os.pread(fd, _PIECE, at)):
        at += len(data)
        *whole, rest = (rest + data).split(b"\n")
        for line in whole:
            yield line + b"\n"
