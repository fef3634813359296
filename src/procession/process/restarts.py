"""How often is too often: the window of restarts, and the wait before the next one.

A supervisor may restart ``max_restarts`` times within any ``within`` seconds; one more and it gives up.
The waits must not hide a storm from that count: with long waits a child that fails at once would fall out
of the window before it is over the limit, and be restarted for ever.  So no wait is longer than
``within / (2 * (max_restarts + 1))``: all the waits up to the limit take less than half of the window.
"""

from __future__ import annotations

from collections import deque

from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.process.childspec import Rules
    from procession.process.exits import Exit

# SIGHUP, SIGINT, SIGTERM: somebody asked the process to end, and it did.  systemd.service(5) calls an end
# by them clean as well; Erlang's word is ``shutdown``.
_ASKED = frozenset((1, 2, 15))


@record
class End:
    """How a child ended: ``well`` decides about a transient one, ``words`` follow a subject."""

    well: bool
    words: str
    exit: Exit | None = None
    cause: BaseException | None = None


def end_of(exit: Exit) -> End:
    """The End that the Exit of a process means."""
    return End(exit.code == 0 or exit.signal in _ASKED, exit.reason, exit)


class Restarts:
    """The restarts that lie within the window.  ``draw`` gives numbers from 0 to 1, for the jitter."""

    def __init__(self, rules: Rules, draw: Callable[[], float]) -> None:
        self._rules = rules
        self._draw = draw
        self._recent: deque[tuple[float, str, End]] = deque()
        self._longest = min(rules.backoff.cap, rules.within / (2 * (rules.max_restarts + 1)))

    def count(self, child: str, end: End, now: float) -> bool:
        """Write down that ``child`` needs a restart; False when that is one too many."""
        recent = self._recent
        recent.append((now, child, end))
        while now - recent[0][0] > self._rules.within:
            recent.popleft()
        return len(recent) <= self._rules.max_restarts

    def wait(self, child: str) -> float:
        """Seconds from the failure that was counted last until the restart of ``child``."""
        times = sum(name == child for _, name, _ in self._recent)
        backoff = self._rules.backoff
        # 2**1023 is the largest power of two that a float holds.
        seconds = min(self._longest, backoff.delay * 2.0 ** min(times - 1, 1000))
        return seconds * (1 - backoff.jitter * self._draw())

    def ends(self) -> tuple[tuple[str, str], ...]:
        """Who ended and how, within the window, oldest first."""
        return tuple((child, end.words) for _, child, end in self._recent)
