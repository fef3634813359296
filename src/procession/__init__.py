"""Processes on Linux: see them, control them, create them.

The public names are listed here and live below; each is loaded when it is first used (PEP 562), so that
``import procession`` costs nothing::

    from procession import Process, Queue

    queue = Queue()
    Process(target=work, args=(queue,)).start()

    from procession import copy

    report = copy("photos", "/mnt/backup")

``procession.mp`` has the names of ``multiprocessing`` in the places of ``multiprocessing``.
"""

from __future__ import annotations

from procession._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.copying.api import copy as copy
    from procession.copying.report import CopyReport as CopyReport
    from procession.errors import ChannelClosed as ChannelClosed
    from procession.errors import ChildBusy as ChildBusy
    from procession.errors import ChildStartFailed as ChildStartFailed
    from procession.errors import CopyError as CopyError
    from procession.errors import CopyFailed as CopyFailed
    from procession.errors import CrewBroken as CrewBroken
    from procession.errors import DaemonGone as DaemonGone
    from procession.errors import DependencyFailed as DependencyFailed
    from procession.errors import IntoItself as IntoItself
    from procession.errors import JobsError as JobsError
    from procession.errors import ManagerDied as ManagerDied
    from procession.errors import MessageTooLarge as MessageTooLarge
    from procession.errors import NoSuchChild as NoSuchChild
    from procession.errors import NoSuchJob as NoSuchJob
    from procession.errors import NoSuchProcess as NoSuchProcess
    from procession.errors import NotOurChild as NotOurChild
    from procession.errors import NotPermitted as NotPermitted
    from procession.errors import NotStarted as NotStarted
    from procession.errors import PoolError as PoolError
    from procession.errors import ProcessDied as ProcessDied
    from procession.errors import ProcessionError as ProcessionError
    from procession.errors import RemoteError as RemoteError
    from procession.errors import RestartLimitReached as RestartLimitReached
    from procession.errors import SameFile as SameFile
    from procession.errors import SupervisorError as SupervisorError
    from procession.errors import TaskCancelled as TaskCancelled
    from procession.errors import TaskErrors as TaskErrors
    from procession.errors import TaskNotBegun as TaskNotBegun
    from procession.errors import TaskTimeout as TaskTimeout
    from procession.errors import UnguardedMain as UnguardedMain
    from procession.errors import Unsupported as Unsupported
    from procession.errors import WorkerDied as WorkerDied
    from procession.ipc.connection import Client as Client
    from procession.ipc.connection import Connection as Connection
    from procession.ipc.connection import Listener as Listener
    from procession.ipc.connection import Pipe as Pipe
    from procession.ipc.connection import wait as wait
    from procession.ipc.locks import Barrier as Barrier
    from procession.ipc.locks import BoundedSemaphore as BoundedSemaphore
    from procession.ipc.locks import Condition as Condition
    from procession.ipc.locks import Event as Event
    from procession.ipc.locks import Lock as Lock
    from procession.ipc.locks import RLock as RLock
    from procession.ipc.locks import Semaphore as Semaphore
    from procession.ipc.queues import JoinableQueue as JoinableQueue
    from procession.ipc.queues import Queue as Queue
    from procession.ipc.queues import SimpleQueue as SimpleQueue
    from procession.ipc.shared_array import SharedArray as SharedArray
    from procession.ipc.shared_memory import ShareableList as ShareableList
    from procession.ipc.shared_memory import SharedMemory as SharedMemory
    from procession.ipc.sharedctypes import Array as Array
    from procession.ipc.sharedctypes import RawArray as RawArray
    from procession.ipc.sharedctypes import RawValue as RawValue
    from procession.ipc.sharedctypes import Value as Value
    from procession.mp.root import Manager as Manager
    from procession.mp.root import get_context as get_context
    from procession.pool.here import PoolWorker as PoolWorker
    from procession.pool.here import current_worker as current_worker
    from procession.pool.pool import Pool as Pool
    from procession.pool.results import AsyncResult as AsyncResult
    from procession.process.childspec import Backoff as Backoff
    from procession.process.childspec import ChildSpec as ChildSpec
    from procession.process.context import active_children as active_children
    from procession.process.context import cpu_count as cpu_count
    from procession.process.context import current_process as current_process
    from procession.process.context import freeze_support as freeze_support
    from procession.process.context import get_all_start_methods as get_all_start_methods
    from procession.process.context import get_start_method as get_start_method
    from procession.process.context import parent_process as parent_process
    from procession.process.context import set_forkserver_preload as set_forkserver_preload
    from procession.process.context import set_start_method as set_start_method
    from procession.process.exits import Exit as Exit
    from procession.process.options import Limits as Limits
    from procession.process.process import Process as Process
    from procession.process.stats import ProcessStats as ProcessStats
    from procession.process.supervisor import Supervisor as Supervisor
    from procession.process.supervisor import ready as ready
    from procession.process.supervisor_loop import Happening as Happening
    from procession.table.api import machine as machine
    from procession.table.api import processes as processes

__all__ = [
    "Array",
    "AsyncResult",
    "Backoff",
    "Barrier",
    "BoundedSemaphore",
    "ChannelClosed",
    "ChildBusy",
    "ChildSpec",
    "ChildStartFailed",
    "Client",
    "Condition",
    "Connection",
    "CopyError",
    "CopyFailed",
    "CopyReport",
    "CrewBroken",
    "DaemonGone",
    "DependencyFailed",
    "Event",
    "Exit",
    "Happening",
    "IntoItself",
    "JobsError",
    "JoinableQueue",
    "Limits",
    "Listener",
    "Lock",
    "Manager",
    "ManagerDied",
    "MessageTooLarge",
    "NoSuchChild",
    "NoSuchJob",
    "NoSuchProcess",
    "NotOurChild",
    "NotPermitted",
    "NotStarted",
    "Pipe",
    "Pool",
    "PoolError",
    "PoolWorker",
    "Process",
    "ProcessDied",
    "ProcessStats",
    "ProcessionError",
    "Queue",
    "RLock",
    "RawArray",
    "RawValue",
    "RemoteError",
    "RestartLimitReached",
    "SameFile",
    "Semaphore",
    "ShareableList",
    "SharedArray",
    "SharedMemory",
    "SimpleQueue",
    "Supervisor",
    "SupervisorError",
    "TaskCancelled",
    "TaskErrors",
    "TaskNotBegun",
    "TaskTimeout",
    "UnguardedMain",
    "Unsupported",
    "Value",
    "WorkerDied",
    "__version__",
    "active_children",
    "copy",
    "cpu_count",
    "current_process",
    "current_worker",
    "freeze_support",
    "get_all_start_methods",
    "get_context",
    "get_start_method",
    "machine",
    "parent_process",
    "processes",
    "ready",
    "set_forkserver_preload",
    "set_start_method",
    "wait",
]

# Where a public name lives; one that is not listed here is an error class.
_HOME = {
    "copy": "procession.copying.api",
    "CopyReport": "procession.copying.report",
    "Process": "procession.process.process",
    "Limits": "procession.process.options",
    "Exit": "procession.process.exits",
    "ProcessStats": "procession.process.stats",
    "Supervisor": "procession.process.supervisor",
    "ready": "procession.process.supervisor",
    "ChildSpec": "procession.process.childspec",
    "Queue": "procession.ipc.queues",
    "SimpleQueue": "procession.ipc.queues",
    "JoinableQueue": "procession.ipc.queues",
    "Pipe": "procession.ipc.connection",
    "Connection": "procession.ipc.connection",
    "Listener": "procession.ipc.connection",
    "Client": "procession.ipc.connection",
    "wait": "procession.ipc.connection",
    "Lock": "procession.ipc.locks",
    "RLock": "procession.ipc.locks",
    "Semaphore": "procession.ipc.locks",
    "BoundedSemaphore": "procession.ipc.locks",
    "Condition": "procession.ipc.locks",
    "Event": "procession.ipc.locks",
    "Barrier": "procession.ipc.locks",
    "Value": "procession.ipc.sharedctypes",
    "Array": "procession.ipc.sharedctypes",
    "RawValue": "procession.ipc.sharedctypes",
    "RawArray": "procession.ipc.sharedctypes",
    "SharedArray": "procession.ipc.shared_array",
    "SharedMemory": "procession.ipc.shared_memory",
    "ShareableList": "procession.ipc.shared_memory",
    "active_children": "procession.process.context",
    "current_process": "procession.process.context",
    "parent_process": "procession.process.context",
    "cpu_count": "procession.process.context",
    "freeze_support": "procession.process.context",
    "get_all_start_methods": "procession.process.context",
    "get_start_method": "procession.process.context",
    "set_start_method": "procession.process.context",
    "set_forkserver_preload": "procession.process.context",
    "get_context": "procession.mp.root",
    "Manager": "procession.mp.root",
    "Pool": "procession.pool.pool",
    "AsyncResult": "procession.pool.results",
    "PoolWorker": "procession.pool.here",
    "current_worker": "procession.pool.here",
    "Backoff": "procession.process.childspec",
    "Happening": "procession.process.supervisor_loop",
    "machine": "procession.table.api",
    "processes": "procession.table.api",
}


if not TYPE_CHECKING:  # a type checker knows the names above and no others

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(_HOME.get(name, "procession.errors")), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
