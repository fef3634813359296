"""How far a map is, and who is told.

The pool counts with a ``Meter``, and at most every TICK seconds (``throttle.Throttle``) and once at the end
hands a ``Progress`` to the listener, from its own thread and without a lock::

    listener = make_listener(progress, "resize")    # in the caller's thread
    ...
    meter.count(done, failed, now)
    if throttle.due(now):
        listener(meter.look(now))
    ...
    listener(meter.look(now))
    listener.close()                                # also if it was given up: the cursor comes back
"""

from __future__ import annotations

from collections import deque

from procession.pool.results import report_error
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

TICK = 0.1  # seconds between two calls of a listener
_RECENT = 5.0  # seconds that the rate looks back
_ENOUGH = 8  # tasks that it wants to have seen, however long ago that began
_GRAIN = 0.25  # seconds: what ends within them is remembered as one


@record
class Progress:
    """One look at a map.

    ``done`` tasks returned and ``failed`` ones did not, out of ``total`` (None: nobody knows).  ``seconds``
    since the start; ``rate``: how many ended a second of late; ``eta``: seconds to go, None while there is
    no ground for a guess.
    """

    done: int
    failed: int
    total: int | None
    seconds: float
    rate: float
    eta: float | None

    @property
    def ended(self) -> int:
        """Tasks with an outcome, of either kind."""
        return self.done + self.failed

    @property
    def fraction(self) -> float | None:
        """The share that has ended, 0 to 1; None while the total is unknown."""
        if self.total is None:
            return None
        return min(1.0, self.ended / self.total) if self.total else 1.0


class Meter:
    """The count of one map.  ``now`` is the time of any clock that never goes back.

    The rate is that of the last 5 seconds or of the last 8 tasks, whichever reaches back further: a map whose
    tasks take a minute has a rate too.
    """

    def __init__(self, total: int | None, now: float) -> None:
        self.total = total
        self._began = now
        self._done = 0
        self._failed = 0
        self._marks: deque[tuple[float, int]] = deque([(now, 0)])  # when, and how many had ended by then

    def count(self, done: int, failed: int, now: float) -> None:
        """So many more have ended."""
        self._done += done
        self._failed += failed
        if now - self._marks[-1][0] >= _GRAIN:
            self._marks.append((now, self._done + self._failed))
            self._forget(now)

    def look(self, now: float) -> Progress:
        """What is to be told now."""
        rate = self._rate(now)
        return Progress(self._done, self._failed, self.total, now - self._began, rate, self._eta(rate))

    def _forget(self, now: float) -> None:
        marks, ended = self._marks, self._done + self._failed
        while len(marks) > 1 and now - marks[1][0] >= _RECENT and ended - marks[1][1] >= _ENOUGH:
            marks.popleft()

    def _rate(self, now: float) -> float:
        self._forget(now)
        since, before = self._marks[0]
        return (self._done + self._failed - before) / (now - since) if now > since else 0.0

    def _eta(self, rate: float) -> float | None:
        if self.total is None:
            return None
        left = self.total - self._done - self._failed
        if left <= 0:
            return 0.0
        return left / rate if rate > 0 else None


class Listener:
    """Tells somebody, until that raises: then it says so once, and the map goes on without it."""

    def __init__(self, tell: Callable[[Progress], object], end: Callable[[], object] | None = None) -> None:
        self._tell: Callable[[Progress], object] | None = tell
        self._end = end
        self._failed = False

    def __call__(self, progress: Progress) -> None:
        if self._tell is not None:
            self._guarded(self._tell, progress)

    def close(self) -> None:
        """There is nothing more to tell; a second call does nothing."""
        end, self._end, self._tell = self._end, None, None
        if end is not None:
            self._guarded(end)

    def _guarded(self, function: Callable[..., object], *args: Progress) -> None:
        try:
            function(*args)
        except BaseException as error:
            self._tell = None
            if not self._failed:
                self._failed = True
                report_error(error, "in what is told of a pool's progress, which is told no more")


def make_listener(progress: bool | Callable[[Progress], object] | None, what: str) -> Listener:
    """Who is told: nobody (False, None), a bar on stderr that is headed by ``what`` (True), a function."""
    if not progress:
        return Listener(_nobody)
    if callable(progress):
        return Listener(progress)
    from procession.pool.bar import Bar

    bar = Bar(what)
    return Listener(bar.draw, bar.close)


def _nobody(_: Progress) -> None:
    return
