"""SIGTERM and SIGINT for a supervisor in the foreground: each is a byte in a pipe that its poll watches.

The pipe is Python's wake-up descriptor: a handler in Python alone could miss a signal that comes just before
poll(2) begins to wait (the C handler notes it, and the poll is not interrupted).
"""

from __future__ import annotations

import os
import signal
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

WATCHED = (signal.SIGTERM, signal.SIGINT)


class Signals:
    """While open in the main thread, the watched signals only count; elsewhere it does nothing."""

    def __init__(self, wake_fd: int) -> None:
        self.count = 0
        self._pid = os.getpid()
        self._old: dict[int, object] = {}
        if threading.current_thread() is threading.main_thread():
            # A signal that is ignored stays so: nohup(1) and job-control shells asked for it.
            watched = [number for number in WATCHED if signal.getsignal(number) is not signal.SIG_IGN]
            self._old = {number: signal.signal(number, self._came) for number in watched}
            self._old_wakeup = signal.set_wakeup_fd(wake_fd, warn_on_full_buffer=False)

    def _came(self, number: int, _frame: FrameType | None) -> None:
        if os.getpid() != self._pid:
            # A child that was forked just now and has not put its own handlers in place.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        self.count += 1

    def close(self) -> None:
        """Put everything back as it was."""
        if self._old:
            signal.set_wakeup_fd(self._old_wakeup)
        for number, handler in self._old.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._old = {}
