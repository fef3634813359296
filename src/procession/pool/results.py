"""What callers hold: results that may still have to come."""

from __future__ import annotations

import _thread
import time
from collections import deque
from multiprocessing.context import TimeoutError as NotInTime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any, Self

    from procession.pool.jobs import StreamJob


class Fault:
    """In the place of a result: what the task has failed of."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = error


class Waiting:
    """Whoever waits for something to become true sleeps on a lock of its own."""

    __slots__ = ("_actions", "_sleepers")

    def __init__(self) -> None:
        self._sleepers: list[_thread.LockType] = []
        self._actions: list[Callable[[], object]] = []

    def rouse(self) -> None:
        """Wake all who sleep and call what was to be called; after the thing has become true."""
        while self._sleepers:
            try:
                self._sleepers.pop().release()
            except IndexError:  # another thread was faster
                break
        while self._actions:
            try:
                action = self._actions.pop()
            except IndexError:
                break
            action()

    def sleep(self, ready: Callable[[], bool], timeout: float | None) -> bool:
        """Until ``ready()``, at most ``timeout`` seconds: is it?"""
        until = None if timeout is None else time.monotonic() + timeout
        while not ready():
            lock = _thread.allocate_lock()
            lock.acquire()
            self._sleepers.append(lock)
            if ready():
                return True
            left = -1.0 if until is None else until - time.monotonic()
            if until is not None and left <= 0:
                return ready()
            if not lock.acquire(True, min(left, _thread.TIMEOUT_MAX) if until is not None else -1):
                return ready()
        return True

    def call_when(self, ready: Callable[[], bool], action: Callable[[], object]) -> None:
        """Have ``action`` called by ``rouse``, or now if it is ready already.  It may be called once too often."""
        self._actions.append(action)
        if ready():
            self.rouse()


class AsyncResult:
    """The result of ``apply_async``, ``map_async`` and the like, which may still have to come."""

    def __init__(
        self,
        pool: Any,
        callback: Callable[[Any], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
    ) -> None:
        self._pool = pool  # kept alive until the result is there
        self._callback = callback
        self._error_callback = error_callback
        self._waiting = Waiting()
        self._done = False
        self._success = False
        self._value: Any = None
        self._cancel: Callable[[], bool] | None = None

    def ready(self) -> bool:
        """Is it there?"""
        return self._done

    def successful(self) -> bool:
        """Did it end without an exception?  Raises ValueError when it is not ready."""
        if not self._done:
            raise ValueError(f"{self!r} not ready")
        return self._success

    def wait(self, timeout: float | None = None) -> None:
        """Until it is there, at most ``timeout`` seconds."""
        if not self._done:
            self._waiting.sleep(self.ready, timeout)

    def get(self, timeout: float | None = None) -> Any:
        """The value.  Raises what the task raised, or multiprocessing.TimeoutError after ``timeout`` seconds."""
        self.wait(timeout)
        if not self._done:
            raise NotInTime
        if self._success:
            return self._value
        try:
            raise self._value
        finally:
            self = None  # type: ignore[assignment]  # noqa: PLW0642 - its traceback would keep us alive

    def cancel(self) -> bool:
        """Give the task up: one that waits will not run, one that runs is ended with its worker.

        False when it had ended already.  ``get`` then raises TaskCancelled.
        """
        cancel = self._cancel
        return cancel() if cancel is not None and not self._done else False

    def __await__(self) -> Generator[Any, None, Any]:
        """``await result`` is ``result.get()`` without blocking the event loop."""
        return self._outcome().__await__()

    async def _outcome(self) -> Any:
        await until(self._waiting, self.ready)
        return self.get()

    def _set(self, success: bool, value: Any) -> None:
        """Called once, without the engine's lock: the callback is the user's."""
        callback = self._callback if success else self._error_callback
        self._callback = self._error_callback = self._cancel = None
        if callback is not None:
            guarded(callback, value)
        self._settle(success, value)

    def _settle(self, success: bool, value: Any) -> None:
        self._value = value
        self._success = success
        self._done = True
        self._pool = None
        self._waiting.rouse()

    @property
    def _has_callback(self) -> bool:
        return self._callback is not None or self._error_callback is not None

    def __repr__(self) -> str:
        state = ("done" if self._success else "failed") if self._done else "pending"
        return f"<{type(self).__name__} {state}>"


ApplyResult = AsyncResult


class MapResult(AsyncResult):
    """The result of ``map_async`` and ``starmap_async``: a list."""


class IMapIterator:
    """The results of ``imap``, one by one as they come.  Threads may share it."""

    def __init__(self, pool: Any, job: StreamJob) -> None:
        self._pool = pool
        self.job = self._job = job
        self._chunk: deque[Any] = deque()  # what has been given out is not kept
        self._raising = job.errors != "return"
        self._guard = _thread.RLock()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        return self.next()

    def next(self, timeout: float | None = None) -> Any:
        """The next result.  Raises what the task raised (and goes on with the next after that), StopIteration
        at the end, multiprocessing.TimeoutError after ``timeout`` seconds."""
        try:
            value = self._chunk.popleft()
        except IndexError:
            pass  # and wait outside of this: what is raised there has nothing to do with it
        else:
            return self._of(value) if type(value) is Fault else value
        with self._guard:
            return self._next_of_more(timeout)

    def _next_of_more(self, timeout: float | None) -> Any:
        if self._chunk:  # another thread was here before us
            return self.next(timeout)
        job = self._job
        if not job.waiting.sleep(job.has_news, timeout):
            raise NotInTime
        chunk = job.next_chunk()
        if chunk is None:
            self._pool = None
            raise StopIteration
        self._chunk = deque(chunk)
        return self.next(timeout)

    def opened(self, value: Any) -> Any:
        """A result, or what its task has failed of: raised, or returned if that was asked for."""
        return self._of(value) if type(value) is Fault else value

    def _of(self, fault: Fault) -> Any:
        if self._raising or fault.error is self._job.source_error:
            raise fault.error
        return fault.error

    def __del__(self) -> None:
        # Nobody will read the rest: it is done all the same (as with multiprocessing), and not kept.
        job = getattr(self, "_job", None)
        if job is not None:
            job.nobody_reads()


class IMapUnorderedIterator(IMapIterator):
    """The same, in the order in which they come."""


async def until(waiting: Waiting, ready: Callable[[], bool]) -> None:
    """Wait in an asyncio event loop, which goes on meanwhile."""
    import asyncio

    loop = asyncio.get_running_loop()
    while not ready():
        over: asyncio.Future[None] = loop.create_future()

        def settle(over: asyncio.Future[None] = over) -> None:
            if not over.done():
                over.set_result(None)

        def tell(settle: Callable[[], None] = settle) -> None:
            try:
                loop.call_soon_threadsafe(settle)
            except RuntimeError:
                return  # the loop is closed: nobody waits any more

        waiting.call_when(ready, tell)
        await over


def guarded(callback: Callable[..., object], *args: Any) -> None:
    """Call a callback of the user's: what it raises is reported and disturbs nobody."""
    try:
        callback(*args)
    except BaseException as error:
        report_error(error, "in a callback of a pool, which goes on")


def report_error(error: BaseException, where: str) -> None:
    """Show an exception that nobody can be told of, as one of a thread is."""
    import contextlib
    import threading

    with contextlib.suppress(Exception):  # a frozen dataclass refuses notes
        error.add_note(f"({where})")
    what = (type(error), error, error.__traceback__, threading.current_thread())
    threading.excepthook(threading.ExceptHookArgs(what))
