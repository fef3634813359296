"""``multiprocessing.context``: what makes our objects for each start method.

A context is the standard library's with other classes in its hands; the default one starts with the
interpreter's own method (fork up to Python 3.13, forkserver since 3.14).
"""

from __future__ import annotations

from procession.ipc.classic import classic, rest_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__: list[str] = []
__getattr__ = rest_of("context")

_theirs = classic("context")
_BaseContext: Any = _theirs.BaseContext
_DefaultContext: Any = _theirs.DefaultContext


def _maker(module: str, name: str) -> Any:
    """A method that makes ``procession.mp.MODULE.NAME`` for its context."""


class BaseContext(_BaseContext):  # type: ignore[misc]
    """Every constructor of the package, as methods."""

    def Manager(self) -> Any:
        """A started SyncManager."""
        from procession.mp.managers import SyncManager

        manager = SyncManager(ctx=self.get_context())
        manager.start()
        return manager

    def Pipe(self, duplex: bool = True) -> Any:
        """Two connections, one for each end; with ``duplex=False`` the first receives and the second sends."""
        from procession.mp.connection import Pipe

        return Pipe(duplex)

    def Lock(self) -> Any:
        """A lock that only its holder may release."""
        from procession.mp.synchronize import Lock

        return Lock(ctx=self.get_context())

    def RLock(self) -> Any:
        """A lock that its holder may take again."""
        from procession.mp.synchronize import RLock

        return RLock(ctx=self.get_context())

    def Condition(self, lock: Any = None) -> Any:
        """A condition variable."""
        from procession.mp.synchronize import Condition

        return Condition(lock, ctx=self.get_context())

    def Semaphore(self, value: int = 1) -> Any:
        """A counter that ``acquire`` takes from, and waits at zero."""
        from procession.mp.synchronize import Semaphore

        return Semaphore(value, ctx=self.get_context())

    def BoundedSemaphore(self, value: int = 1) -> Any:
        """A semaphore that refuses to rise above its first value."""
        from procession.mp.synchronize import BoundedSemaphore

        return BoundedSemaphore(value, ctx=self.get_context())

    def Event(self) -> Any:
        """A flag to wait for."""
        from procession.mp.synchronize import Event

        return Event(ctx=self.get_context())

    def Barrier(self, parties: int, action: Any = None, timeout: float | None = None) -> Any:
        """A meeting point for ``parties`` processes."""
        from procession.mp.synchronize import Barrier

        return Barrier(parties, action, timeout, ctx=self.get_context())

    def Queue(self, maxsize: int = 0) -> Any:
        """A first-in-first-out queue; ``maxsize=0`` has no bound."""
        from procession.mp.queues import Queue

        return Queue(maxsize, ctx=self.get_context())

    def JoinableQueue(self, maxsize: int = 0) -> Any:
        """A queue that counts unfinished items."""
        from procession.mp.queues import JoinableQueue

        return JoinableQueue(maxsize, ctx=self.get_context())

    def SimpleQueue(self) -> Any:
        """A queue with ``put``, ``get`` and ``empty`` only."""
        from procession.mp.queues import SimpleQueue

        return SimpleQueue(ctx=self.get_context())

    def Pool(
        self,
        processes: int | None = None,
        initializer: Any = None,
        initargs: Any = (),
        maxtasksperchild: int | None = None,
    ) -> Any:
        """A pool of worker processes."""
        from procession.mp.pool import Pool

        return Pool(processes, initializer, initargs, maxtasksperchild, context=self.get_context())

    def RawValue(self, typecode_or_type: Any, *args: Any) -> Any:
        """A shared ctypes object without a lock."""
        from procession.mp.sharedctypes import RawValue

        return RawValue(typecode_or_type, *args)

    def RawArray(self, typecode_or_type: Any, size_or_initializer: Any) -> Any:
        """A shared ctypes array without a lock."""
        from procession.mp.sharedctypes import RawArray

        return RawArray(typecode_or_type, size_or_initializer)

    def Value(self, typecode_or_type: Any, *args: Any, lock: Any = True) -> Any:
        """A shared ctypes object with a lock of its own."""
        from procession.mp.sharedctypes import Value

        return Value(typecode_or_type, *args, lock=lock, ctx=self.get_context())

    def Array(self, typecode_or_type: Any, size_or_initializer: Any, *, lock: Any = True) -> Any:
        """A shared ctypes array with a lock of its own."""
        from procession.mp.sharedctypes import Array

        return Array(typecode_or_type, size_or_initializer, lock=lock, ctx=self.get_context())

    def get_context(self, method: str | None = None) -> Any:
        """The context of a start method; without one, this."""
        if method is None:
            return self
        try:
            return _concrete_contexts[method]
        except KeyError:
            raise ValueError(f"cannot find context for {method!r}") from None


class Process(_theirs.Process):  # type: ignore[misc,name-defined]
    """A process, started as the default context says."""

    @staticmethod
    def _Popen(process_obj: Any) -> Any:
        return _default_context.get_context().Process._Popen(process_obj)

    @staticmethod
    def _after_fork() -> Any:
        return _default_context.get_context().Process._after_fork()


ForkProcess = _theirs.ForkProcess
SpawnProcess = _theirs.SpawnProcess
ForkServerProcess = _theirs.ForkServerProcess


class DefaultContext(BaseContext, _DefaultContext):  # type: ignore[misc]
    """The context behind the functions of the package; its method can be set once."""

    Process = Process

    def get_context(self, method: str | None = None) -> Any:
        """The context of ``method``; without one, the chosen one or the interpreter's own."""
        if method is not None:
            return super().get_context(method)
        if self._actual_context is None:
            self._actual_context = self._default_context
        return self._actual_context


class ForkContext(BaseContext):
    """Children are copies of this process."""

    _name = "fork"
    Process = ForkProcess


class SpawnContext(BaseContext):
    """Children are fresh interpreters."""

    _name = "spawn"
    Process = SpawnProcess


class ForkServerContext(BaseContext):
    """Children are copies of a fresh, warm server process."""

    _name = "forkserver"
    Process = ForkServerProcess


_concrete_contexts = {
    context._name: context for context in (ForkContext(), SpawnContext(), ForkServerContext())
}
_default_context = DefaultContext(_concrete_contexts[_theirs._default_context._default_context._name])


def _force_start_method(method: str) -> None:
    _default_context._actual_context = _concrete_contexts[method]
