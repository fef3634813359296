"""``Pool``: what ``multiprocessing.Pool`` is, and what its users have been missing.

::

    with Pool(4) as pool:
        sizes = pool.map(measure, names)                              # no chunksize: it is found out
        for picture in pool.imap_unordered(resize, names, timeout=60, retries=2, errors="return"):
            ...
        one = pool.apply_async(load, (name,))
        two = pool.apply_async(index, (one,))                         # a result is an argument: in order
        print(two.get())
    pool.report()

A task that kills its worker, or takes longer than its ``timeout``, fails by itself; all others go on, and none
runs twice unless ``retries`` ask for it.
"""

# ruff: noqa: SLF001, B006, PLR0917 - the parts of one pool; the signatures of multiprocessing

from __future__ import annotations

import itertools
import os
import warnings
from multiprocessing import util

from procession.pool.calls import Call, failed_before
from procession.pool.direct import Answer, call_directly
from procession.pool.jobs import PLAIN, RAISE, MapJob, StreamJob, options_of
from procession.pool.observe import Meters, Watched
from procession.pool.results import AsyncResult, IMapIterator, IMapUnorderedIterator, MapResult
from procession.pool.runner import CLOSING, OPEN, Runner
from procession.pool.team import Kit, TeamHirer
from procession.pool.worker import ITEM, STAR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence
    from typing import IO, Any, Self

    from procession.pool.executor import PoolExecutor
    from procession.pool.jobs import ManyJob, TaskOptions
    from procession.pool.progress import Progress
    from procession.pool.stats import PoolStats
    from procession.process.exits import Exit
    from procession.process.options import Limits

_numbers = itertools.count(1)


class Pool:
    """A pool of worker processes.  Any thread may use it; a process that was forked may not.

    - ``processes``: how many; all CPUs that this process may use, if not given.
    - ``initializer(*initargs)`` runs in each worker before its first task; when it raises, the pool is broken,
      and everything raises CrewBroken with that as its cause.
    - ``maxtasksperchild``: a worker is replaced after so many tasks; ``maxmemory``: when it holds more bytes
      of memory than this after some task.
    - ``context``: whose processes they are (start method).
    - ``limits``: see ``Limits``; for each worker.
    - ``shared``: an object that every worker gets once, as ``current_worker().shared``.
    - ``eager``: false: workers are started one by one, when there is something for them to do.
    - ``on_worker_start(pid)``, ``on_worker_exit(pid, exit, why)``: called in the pool's thread.

    Leaving a ``with`` block terminates the pool, as with ``multiprocessing``.
    """

    def __init__(
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
        context: Any = None,
        *,
        name: str | None = None,
        maxmemory: int | None = None,
        limits: Limits | None = None,
        shared: Any = None,
        eager: bool = True,
        on_worker_start: Callable[[int], object] | None = None,
        on_worker_exit: Callable[[int, Exit, str], object] | None = None,
    ) -> None:
        count = _checked(processes, initializer, maxtasksperchild, maxmemory)
        self._ctx = context if context is not None else self._default_context()
        self.name = name or f"pool-{next(_numbers)}"
        kit = Kit(initializer, tuple(initargs), shared)
        self._runner = runner = Runner(
            TeamHirer(self._ctx, kit, limits), count, maxtasksperchild or 0, maxmemory, eager=eager
        )
        runner.on_worker_start, runner.on_worker_exit = on_worker_start, on_worker_exit
        self._meters = Meters(runner, self.name, self._method())
        runner.start()
        # At exit, before the standard library ends the daemons among our children, which workers are.  Not
        # bound to this object: a finalizer that waits for workers would hold up the garbage collector.
        runner.at_end.append(util.Finalize(None, _terminate, (runner,), exitpriority=15).cancel)

    # ── the contract of multiprocessing ───────────────────────────────────────────────────────────

    def apply(
        self, func: Callable[..., Any], args: Iterable[Any] = (), kwds: Any = {}, **options: Any
    ) -> Any:
        """``func(*args, **kwds)`` in a worker; waits for it."""
        if not options:
            answer = Answer()
            if call_directly(self._runner, Call(answer, func, args, kwds, PLAIN), answer):
                if answer.success:
                    return answer.value
                raise answer.value
        return self.apply_async(func, args, kwds, **options).get()

    def apply_async(
        self,
        func: Callable[..., Any],
        args: Iterable[Any] = (),
        kwds: Any = {},
        callback: Callable[[Any], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
        *,
        after: AsyncResult | Iterable[AsyncResult] = (),
        **options: Any,
    ) -> AsyncResult:
        """The same, without waiting.

        It begins when all results in ``after``, and all that are among its arguments, are there; those among
        the arguments are replaced by their values.  When one of them failed, so does this (DependencyFailed).
        ``options``: see ``TaskOptions``.
        """
        self._runner.check_open()
        result = AsyncResult(self, callback, error_callback)
        call = Call(_ForResult(self._runner, result), func, args, kwds, options_of(options))
        first = [after] if isinstance(after, AsyncResult) else list(after)
        first += [one for one in (*call.args, *call.kwds.values()) if isinstance(one, AsyncResult)]
        if first:
            _Ordered(self._runner, call, result, first).look()
        else:
            _begin(self._runner, call, result)
        return result

    def map(
        self,
        func: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        **options: Any,
    ) -> list[Any]:
        """``[func(x) for x in iterable]``, in the workers.

        ``options``: those of a task (see ``TaskOptions``), and ``ordered`` (false: in the order in which they
        end), ``errors`` ("raise" the first, "return" them in the places of results, "collect" them in one
        TaskErrors), ``progress`` (true: a bar on the terminal; or what is called with a Progress).
        """
        return self._map(func, iterable, ITEM, chunksize, None, None, options, here=True).get()  # type: ignore[no-any-return]

    def map_async(
        self,
        func: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        callback: Callable[[list[Any]], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
        **options: Any,
    ) -> MapResult:
        """The same, without waiting."""
        return self._map(func, iterable, ITEM, chunksize, callback, error_callback, options)

    def starmap(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
        **options: Any,
    ) -> list[Any]:
        """``[func(*x) for x in iterable]``, in the workers; otherwise as ``map``."""
        return self._map(func, iterable, STAR, chunksize, None, None, options, here=True).get()  # type: ignore[no-any-return]

    def starmap_async(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
        callback: Callable[[list[Any]], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
        **options: Any,
    ) -> MapResult:
        """The same, without waiting."""
        return self._map(func, iterable, STAR, chunksize, callback, error_callback, options)

    def imap(
        self,
        func: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        *,
        ordered: bool = True,
        buffersize: int | None = None,
        **options: Any,
    ) -> IMapIterator:
        """The results one by one.  The iterable is read as results are: never far ahead.

        ``buffersize``: how many tasks may be ahead of the reader; a few flights for each worker, if not given.
        Once the pool is closed the rest is done at once.
        """
        kind = IMapIterator if ordered else IMapUnorderedIterator
        job = self._stream(func, iterable, ITEM, chunksize, ordered, buffersize, options)
        return kind(self, job)

    def imap_unordered(
        self,
        func: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        **options: Any,
    ) -> IMapIterator:
        """The same, each result as soon as it is there."""
        return self.imap(func, iterable, chunksize, ordered=False, **options)

    def close(self) -> None:
        """No new tasks.  The workers go home when all is done."""
        self._runner.close()

    def terminate(self) -> None:
        """End the workers now; what has no result yet is cancelled (TaskCancelled)."""
        _terminate(self._runner)

    def join(self, timeout: float | None = None) -> None:
        """Wait for the workers to end, after ``close`` or ``terminate``."""
        if self._runner.state == OPEN and self._runner.engine.broken is None:
            raise ValueError("Pool is still running")
        self._runner.join(timeout)

    def __enter__(self) -> Self:
        self._runner.check_open()
        return self

    def __exit__(self, *_: object) -> None:
        self.terminate()

    def __del__(self) -> None:
        runner = getattr(self, "_runner", None)
        if runner is not None and runner.state == OPEN and not runner.over:
            runner.terminate()
            warnings.warn(
                f"unclosed running multiprocessing pool {self!r}", ResourceWarning, stacklevel=2, source=self
            )

    def __reduce__(self) -> tuple[object, ...]:
        raise NotImplementedError("pool objects cannot be passed between processes or pickled")

    def __repr__(self) -> str:
        runner = self._runner
        return f"<{type(self).__name__} {self.name!r} state={runner.state} processes={runner.workers}>"

    # ── beyond it ─────────────────────────────────────────────────────────────────────────────────

    async def run(self, func: Callable[..., Any], /, *args: Any, **kwds: Any) -> Any:
        """``await pool.run(f, x)``: one call, without blocking the event loop.  A cancelled await cancels it."""
        import asyncio

        result = self.apply_async(func, args, kwds)
        try:
            return await result
        except asyncio.CancelledError:
            result.cancel()
            raise

    async def stream(
        self, func: Callable[[Any], Any], iterable: Iterable[Any], *, ordered: bool = True, **options: Any
    ) -> AsyncIterator[Any]:
        """``async for result in pool.stream(f, xs)``: imap without blocking the event loop."""
        from procession.pool.results import until

        results = self.imap(func, iterable, ordered=ordered, **options)
        job = results.job
        try:
            while True:
                await until(job.waiting, job.has_news)
                chunk = job.next_chunk()
                if chunk is None:
                    return
                for value in chunk:
                    yield results.opened(value)
        finally:
            with self._runner.engine.lock:
                job.cancel()
            self._runner.engine.run_later()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close and wait; after an exception, terminate first."""
        import asyncio

        if kind is None:
            self.close()
        else:
            self.terminate()
        await asyncio.get_running_loop().run_in_executor(None, self.join)

    def executor(self) -> PoolExecutor:
        """This pool as a ``concurrent.futures.Executor``; its ``shutdown`` leaves the pool open."""
        from procession.pool.executor import PoolExecutor

        return PoolExecutor(pool=self)

    def stats(self) -> PoolStats:
        """What the pool and each worker has done and is at."""
        with self._runner.engine.lock:
            return self._meters.stats()

    def report(self, file: IO[str] | None = None) -> None:
        """Print the stats as a table."""
        from procession.pool.report import report

        print(report(self.stats()), file=file)

    # ── parts ─────────────────────────────────────────────────────────────────────────────────────

    @staticmethod
    def _default_context() -> Any:
        from procession.process.context import default_context

        return default_context.get_context()

    def _method(self) -> str:
        return str(self._ctx.get_start_method())

    def _map(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Any],
        style: int,
        chunksize: int | None,
        callback: Any,
        error_callback: Any,
        options: dict[str, Any],
        *,
        here: bool = False,
    ) -> MapResult:
        self._runner.check_open()
        more, task_options = _split(options, ("ordered", "errors", "progress"))
        result = MapResult(self, callback, error_callback)
        listener = _listener(more.pop("progress", None), func)
        job = MapJob(
            self._runner, func, iterable, style, task_options, chunksize=chunksize, listener=listener, result=result, **more
        )  # fmt: skip
        result._cancel = _canceller(self._runner, job)
        self._begin(job, here=here)
        return result

    def _stream(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Any],
        style: int,
        chunksize: int | None,
        ordered: bool,
        buffersize: int | None,
        options: dict[str, Any],
    ) -> StreamJob:
        self._runner.check_open()
        more, task_options = _split(options, ("errors", "progress"))
        listener = _listener(more.pop("progress", None), func)
        job = StreamJob(
            self._runner, func, iterable, style, task_options,
            chunksize=chunksize, listener=listener, ordered=ordered, buffersize=buffersize, **more,
        )  # fmt: skip
        self._begin(job, here=False)
        return job

    def _begin(self, job: ManyJob, *, here: bool) -> None:
        from procession.pool.feed import Pulled

        try:
            job.function()
        except (Exception, SystemExit) as error:  # it does not travel: so all of them have failed
            job.drop_rest(error)
        self._runner.begin(job)
        if isinstance(job.feed, Pulled) and not job.feed.exhausted:
            if here:
                job.feed.pull()  # the caller waits anyway, and its iterator stays in its thread
            else:
                import threading

                threading.Thread(
                    target=job.feed.pull, name=f"procession-feed-{job.number}", daemon=True
                ).start()

    # -- names that multiprocessing's own tests and others use -----------------------------------------

    @property
    def _pool(self) -> Sequence[Any]:
        return [hand.child.process for hand in list(self._runner.engine.hands.values())]  # type: ignore[attr-defined]

    @property
    def _processes(self) -> int:
        return self._runner.workers

    def _repopulate_pool(self) -> None:
        """The pool's thread does that at once, unasked; here those that have begun to leave are waited for."""
        for hand in list(self._runner.engine.hands.values()):
            if hand.why:
                hand.child.wait()

    @property
    def _state(self) -> str:
        if self._runner.state == OPEN:
            return "RUN"
        return "CLOSE" if self._runner.state == CLOSING else "TERMINATE"


class _ForResult:
    """Tells an AsyncResult the outcome of its call."""

    __slots__ = ("_result", "_runner")

    def __init__(self, runner: Runner, result: AsyncResult) -> None:
        self._runner = runner
        self._result = result

    def begin(self) -> bool:
        """Always wanted: a cancel takes the call itself back."""
        return True

    def end(self, success: bool, value: Any) -> None:
        """Pass it on."""
        self._runner.settle(self._result, success, value)


class _Ordered:
    """A call that waits for results of others."""

    def __init__(self, runner: Runner, call: Call, result: AsyncResult, first: list[AsyncResult]) -> None:
        self._runner = runner
        self._call = call
        self._result = result
        self._first = first
        self._begun = False
        result._cancel = self._give_up
        call.expected = True
        runner.expect(1)

    def look(self) -> None:
        """Begin the call if all are there; else look again when the next one has come."""
        for other in self._first:
            if not other.ready():
                other._waiting.call_when(other.ready, self.look)
                return
        with self._runner.engine.lock:
            if self._begun:
                return
            self._begun = True
        try:
            self._go()
        finally:
            self._runner.expect(-1)

    def _go(self) -> None:
        failed = next((other for other in self._first if not other.successful()), None)
        if failed is not None:
            self._result._set(False, failed_before(self._call, failed._value))
            return
        call = self._call
        call.args = tuple(map(_value_of, call.args))
        call.kwds = {key: _value_of(value) for key, value in call.kwds.items()}
        try:
            _begin(self._runner, call, self._result)
        except Exception as error:  # the pool is closed, or broken, by now
            self._result._set(False, error)

    def _give_up(self) -> bool:
        from procession.errors import TaskCancelled

        with self._runner.engine.lock:
            if self._begun:
                return False
            self._begun = True
        words = f"the call was cancelled before it began ({self._call.words()})"
        self._result._set(False, TaskCancelled(words))
        self._runner.expect(-1)
        return True


def _begin(runner: Runner, call: Call, result: AsyncResult) -> None:
    def cancel() -> bool:
        with runner.engine.lock:
            done = job.cancel(call)
        runner.engine.run_later()
        return done

    result._cancel = cancel
    job = runner.call(call)


def _canceller(runner: Runner, job: ManyJob) -> Callable[[], bool]:
    def cancel() -> bool:
        with runner.engine.lock:
            done = job.cancel()
        runner.engine.run_later()
        return done

    return cancel


def _value_of(argument: Any) -> Any:
    return argument._value if isinstance(argument, AsyncResult) else argument


def _split(options: dict[str, Any], names: Iterable[str]) -> tuple[dict[str, Any], TaskOptions]:
    more = {name: options.pop(name) for name in names if name in options}
    more.setdefault("errors", RAISE)
    return more, options_of(options)


def _checked(
    processes: int | None, initializer: object, max_tasks: int | None, max_memory: int | None
) -> int:
    """How many workers; raises what multiprocessing raises for bad arguments."""
    if processes is None:
        processes = len(os.sched_getaffinity(0)) or 1
    if processes < 1:
        raise ValueError("Number of processes must be at least 1")
    if max_tasks is not None and (type(max_tasks) is not int or max_tasks <= 0):
        raise ValueError("maxtasksperchild must be a positive int or None")
    if max_memory is not None and max_memory <= 0:
        raise ValueError(f"maxmemory={max_memory!r}: it must be more than 0 bytes")
    if initializer is not None and not callable(initializer):
        raise TypeError("initializer must be a callable")
    return processes


def _terminate(runner: Runner) -> None:
    runner.terminate()
    runner.join()


def _listener(progress: bool | Callable[[Progress], object] | None, func: object) -> Watched | None:
    return Watched(progress, func) if progress else None
