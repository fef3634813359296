"""Single calls: the job behind apply, apply_async and submit.

All calls with the same priority and time limit are tasks of one job, so that many short ones travel together.
"""

from __future__ import annotations

from collections import deque

from procession.errors import CrewBroken, TaskCancelled, TaskNotBegun
from procession.ipc import carry
from procession.pool.jobs import Blamed, should_retry
from procession.pool.schedule import Pace, Stretch
from procession.pool.words import call_words
from procession.pool.worker import CALLS, ITEM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol

    from procession.pool.jobs import TaskOptions
    from procession.pool.runner import Runner

    class Holder(Protocol):
        """Who is told the outcome of a call."""

        def begin(self) -> bool:
            """It is about to be sent; False: nobody wants it any more."""

        def end(self, success: bool, value: Any) -> None:
            """Its outcome.  With the engine's lock held."""


class Call:
    """One call."""

    __slots__ = (
        "args", "attempts", "cancelled", "expected", "function", "holder", "kwds", "number", "options",
    )  # fmt: skip

    def __init__(
        self, holder: Holder, function: Callable[..., object], args: Any, kwds: Any, options: TaskOptions
    ) -> None:
        self.holder = holder
        self.function = function
        self.args = tuple(args)
        self.kwds = dict(kwds) if kwds else {}
        self.options = options
        self.number = -1  # of its task, once it has been taken
        self.attempts = 0
        self.cancelled = False
        self.expected = False  # it was given to the pool before, and had to wait for others

    def words(self) -> str:
        """For people."""
        return call_words(self.function, self.args, self.kwds)


class CallsJob(Blamed):
    """Calls of one priority and one time limit."""

    number, style = CALLS, ITEM

    def __init__(self, runner: Runner, priority: int, timeout: float | None) -> None:
        self.runner = runner
        self.priority = priority
        self.timeout = timeout
        self.pace = Pace()
        self.open = 0  # calls without an outcome
        self._waiting: deque[Call] = deque()
        self._next = 0

    def add(self, call: Call) -> None:
        """One more; offer the job after it."""
        self._waiting.append(call)

    def alone(self, call: Call) -> Stretch:
        """A call that has a worker already."""
        call.number = self._next
        self._next += 1
        return Stretch(self, call.number, (call,))

    def take(self, limit: int) -> Stretch | None:
        """The next ones."""
        calls: list[Call] = []
        while self._waiting and len(calls) < limit:
            call = self._waiting.popleft()
            if call.cancelled or not call.holder.begin():
                self._never_begins(call)
                continue
            call.number = self._next + len(calls)
            calls.append(call)
        if not calls:
            return None
        stretch = Stretch(self, self._next, calls)
        self._next += len(calls)
        return stretch

    def remaining(self) -> int | None:
        """How many wait."""
        return len(self._waiting)

    def function(self) -> carry.Parcel:
        """Each call brings its own."""
        raise AssertionError("every worker knows how to call")

    def payloads(self, stretch: Stretch) -> Sequence[Any]:
        """What a worker needs of them."""
        return [(call.function, call.args, call.kwds) for call in stretch.items]

    def landed(self, stretch: Stretch, at: int, values: list[Any]) -> None:
        """Results."""
        for call, value in zip(stretch.items[at:], values, strict=False):
            self._end(call, True, value)

    def failed(self, stretch: Stretch, at: int, error: BaseException) -> None:
        """One has failed: perhaps it is to be done again."""
        call = stretch.items[at]
        delay = None if call.cancelled else should_retry(call.options, error, call.attempts)
        if delay is None:
            self._end(call, False, error)
            return
        call.attempts += 1
        self.runner.engine.failed -= 1
        self.runner.engine.again(stretch.part(at, at + 1), delay)

    def given_up(self, stretch: Stretch, broken: CrewBroken | None) -> None:
        """These will not run."""
        for call in stretch.items:
            self._end(call, False, broken or TaskCancelled(f"the call was given up ({call.words()})"))

    def give_up_waiting(self, error: Callable[[Call], BaseException]) -> None:
        """Not even those that nobody has taken yet."""
        while self._waiting:
            call = self._waiting.popleft()
            self._end(call, False, error(call))

    def cancel(self, call: Call) -> bool:
        """Give a call up: False when it has ended."""
        engine = self.runner.engine
        if call.cancelled:
            return False
        call.cancelled = True
        if call in self._waiting:
            self._waiting.remove(call)
            self._never_begins(call)
            return True
        if engine.withdraw(self, call.number):
            self._never_begins(call)
            return True

        def error(task: int, pid: int) -> BaseException:
            return TaskCancelled(f"task {task} was cancelled, and its worker {pid} ended ({call.words()})")

        return engine.end_running(self, call.number, error) > 0

    def words(self, stretch: Stretch, at: int) -> str:
        """A task, for people."""
        return str(stretch.items[at].words())

    def _never_begins(self, call: Call) -> None:
        self._end(call, False, TaskCancelled(f"the call was cancelled before it began ({call.words()})"))

    def _end(self, call: Call, success: bool, value: Any) -> None:
        self.open -= 1
        call.holder.end(success, value)
        if not self.open:
            self.runner.finished(self)


def failed_before(call: Call, other: BaseException) -> TaskNotBegun:
    """What a call has failed of that was to come after another one."""
    error = TaskNotBegun(
        call.words(), "a result that it was to follow", f"failed: {type(other).__name__}: {other}"
    )
    error.__cause__ = other
    return error
