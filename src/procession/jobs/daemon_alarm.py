"""The next moment at which the plan has something to do.

By the wall clock, since people say "22:30": a machine that slept meanwhile has lost no time, and a clock that is set
wakes the daemon at once.  Without a moment to wait for there is no descriptor, and nothing wakes.
"""

from __future__ import annotations

import os
import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.jobs.keeper_loop import Loop


class Alarm:
    """``rings`` is called once for each ``set``, at its time or before it."""

    def __init__(self, loop: Loop, rings: Callable[[], None]) -> None:
        self._loop, self._rings = loop, rings
        self._fd: int | None = None
        self._at: float | None = None

    def set(self, at: float | None) -> None:
        """To this Unix time; None: not at all.  The last one counts."""
        if at == self._at:
            return
        self._at = at
        self._loop.cancel("alarm")
        try:
            self._set(at)
        except OSError:  # no timerfd here: by the clock that nobody can set, which stands still in sleep
            if at is not None:
                self._loop.after(max(0.0, at - time.time()), "alarm", self._ring)

    def _set(self, at: float | None) -> None:
        from procession.linux.timerfd import create_timer, set_timer

        if self._fd is None:
            if at is None:
                return
            self._fd = create_timer()
            self._loop.watch(self._fd, select.POLLIN, self._ring_of)
        set_timer(self._fd, at)

    def _ring_of(self, _: int) -> None:
        from procession.linux.timerfd import read_timer

        assert self._fd is not None
        read_timer(self._fd)
        self._ring()

    def _ring(self) -> None:
        self._at = None
        self._rings()

    def close(self) -> None:
        """It does not ring any more."""
        self._loop.cancel("alarm")
        if self._fd is not None:
            self._loop.forget(self._fd)
            os.close(self._fd)
            self._fd = None
