"""Who takes part.  Adding one is adding a class to ``POOLS``.

Each has as many workers as there are cores usable, and starts them by fork where it has the choice; loky, and
joblib on it, start fresh interpreters, which counts in no row but that of the kills, where theirs is made anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bench.kit.contest import Contestant
from bench.kit.figures import OURS

WORKERS = len(os.sched_getaffinity(0))

Function = Callable[[Any], Any]
Submit = Callable[[Function, Any], Callable[[], Any]]


class Standard(Contestant):
    """multiprocessing.Pool, and the shape that all others have."""

    name = "multiprocessing.Pool"
    module = "multiprocessing"
    lacks: frozenset[str] = frozenset()  # names of the methods below that it cannot serve
    chooses = True  # finds a chunksize by itself; otherwise it is 1
    fewer = 1  # tiny tasks are this many times fewer, for one with a low rate
    survives = True  # goes on, or begins anew by itself, after a worker's death

    def open(self, method: str = "fork") -> Any:
        import multiprocessing

        return multiprocessing.get_context(method).Pool(WORKERS)

    def close(self, pool: Any) -> None:
        pool.terminate()
        pool.join()

    def map(
        self, pool: Any, function: Function, items: Sequence[Any], chunksize: int | None
    ) -> Sequence[Any]:
        results: list[Any] = pool.map(function, items, chunksize)
        return results

    def unordered(self, pool: Any, function: Function, items: Iterable[Any]) -> Iterable[Any]:
        results: Iterable[Any] = pool.imap_unordered(function, items)
        return results

    def call(self, pool: Any, function: Function, argument: Any) -> Any:
        """One task, there and back."""
        return pool.apply(function, (argument,))

    def submitter(self, pool: Any) -> Submit:
        """How a task is handed in; that returns how its result is fetched."""
        return lambda function, argument: pool.apply_async(function, (argument,)).get


class Ours(Standard):
    name = OURS
    module = "procession"

    def open(self, method: str = "fork") -> Any:
        import procession

        return procession.get_context(method).Pool(WORKERS)

    def submitter(self, pool: Any) -> Submit:
        submit = pool.executor().submit
        return lambda function, argument: submit(function, argument).result


class Executor(Standard):
    name = "ProcessPoolExecutor"
    module = "concurrent.futures"
    lacks = frozenset({"unordered"})
    chooses = False
    survives = False

    def open(self, method: str = "fork") -> Any:
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        return ProcessPoolExecutor(WORKERS, multiprocessing.get_context(method))

    def close(self, pool: Any) -> None:
        pool.shutdown()

    def map(
        self, pool: Any, function: Function, items: Sequence[Any], chunksize: int | None
    ) -> Sequence[Any]:
        return list(pool.map(function, items, chunksize=chunksize or 1))

    def call(self, pool: Any, function: Function, argument: Any) -> Any:
        return self.submitter(pool)(function, argument)()

    def submitter(self, pool: Any) -> Submit:
        return lambda function, argument: pool.submit(function, argument).result


class Loky(Executor):
    name = "loky"
    module = "loky"
    package = "loky"

    def open(self, method: str = "fork") -> Any:  # noqa: ARG002 - it warns of fork
        import loky

        return loky.ProcessPoolExecutor(WORKERS)


class Joblib(Standard):
    """Its executor is one for the whole process, and stays between two calls."""

    name = "joblib"
    module = "joblib"
    package = "joblib"
    lacks = frozenset({"submitter"})
    fewer = 10

    def open(self, method: str = "fork") -> Any:  # noqa: ARG002 - loky's own
        import joblib

        return joblib

    def close(self, pool: Any) -> None:  # noqa: ARG002 - one for all
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor().shutdown()

    def map(
        self, pool: Any, function: Function, items: Sequence[Any], chunksize: int | None
    ) -> Sequence[Any]:
        parallel = pool.Parallel(WORKERS, backend="loky", batch_size=chunksize or "auto")
        results: list[Any] = parallel(pool.delayed(function)(item) for item in items)
        return results

    def unordered(self, pool: Any, function: Function, items: Iterable[Any]) -> Iterable[Any]:
        parallel = pool.Parallel(WORKERS, backend="loky", return_as="generator_unordered")
        results: Iterable[Any] = parallel(pool.delayed(function)(item) for item in items)
        return results

    def call(self, pool: Any, function: Function, argument: Any) -> Any:
        return self.map(pool, function, [argument], 1)[0]


class Mpire(Standard):
    name = "mpire"
    module = "mpire"
    package = "mpire"
    fewer = 5
    survives = False

    def open(self, method: str = "fork") -> Any:
        import mpire

        return mpire.WorkerPool(WORKERS, start_method=method, keep_alive=True)

    def close(self, pool: Any) -> None:
        pool.terminate()

    def map(
        self, pool: Any, function: Function, items: Sequence[Any], chunksize: int | None
    ) -> Sequence[Any]:
        results: list[Any] = pool.map(function, items, chunk_size=chunksize, concatenate_numpy_output=False)
        return results

    def call(self, pool: Any, function: Function, argument: Any) -> Any:
        return pool.apply(function, argument)

    def submitter(self, pool: Any) -> Submit:
        return lambda function, argument: pool.apply_async(function, argument).get


class Pebble(Executor):
    name = "pebble"
    module = "pebble"
    package = "pebble"
    survives = True

    def open(self, method: str = "fork") -> Any:
        import multiprocessing

        import pebble

        return pebble.ProcessPool(WORKERS, context=multiprocessing.get_context(method))

    def close(self, pool: Any) -> None:
        pool.stop()
        pool.join()

    def map(
        self, pool: Any, function: Function, items: Sequence[Any], chunksize: int | None
    ) -> Sequence[Any]:
        return list(pool.map(function, items, chunksize=chunksize or 1).result())

    def submitter(self, pool: Any) -> Submit:
        return lambda function, argument: pool.schedule(function, (argument,)).result


POOLS: tuple[Standard, ...] = (Ours(), Standard(), Executor(), Joblib(), Loky(), Mpire(), Pebble())
