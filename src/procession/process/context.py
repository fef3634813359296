"""Contexts: the names of ``multiprocessing`` bound to a start method.

``default_context`` is that of ``from procession import Process, Queue, ...``; its method is forkserver until
``set_start_method`` says otherwise.  Another face (``procession.mp``) makes a ``DefaultContext`` of its own.

What lives on a higher floor is handed in: ``factories["Manager"]`` is called with the context, and
``factories["Pool"]`` with that as the keyword ``context``.
"""

# ruff: noqa: SLF001 - the parts of one Process, and what multiprocessing keeps private

from __future__ import annotations

from multiprocessing.context import BaseContext

from procession.process.process import ForkProcess, ForkServerProcess, Process, SpawnProcess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

METHODS = ("fork", "spawn", "forkserver")

factories: dict[str, Callable[..., Any]] = {}
_defaults: dict[str, DefaultContext] = {}  # by name: their methods go with every child
_adopted: dict[str, str] = {}  # what a parent has chosen, for those that are made later


class Context(BaseContext):
    """What all contexts have.  Locks, queues and the like are ours and fit every start method."""

    Process: type[Process]
    _name: str

    def Manager(self) -> Any:  # noqa: N802
        """A started manager: a process that holds objects for others."""
        if "Manager" in factories:
            return factories["Manager"](self.get_context())
        from multiprocessing.managers import SyncManager

        manager = SyncManager(ctx=self.get_context())
        manager.start()
        return manager

    def Pool(  # noqa: N802
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
        **options: Any,
    ) -> Any:
        """A pool of worker processes; ``options``: those of procession's own Pool."""
        pool: Any = factories.get("Pool")
        if pool is None:
            from multiprocessing.pool import Pool

            pool = Pool
        return pool(processes, initializer, initargs, maxtasksperchild, context=self.get_context(), **options)

    def Pipe(self, duplex: bool = True) -> Any:  # noqa: N802
        """Two connected ends."""
        from procession.ipc.connection import Pipe

        return Pipe(duplex)

    def Lock(self) -> Any:  # noqa: N802
        """A lock that outlives its holder."""
        from procession.ipc.locks import Lock

        return Lock(ctx=self.get_context())

    def RLock(self) -> Any:  # noqa: N802
        """The same, for the same process and thread again and again."""
        from procession.ipc.locks import RLock

        return RLock(ctx=self.get_context())

    def Condition(self, lock: Any = None) -> Any:  # noqa: N802
        """A condition variable."""
        from procession.ipc.locks import Condition

        return Condition(lock, ctx=self.get_context())

    def Semaphore(self, value: int = 1) -> Any:  # noqa: N802
        """A semaphore."""
        from procession.ipc.locks import Semaphore

        return Semaphore(value, ctx=self.get_context())

    def BoundedSemaphore(self, value: int = 1) -> Any:  # noqa: N802
        """A semaphore that is never released too often."""
        from procession.ipc.locks import BoundedSemaphore

        return BoundedSemaphore(value, ctx=self.get_context())

    def Event(self) -> Any:  # noqa: N802
        """An event."""
        from procession.ipc.locks import Event

        return Event(ctx=self.get_context())

    def Barrier(  # noqa: N802
        self, parties: int, action: Callable[[], object] | None = None, timeout: float | None = None
    ) -> Any:
        """A barrier."""
        from procession.ipc.locks import Barrier

        return Barrier(parties, action, timeout, ctx=self.get_context())

    def Queue(self, maxsize: int = 0) -> Any:  # noqa: N802
        """A queue."""
        from procession.ipc.queues import Queue

        return Queue(maxsize, ctx=self.get_context())

    def JoinableQueue(self, maxsize: int = 0) -> Any:  # noqa: N802
        """A queue that counts what has been done."""
        from procession.ipc.queues import JoinableQueue

        return JoinableQueue(maxsize, ctx=self.get_context())

    def SimpleQueue(self) -> Any:  # noqa: N802
        """A queue with fewer words."""
        from procession.ipc.queues import SimpleQueue

        return SimpleQueue(ctx=self.get_context())

    def RawValue(self, typecode_or_type: Any, *args: Any) -> Any:  # noqa: N802
        """A shared ctypes object without a lock."""
        from procession.ipc.sharedctypes import RawValue

        return RawValue(typecode_or_type, *args)

    def RawArray(self, typecode_or_type: Any, size_or_initializer: Any) -> Any:  # noqa: N802
        """A shared ctypes array without a lock."""
        from procession.ipc.sharedctypes import RawArray

        return RawArray(typecode_or_type, size_or_initializer)

    def Value(self, typecode_or_type: Any, *args: Any, lock: Any = True) -> Any:  # noqa: N802
        """A shared ctypes object."""
        from procession.ipc.sharedctypes import Value

        return Value(typecode_or_type, *args, lock=lock, ctx=self.get_context())

    def Array(self, typecode_or_type: Any, size_or_initializer: Any, *, lock: Any = True) -> Any:  # noqa: N802
        """A shared ctypes array."""
        from procession.ipc.sharedctypes import Array

        return Array(typecode_or_type, size_or_initializer, lock=lock, ctx=self.get_context())

    def SharedArray(self, *args: Any, **kwargs: Any) -> Any:  # noqa: N802
        """A shared numpy array."""
        from procession.ipc.shared_array import SharedArray

        return SharedArray(*args, **kwargs)

    def freeze_support(self) -> None:
        """Nothing: a frozen executable is a matter of Windows."""

    def set_forkserver_preload(self, module_names: list[str]) -> None:
        """Modules that the fork server imports before it makes children; for servers started from now on."""
        from procession.process.served import server

        server.set_forkserver_preload(module_names)

    def get_context(self, method: str | None = None) -> Any:
        """This context, or the one of a start method; raises ValueError."""
        if method is None:
            return self
        return concrete(method)

    def get_start_method(self, allow_none: bool = False) -> Any:  # noqa: ARG002
        """The start method of this context."""
        return self._name

    def set_start_method(self, method: str | None, force: bool = False) -> None:  # noqa: ARG002
        """Only a default context can change."""
        raise ValueError("cannot set start method of concrete context")


class ForkContext(Context):
    """Everything by fork."""

    _name = "fork"
    Process = ForkProcess


class SpawnContext(Context):
    """Everything by spawn."""

    _name = "spawn"
    Process = SpawnProcess


class ForkServerContext(Context):
    """Everything by the fork server."""

    _name = "forkserver"
    Process = ForkServerProcess


class DefaultContext(Context):
    """A context whose start method is chosen once, at the latest when it is first needed."""

    def __init__(self, name: str, method: str, process: type[Process]) -> None:
        """``name`` is the same in parent and children; ``process`` a class whose ``_defaults()`` is this."""
        self.Process = process
        self._default_method = method
        self._actual_context: Any = None
        _defaults[name] = self
        if name in _adopted:
            self.set_start_method(_adopted[name], force=True)

    def get_context(self, method: str | None = None) -> Any:
        """The context of a start method; without one, of the method chosen."""
        if method is not None:
            return concrete(method)
        if self._actual_context is None:
            self._actual_context = concrete(self._default_method)
        return self._actual_context

    def set_start_method(self, method: str | None, force: bool = False) -> None:
        """Choose; a second time only with ``force``.  None with ``force``: not chosen yet."""
        if self._actual_context is not None and not force:
            raise RuntimeError("context has already been set")
        self._actual_context = None if method is None and force else self.get_context(method)

    def get_start_method(self, allow_none: bool = False) -> Any:
        """The method chosen; with ``allow_none`` None when none has been."""
        if self._actual_context is None and allow_none:
            return None
        return str(self.get_context()._name)

    def get_all_start_methods(self) -> list[str]:
        """The default first."""
        others = [method for method in METHODS if method != self._default_method]
        return [self._default_method, *others]


_concrete = {"fork": ForkContext(), "spawn": SpawnContext(), "forkserver": ForkServerContext()}


def concrete(method: str) -> Context:
    """The context of a start method; raises ValueError."""
    try:
        return _concrete[method]
    except KeyError:
        raise ValueError(f"cannot find context for {method!r}") from None


def chosen(method: str | None) -> dict[str, str]:
    """The methods of all default contexts, for a child; ``method``: the one that the child is made by."""
    found = {name: method or context.get_start_method(allow_none=True) for name, context in _defaults.items()}
    return {name: value for name, value in found.items() if value is not None}


def adopt(methods: dict[str, str]) -> None:
    """In a child: choose what the parent has chosen."""
    for name, method in methods.items():
        _adopted[name] = method
        if name in _defaults:
            _defaults[name].set_start_method(method, force=True)


default_context = DefaultContext("procession", "forkserver", Process)

current_process = default_context.current_process
parent_process = default_context.parent_process
active_children = default_context.active_children
cpu_count = default_context.cpu_count
get_context = default_context.get_context
get_start_method = default_context.get_start_method
set_start_method = default_context.set_start_method
get_all_start_methods = default_context.get_all_start_methods
set_forkserver_preload = default_context.set_forkserver_preload
set_executable = default_context.set_executable
freeze_support = default_context.freeze_support
get_logger = default_context.get_logger
log_to_stderr = default_context.log_to_stderr
