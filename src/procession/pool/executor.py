"""The pool as a ``concurrent.futures.Executor``: a drop-in for ``ProcessPoolExecutor``.

A worker that dies fails the one task that it was at, with an error that is both our WorkerDied and their
BrokenProcessPool; the executor goes on.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import TimeoutError as NotInTime

from procession.errors import CrewBroken, TaskCancelled, WorkerDied
from procession.pool.calls import Call
from procession.pool.jobs import PLAIN
from procession.pool.pool import Pool
from procession.pool.worker import STAR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from procession.pool.calls import CallsJob


class TaskLost(WorkerDied, BrokenProcessPool):
    """A worker ended in the middle of a task; only that task is lost."""


class ExecutorBroken(CrewBroken, BrokenProcessPool):
    """Workers cannot start: the initializer failed, say."""


class PoolExecutor(Executor):
    """An executor on a pool of its own, or (``Pool.executor()``) on one that stays somebody else's."""

    def __init__(
        self,
        max_workers: int | None = None,
        mp_context: Any = None,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        *,
        max_tasks_per_child: int | None = None,
        pool: Pool | None = None,
    ) -> None:
        self._own = pool is None
        if pool is None:
            if max_workers is not None and max_workers <= 0:
                raise ValueError("max_workers must be greater than 0")
            if max_tasks_per_child is not None:
                _check_max_tasks(max_tasks_per_child, mp_context)
            # As the standard library: with fork, workers are made before there are threads; else on demand.
            eager = mp_context is not None and mp_context.get_start_method() == "fork"
            pool = Pool(
                max_workers, initializer, initargs, max_tasks_per_child, context=mp_context, eager=eager
            )
            _open.add(self)
        self._pool = pool
        self._runner = pool._runner  # noqa: SLF001 - the other face of the same
        self._max_workers = self._runner.workers
        self._shut = False
        self._calls: set[_ForFuture] = set()
        self._lock = threading.Lock()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """``fn(*args, **kwargs)`` in a worker."""
        with self._lock:
            if self._runner.engine.broken is not None:
                raise _translated(self._runner.engine.broken)
            if self._shut:
                raise RuntimeError("cannot schedule new futures after shutdown")
            if _leaving:
                raise RuntimeError("cannot schedule new futures after interpreter shutdown")
            future: Future[Any] = Future()
            holder = _ForFuture(self, future)
            holder.call = Call(holder, fn, args, kwargs, PLAIN)
            self._calls.add(holder)
            try:
                holder.job = self._runner.call(holder.call)
            except ValueError as error:  # the pool is somebody else's, who has closed it
                self._calls.discard(holder)
                raise RuntimeError("cannot schedule new futures after shutdown") from error
            except CrewBroken as error:  # since we have looked
                self._calls.discard(holder)
                raise _translated(error) from error.__cause__
            except BaseException:
                self._calls.discard(holder)
                raise
        return future

    def map(
        self,
        fn: Callable[..., Any],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
    ) -> Iterator[Any]:
        """``map(fn, *iterables)``, in the workers.  ``chunksize`` 1: it is found out.

        Without ``buffersize`` all of the iterables is read at once, as the standard library does.
        """
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        if self._shut:
            raise RuntimeError("cannot schedule new futures after shutdown")
        end = None if timeout is None else time.monotonic() + timeout
        tasks: Iterable[tuple[Any, ...]] = zip(*iterables)  # noqa: B905 - as the builtin map does
        if buffersize is None:
            tasks = list(tasks)
            buffersize = max(1, len(tasks))
        size = chunksize if chunksize > 1 else None
        job = self._pool._stream(fn, tasks, STAR, size, True, buffersize, {})  # noqa: SLF001
        return _results(self._pool, job, end)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """No new tasks; ``wait`` for what there is, or give up what has not begun (``cancel_futures``)."""
        with self._lock:
            self._shut = True
            calls = list(self._calls)
        if cancel_futures:
            for holder in calls:
                holder.withdraw()
        if self._own:
            self._pool.close()
            if wait:
                self._pool.join()
        elif wait:
            from concurrent.futures import wait as wait_for

            wait_for([holder.future for holder in calls])

    def __del__(self) -> None:
        # What has been submitted is still done; nobody can submit more.
        runner = getattr(self, "_runner", None)
        if runner is not None and self._own:
            runner.close()

    @property
    def _processes(self) -> dict[int, Any]:
        return {process.pid: process for process in self._pool._pool}  # noqa: SLF001

    def _forget(self, holder: _ForFuture) -> None:
        self._calls.discard(holder)


class _ForFuture:
    """Tells a Future the outcome of its call."""

    __slots__ = ("_executor", "call", "future", "job")

    def __init__(self, executor: PoolExecutor, future: Future[Any]) -> None:
        self._executor = executor
        self.future = future
        self.call: Call | None = None
        self.job: CallsJob | None = None

    def begin(self) -> bool:
        """It is about to be sent; from here on it cannot be cancelled."""
        return self.future.set_running_or_notify_cancel()

    def end(self, success: bool, value: Any) -> None:
        """Pass it on, without the lock: it may have callbacks."""
        self._executor._runner.engine.later(lambda: self._settle(success, value))  # noqa: SLF001

    def withdraw(self) -> None:
        """Cancel it, if no worker has begun it."""
        self.future.cancel()

    def _settle(self, success: bool, value: Any) -> None:
        self._executor._forget(self)  # noqa: SLF001
        self.call = self.job = None  # the call refers to us
        future = self.future
        if future.cancelled():
            return
        if success:
            future.set_result(value)
        else:
            future.set_exception(_translated(value))


def _results(pool: Pool, job: Any, end: float | None) -> Iterator[Any]:
    from procession.pool.results import IMapIterator

    results = IMapIterator(pool, job)

    def following() -> Any:
        try:
            return results.next(None if end is None else max(0.0, end - time.monotonic()))
        except NotInTime:
            raise TimeoutError from None
        except (WorkerDied, CrewBroken) as error:
            raise _translated(error) from error.__cause__

    def generate() -> Iterator[Any]:
        try:
            while True:
                try:
                    one = [following()]
                except StopIteration:
                    return
                yield one.pop()  # and keep it no longer than who asked for it
        finally:
            with pool._runner.engine.lock:  # noqa: SLF001
                job.cancel()
            pool._runner.engine.run_later()  # noqa: SLF001

    return generate()


def _translated(error: BaseException) -> BaseException:
    """The same error, in a form that those catch who know concurrent.futures."""
    new: BaseException
    if isinstance(error, WorkerDied):
        new = TaskLost(error.task, error.pid, error.exit, error.doing)
    elif isinstance(error, CrewBroken):
        new = ExecutorBroken(str(error))
    elif isinstance(error, TaskCancelled):
        from concurrent.futures import CancelledError

        new = CancelledError(str(error))
    else:
        return error
    new.__cause__ = error.__cause__
    return new


def _check_max_tasks(count: Any, context: Any) -> None:
    if not isinstance(count, int):
        raise TypeError("max_tasks_per_child must be an integer")
    if count <= 0:
        raise ValueError("max_tasks_per_child must be >= 1")
    if context is not None and context.get_start_method(allow_none=False) == "fork":
        raise ValueError(
            "max_tasks_per_child is incompatible with the 'fork' multiprocessing start method; "
            "supply a different mp_context."
        )


_open: weakref.WeakSet[PoolExecutor] = weakref.WeakSet()
_leaving = False


def _at_exit() -> None:
    """What has been submitted is done before the interpreter ends, as with the standard library."""
    global _leaving
    _leaving = True
    for executor in list(_open):
        executor.shutdown()


# A forked worker is not to wait for its parent's executors.
os.register_at_fork(after_in_child=_open.clear)
threading._register_atexit(_at_exit)  # type: ignore[attr-defined]  # noqa: SLF001 - as concurrent.futures does
