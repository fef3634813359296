"""How often something may happen; the clock is the caller's."""

from __future__ import annotations


class Throttle:
    """Lets at most one through in ``interval`` seconds, the first one at ``first`` (a time of that clock)."""

    __slots__ = ("_interval", "_next")

    def __init__(self, interval: float, first: float) -> None:
        self._interval = interval
        self._next = first

    def due(self, now: float) -> bool:
        """May it happen now?  Yes means that it does: the next yes is an interval away."""
        if now < self._next:
            return False
        self._next = now + self._interval
        return True

    def wait(self, now: float) -> float:
        """Seconds until it may happen: what a poll may sleep."""
        return max(0.0, self._next - now)
