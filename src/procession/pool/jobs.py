"""Many tasks with one function: the jobs behind map and imap.

All methods but ``pull`` and those of the reader are called with the engine's lock held.
"""

from __future__ import annotations

from collections import deque

from procession.errors import CrewBroken, TaskCancelled, TaskErrors, TaskTimeout, WorkerDied
from procession.ipc import carry
from procession.pool.feed import STORE_MIN, Pulled, Sliced
from procession.pool.results import Fault, Waiting
from procession.pool.schedule import Pace, Stretch
from procession.pool.words import call_words, item_words
from procession.pool.worker import STAR
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from procession.pool.observe import Watched
    from procession.pool.results import MapResult
    from procession.pool.runner import Runner

RAISE, RETURN, COLLECT = "raise", "return", "collect"
_AHEAD = 64  # tasks for each worker that an imap may be ahead of its reader, at least
# Their length is known, and asking them for a slice waits for nobody.
_SEQUENCES = (list, tuple, range, str, bytes)


@record
class TaskOptions:
    """What a task may be told.  ``timeout`` and ``backoff`` in seconds; a higher ``priority`` goes first."""

    timeout: float | None = None
    retries: int = 0
    retry_on: Any = Exception
    backoff: float = 0.0
    priority: int = 0


PLAIN = TaskOptions()


def options_of(given: dict[str, Any]) -> TaskOptions:
    """The options, or TypeError and ValueError in the caller's words."""
    for name in given:
        if name not in TaskOptions.__match_args__:
            raise TypeError(f"a task has no option {name!r}; it has {', '.join(TaskOptions.__match_args__)}")
    options = TaskOptions(**given)
    timeout, retries, backoff = options.timeout, options.retries, options.backoff
    if timeout is not None and timeout <= 0:
        raise ValueError(f"timeout={timeout!r}: it must be more than 0 seconds")
    if retries < 0:
        raise ValueError(f"retries={retries!r}: it must not be negative")
    if backoff < 0:
        raise ValueError(f"backoff={backoff!r}: it must not be negative")
    return options


def should_retry(options: TaskOptions, error: BaseException, attempts: int) -> float | None:
    """Seconds until the next attempt of a task that has failed ``attempts`` times before; None: no more."""
    if attempts >= options.retries or isinstance(error, TaskCancelled | CrewBroken):
        return None
    if not isinstance(error, options.retry_on):
        return None
    return float(options.backoff * 2**attempts)


class Blamed:
    """A job whose tasks are named in what they have failed of."""

    timeout: float | None

    def words(self, stretch: Stretch, at: int) -> str:
        """A task, for people."""
        raise NotImplementedError

    def failed(self, stretch: Stretch, at: int, error: BaseException) -> None:
        """One has failed."""
        raise NotImplementedError

    def timed_out(self, stretch: Stretch, at: int, pid: int) -> BaseException:
        """What a task that took too long has failed of."""
        assert self.timeout is not None
        return TaskTimeout(stretch.first + at, pid, self.timeout, self.words(stretch, at))

    def lost(self, stretch: Stretch, at: int, error: BaseException, _note: bytes) -> None:
        """Its worker ended in the middle of it."""
        if isinstance(error, WorkerDied) and not error.doing:
            error = WorkerDied(error.task, error.pid, error.exit, self.words(stretch, at))
        self.failed(stretch, at, error)


class Job(Blamed):
    """What all of them have."""

    def __init__(
        self, runner: Runner, function: Callable[..., object], style: int, options: TaskOptions
    ) -> None:
        self.runner = runner
        self.number = runner.new_number()
        self.style = style
        self.options = options
        self.priority = options.priority
        self.timeout = options.timeout
        self.pace = Pace()
        self.cancelled = False
        self._function = function
        self._parcel: carry.Parcel | None = None
        self._attempts: dict[int, int] = {}

    def function(self) -> carry.Parcel:
        """What workers are to call with each task."""
        if self._parcel is not None:
            return self._parcel
        parcel = carry.pack(self._function, out_of_band=True)
        if not parcel.descriptors:  # those are gone once they have been sent
            self._parcel = parcel
        return parcel

    def payloads(self, stretch: Stretch) -> Sequence[Any]:
        """As they are."""
        return stretch.items

    def words(self, stretch: Stretch, at: int) -> str:
        """A task, for people."""
        if self.style == STAR:
            return call_words(self._function, stretch.items[at], {})
        return item_words(self._function, stretch.items[at])

    def failed(self, stretch: Stretch, at: int, error: BaseException) -> None:
        """One has failed: perhaps it is to be done again."""
        index = stretch.first + at
        attempts = self._attempts.get(index, 0)
        delay = None if self.cancelled else should_retry(self.options, error, attempts)
        if delay is None:
            self._attempts.pop(index, None)
            self.store_fault(index, error)
            return
        self._attempts[index] = attempts + 1
        self.runner.engine.failed -= 1
        self.runner.engine.again(stretch.part(at, at + 1), delay)

    def given_up(self, stretch: Stretch, broken: CrewBroken | None) -> None:
        """These will not run."""
        for at in range(len(stretch.items)):
            index = stretch.first + at
            self.store_fault(
                index, broken or TaskCancelled(f"task {index} was given up ({self.words(stretch, at)})")
            )

    def store_fault(self, index: int, error: BaseException) -> None:
        """The outcome of a task."""
        raise NotImplementedError


class ManyJob(Job):
    """Tasks from an iterable."""

    def __init__(
        self,
        runner: Runner,
        function: Callable[..., object],
        iterable: Iterable[Any],
        style: int,
        options: TaskOptions,
        *,
        chunksize: int | None = None,
        errors: str = RAISE,
        listener: Watched | None = None,
    ) -> None:
        super().__init__(runner, function, style, options)
        if errors not in (RAISE, RETURN, COLLECT):
            raise ValueError(f"errors={errors!r}: it must be {RAISE!r}, {RETURN!r} or {COLLECT!r}")
        if chunksize is not None and chunksize < 1:
            raise ValueError(f"Chunksize must be 1+, not {chunksize:n}")
        self.pace = Pace(chunksize or 0)
        self.errors = errors
        self.total = len(iterable) if isinstance(iterable, _SEQUENCES) else None
        self.feed: Sliced | Pulled
        if isinstance(iterable, _SEQUENCES):
            self.feed = Sliced(iterable)
        else:
            self.feed = Pulled(iterable, self._arrived)
        self._taken = 0
        self._ended = 0  # tasks with an outcome
        self._faults = 0
        self._listener = listener
        self.source_error: BaseException | None = None

    # -- where the tasks come from -----------------------------------------------------------------

    def take(self, limit: int) -> Stretch | None:
        """The next tasks, if there are any just now."""
        feed = self.feed
        if isinstance(feed, Pulled):
            feed.wanted = max(STORE_MIN, 2 * self.runner.workers * self.pace.latest)
            items = feed.take(limit, self._ended == self._taken)
        else:
            items = feed.take(limit)
        if not items:
            return None
        stretch = Stretch(self, self._taken, items)
        self._taken += len(items)
        return stretch

    def remaining(self) -> int | None:
        """How many are still to come."""
        return self.feed.left if self.feed.exhausted else None

    def _arrived(self, items: list[Any], last: bool, error: BaseException | None) -> None:
        """Called by the feed, without the lock."""
        runner = self.runner
        with runner.engine.lock:
            assert isinstance(self.feed, Pulled)
            if not self.cancelled and not runner.over:
                self.feed.store(items, last, error)
                runner.offer(self)
            self._look()
        runner.engine.run_later()

    # -- where their outcomes go -------------------------------------------------------------------

    def landed(self, stretch: Stretch, at: int, values: list[Any]) -> None:
        """Results."""
        if self._attempts:
            for index in range(stretch.first + at, stretch.first + at + len(values)):
                self._attempts.pop(index, None)
        self._ended += len(values)
        self.store(stretch.first + at, values)
        self._look()

    def store_fault(self, index: int, error: BaseException) -> None:
        """A failure for good."""
        self._ended += 1
        self._faults += 1
        self.store(index, [Fault(error)])
        self._look()

    def store(self, first: int, values: list[Any]) -> None:
        """Outcomes, some of which may be Faults."""
        raise NotImplementedError

    def _look(self) -> None:
        """Was that the last one?"""
        if self._listener is not None:
            self.runner.engine.later(self._tell)
        if not self.feed.exhausted:
            self.runner.engine.offer(self)  # of the portion that is being pulled something may be there
        elif not self.feed.left and self._ended == self._taken and self in self.runner.jobs:
            self.total = self._taken
            self.source_error = self.feed.error
            self.runner.finished(self)
            if self._listener is None:
                self.finish()
            else:
                self.runner.engine.later(self._tell)
                self.runner.engine.later(self.finish)

    def _tell(self) -> None:
        assert self._listener is not None
        over = self not in self.runner.jobs
        total = self._taken + self.feed.left if self.feed.exhausted else self.total
        self._listener.tell(self._ended - self._faults, self._faults, total, over)

    def finish(self) -> None:
        """Every task has its outcome."""
        raise NotImplementedError

    def drop_rest(self, error: BaseException) -> None:
        """Take no more from the iterable; if there was more, that is what the whole has failed of."""
        feed = self.feed
        if (feed.left or not feed.exhausted) and feed.error is None:
            feed.error = error
        feed.drop()
        feed.exhausted = True
        self._look()

    def cancel(self) -> bool:
        """Give up what has not ended.  False when all had."""
        if self not in self.runner.jobs:
            return False
        self.cancelled = True
        engine = self.runner.engine
        for stretch in engine.give_up(self):
            self.given_up(stretch, None)
        engine.end_running(self, None, self._cancelled)
        self.drop_rest(TaskCancelled("the tasks were cancelled"))
        return True

    def _cancelled(self, task: int, pid: int) -> BaseException:
        return TaskCancelled(f"task {task} was cancelled, and its worker {pid} ended")


class MapJob(ManyJob):
    """A map: one list in the end."""

    def __init__(self, *args: Any, result: MapResult, ordered: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._result = result
        self._ordered = ordered
        self._values: list[Any] = [None] * (self.total or 0) if ordered else []

    def store(self, first: int, values: list[Any]) -> None:
        """Put them where they belong."""
        if not self._ordered:
            self._values += values
            return
        missing = first - len(self._values)
        if missing > 0:
            self._values += [None] * missing
        self._values[first : first + len(values)] = values

    def finish(self) -> None:
        """Hand the list over."""
        success, value = self._outcome()
        self._values = []
        self.runner.settle(self._result, success, value)

    def _outcome(self) -> tuple[bool, Any]:
        if self.source_error is not None:
            return False, self.source_error
        values = self._values
        if not self._faults:
            return True, values
        faults = [value.error for value in values if type(value) is Fault]
        if self.errors == RAISE:
            return False, faults[0]
        values = [value.error if type(value) is Fault else value for value in values]
        if self.errors == RETURN:
            return True, values
        exceptions = [error for error in faults if isinstance(error, Exception)]
        if len(exceptions) < len(faults):  # a SystemExit, say, which no ExceptionGroup takes
            return False, next(error for error in faults if not isinstance(error, Exception))
        return False, TaskErrors(f"{len(faults)} of {len(values)} tasks failed", exceptions, values)


class StreamJob(ManyJob):
    """An imap: results for a reader, who may be slow; the tasks are never far ahead of it."""

    def __init__(
        self, *args: Any, ordered: bool = True, buffersize: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if self.errors == COLLECT:
            raise ValueError(
                f"errors={COLLECT!r} is for map: results that come one by one are {RAISE!r} or {RETURN!r}"
            )
        if buffersize is not None and buffersize < 1:
            raise ValueError(f"buffersize={buffersize!r}: it must be at least 1")
        self.waiting = Waiting()
        self._ordered = ordered
        self._bound = buffersize
        self._ready: deque[list[Any]] = deque()
        self._early: dict[int, list[Any]] = {}
        self._next = 0  # of the ordered ones
        self._read = 0
        self._over = False
        self._starved = False  # there is more to take, and the reader is too far behind
        self._unread = False  # nobody will ever read

    def take(self, limit: int) -> Stretch | None:
        """As far as the reader has room."""
        room = self._room()
        if room <= 0:
            self._starved = True
            return None
        return super().take(min(limit, room))

    def _room(self) -> int:
        if self._unread or self.runner.closing:
            return 1 << 60
        bound = self._bound
        if bound is None:
            bound = self.runner.workers * max(_AHEAD, 4 * self.pace.latest)
        return bound - (self._taken - self._read)

    def unbound(self) -> None:
        """The pool is being closed, or the reader has gone: do the rest all the same."""
        if self._starved:
            self._starved = False
            self.runner.offer(self)

    def store(self, first: int, values: list[Any]) -> None:
        """Bring them into the reader's order."""
        if self._unread:
            return
        if not self._ordered:
            self._ready.append(values)
        elif first != self._next:
            self._early[first] = values
            return
        else:
            self._advance(values)
        self.waiting.rouse()

    def _advance(self, values: list[Any] | None) -> None:
        while values is not None:
            self._ready.append(values)
            self._next += len(values)
            values = self._early.pop(self._next, None)

    def finish(self) -> None:
        """The reader comes to the end, or to what the iterable has raised."""
        if self.source_error is not None:
            self._ready.append([Fault(self.source_error)])
        self._over = True
        self.waiting.rouse()

    # -- the reader's side, without the lock -------------------------------------------------------

    def has_news(self) -> bool:
        """Would ``next_chunk`` give something?"""
        return bool(self._ready) or self._over

    def next_chunk(self) -> list[Any] | None:
        """Results in their order, if ``has_news``; None at the end.  For one thread at a time."""
        if not self._ready:
            return None
        chunk = self._ready.popleft()
        if self._bound is not None and len(chunk) > (piece := max(1, self._bound // 8)):
            self._ready.appendleft(chunk[piece:])  # what has been handed out counts as read
            chunk = chunk[:piece]
        self._read += len(chunk)
        if self._starved:
            with self.runner.engine.lock:
                if self._room() > 0:
                    self.unbound()
            self.runner.engine.run_later()
        return chunk

    def nobody_reads(self) -> None:
        """The reader is gone.  May be called by the garbage collector: takes no lock."""
        if not self._over:
            self._unread = True
            self._ready.clear()
            self._early.clear()
            self.runner.mention(self)
