"""Signals as events: the loop of a verb sees them in a pipe and decides, nothing is torn in half."""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

_WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """While open, SIGINT, SIGTERM, SIGHUP and ``more`` do nothing but make ``fileno`` readable.

    Main thread only (signal(7), set_wakeup_fd).
    """

    def __init__(self, more: tuple[int, ...] = ()) -> None:
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._old_wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        # A signal that is ignored stays so: nohup(1) asked for it.
        self._old = {
            number: signal.signal(number, _nothing)
            for number in (*_WATCHED, *more)
            if signal.getsignal(number) is not signal.SIG_IGN
        }
        self.first = 0

    def fileno(self) -> int:
        """Readable once a signal has come."""
        return self._read

    def take(self) -> int:
        """How many signals have come since the last call."""
        numbers = self.numbers()
        if numbers:
            self.first = self.first or numbers[0]
        return len(numbers)

    def numbers(self) -> bytes:
        """Those that have come since the last call, each a byte."""
        try:
            return os.read(self._read, 64)
        except BlockingIOError:
            return b""

    @property
    def exit_code(self) -> int:
        """128 plus the first signal (bash(1), EXIT STATUS), or 0."""
        return 128 + self.first if self.first else 0

    def close(self) -> None:
        """Put everything back as it was."""
        for number, handler in self._old.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_wakeup)
        os.close(self._read)
        os.close(self._write)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    return
