"""One poll: descriptors with what is to be done for them, and timers; without timers it waits for ever."""

from __future__ import annotations

import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST = 86_400.0  # seconds; poll(2) takes its milliseconds as a C int


class Loop:
    """Run until ``stop`` has been called."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._does: dict[int, Callable[[int], None]] = {}
        self._timers: dict[str, tuple[float, Callable[[], None]]] = {}
        self._stopped = False

    def watch(self, fd: int, events: int, does: Callable[[int], None]) -> None:
        """Call ``does(events)`` when one comes.  Again for the same descriptor: other events."""
        self._poll.register(fd, events)
        self._does[fd] = does

    def forget(self, fd: int) -> None:
        """Before it is closed."""
        if self._does.pop(fd, None) is not None:
            self._poll.unregister(fd)

    def after(self, seconds: float, name: str, does: Callable[[], None]) -> None:
        """Once, unless there is one of that name sooner or later: the new one counts."""
        self._timers[name] = (time.monotonic() + seconds, does)

    def cancel(self, name: str) -> None:
        self._timers.pop(name, None)

    def left(self, name: str) -> float | None:
        """Seconds until that timer; None: there is none."""
        found = self._timers.get(name)
        return None if found is None else found[0] - time.monotonic()

    def stop(self) -> None:
        self._stopped = True

    def run(self) -> None:
        self._stopped = False
        while not self._stopped:
            self.turn()

    def turn(self) -> None:
        """Wait once, and do what there is to do."""
        for fd, events in self._poll.poll(self._wait()):
            does = self._does.get(fd)
            if does is not None:  # another of this turn may have forgotten it
                does(events)
        now = time.monotonic()
        for name, (when, do) in list(self._timers.items()):
            if when <= now and self._timers.get(name, (None, None))[0] == when:
                del self._timers[name]
                do()

    def _wait(self) -> float | None:
        if not self._timers:
            return None
        first = min(when for when, _ in self._timers.values())
        return -int(-min(max(first - time.monotonic(), 0), _LONGEST) * 1000 // 1)  # rounded up: never early
