"""Every error that procession raises, in one tree::

    ProcessionError
    ├─ Unsupported                          the kernel or file system lacks a feature
    ├─ NoSuchProcess    (ProcessLookupError)   ESRCH: the process is gone
    ├─ NotPermitted     (PermissionError)      EPERM: not yours to touch
    ├─ NotOurChild      (ChildProcessError)    ECHILD: only the parent may wait for it
    ├─ ChannelClosed    (EOFError)             the other side of a channel is gone
    ├─ MessageTooLarge                         EMSGSIZE: one packet cannot carry it
    ├─ RemoteError                          an exception elsewhere that did not travel whole
    ├─ ProcessDied                          a process ended without a result
    ├─ NotStarted                           a process that waited for others was never started
    │  └─ DependencyFailed                  because of what became of one of them
    ├─ UnguardedMain    (RuntimeError)         the main module starts processes while children import it
    ├─ PoolError
    │  ├─ WorkerDied                           a worker ended in the middle of a task
    │  ├─ TaskTimeout      (TimeoutError)      a task took longer than it was given; its worker was ended
    │  ├─ TaskCancelled                        the task was given up
    │  ├─ TaskNotBegun     (DependencyFailed)  a result that the task was to follow did not come
    │  └─ CrewBroken                           workers die before they can start any task
    ├─ TaskErrors       (ExceptionGroup)       all that failed of a map, with errors="collect"
    ├─ SupervisorError                         a supervisor cannot do what it was asked, or has given up
    │  ├─ NoSuchChild  (LookupError)           it has no child of that name
    │  ├─ ChildBusy                            the child is running, restarting or there already
    │  ├─ ChildStartFailed                     a child did not start, or did not become ready
    │  └─ RestartLimitReached                  a child was restarted too often
    ├─ JobsError                            the jobs of this user, or one of them, cannot do what was asked
    │  ├─ NoSuchJob    (LookupError)           there is no job of that number or name
    │  └─ DaemonGone   (ConnectionError)       the daemon of the jobs cannot be reached or started
    ├─ ManagerDied      (EOFError, OSErrors)   the process behind a proxy is gone
    └─ CopyError                               a copy that must not begin, or that failed
       ├─ SameFile
       ├─ IntoItself
       └─ CopyFailed                        paths failed and the caller asked for an exception

Each one says which pid, path or task it speaks of and keeps the same facts as attributes.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from procession.copying.report import CopyReport
    from procession.process.exits import Exit


class ProcessionError(Exception):
    """The root: ``except ProcessionError`` catches all that is ours."""


class Unsupported(ProcessionError):
    """The running kernel or file system has no such feature."""

    def __init__(self, feature: str, hint: str = "") -> None:
        super().__init__(f"{feature} is not available here" + (f": {hint}" if hint else ""))
        self.feature = feature
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.feature, self.hint), vars(self)


class NoSuchProcess(ProcessionError, ProcessLookupError):
    """The process has ended (ESRCH)."""


class NotPermitted(ProcessionError, PermissionError):
    """The kernel refuses (EPERM): the process or file belongs to somebody else."""


class NotOurChild(ProcessionError, ChildProcessError):
    """Only a parent may wait for a process (ECHILD)."""


class ChannelClosed(ProcessionError, EOFError):
    """The other side of a channel has closed it or has ended."""


class MessageTooLarge(ProcessionError):
    """The message is larger than one packet of this channel (EMSGSIZE)."""


class RemoteError(ProcessionError):
    """An exception in another process that could not be (un)pickled: its name, words and traceback."""

    def __init__(self, kind: str, words: str, traceback: str) -> None:
        super().__init__(f"{kind}: {words}")
        self.kind = kind
        self.words = words
        self.traceback = traceback

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.kind, self.words, self.traceback), vars(self)


class ProcessDied(ProcessionError):
    """A process ended without a result: it was killed, or left with an exit code of its own.

    ``name`` and ``pid`` say which one, ``exit`` how.
    """

    def __init__(self, name: str, pid: int, exit: Exit) -> None:
        super().__init__(f"process {name} (pid {pid}) {exit.reason}")
        self.name = name
        self.pid = pid
        self.exit = exit

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.name, self.pid, self.exit), vars(self)


class NotStarted(ProcessionError):
    """Process ``name``, which waited for others, was never started; ``why`` says it in words."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"process {name} was not started: {why}")
        self.name = name
        self.why = why

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.name, self.why), vars(self)


class DependencyFailed(NotStarted):
    """Process ``name`` was not started, because of what became of process ``other``.

    ``exit`` is the end of the other one; None when it was never started itself.
    """

    def __init__(self, name: str, other: str, how: str, exit: Exit | None = None) -> None:
        super().__init__(name, f"process {other} {how}")
        self.other = other
        self.how = how
        self.exit = exit

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.name, self.other, self.how, self.exit), vars(self)


class UnguardedMain(ProcessionError, RuntimeError):
    """The main module starts processes while it is imported, which every child has to do again."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} starts a process while it is imported, and every child imports it.\n"
            'Put what starts processes below  if __name__ == "__main__":  or use the start method fork.'
        )
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.path,), vars(self)


class PoolError(ProcessionError):
    """Something went wrong with a task or with the workers."""


class WorkerDied(PoolError):
    """A worker ended in the middle of ``task``; ``doing`` is what it had last noted down."""

    def __init__(self, task: int, pid: int, exit: Exit, doing: str = "") -> None:
        super().__init__(
            f"worker {pid} {exit.reason} in the middle of task {task}" + (f" ({doing})" if doing else "")
        )
        self.task = task
        self.pid = pid
        self.exit = exit
        self.doing = doing

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.task, self.pid, self.exit, self.doing), vars(self)


class TaskTimeout(PoolError, TimeoutError):
    """``task`` took longer than ``timeout`` seconds, so its worker, ``pid``, was ended; ``doing``: what it was."""

    def __init__(self, task: int, pid: int, timeout: float, doing: str = "") -> None:
        words = f"task {task} took longer than {timeout:g} s, and its worker {pid} was ended"
        super().__init__(words + (f" ({doing})" if doing else ""))
        self.task = task
        self.pid = pid
        self.timeout = timeout
        self.doing = doing

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.task, self.pid, self.timeout, self.doing), vars(self)


class TaskCancelled(PoolError):
    """The task was given up, before a worker began it or by ending the worker that was at it."""


class TaskNotBegun(PoolError, DependencyFailed):
    """The task ``name`` was not begun: a result that it was to follow failed, ``how`` says of what."""

    def __init__(self, name: str, other: str, how: str, exit: Exit | None = None) -> None:
        super().__init__(name, other, how, exit)
        self.args = (f"{name} was not begun: {other} {how}",)

    def __str__(self) -> str:
        return str(self.args[0])


class TaskErrors(ProcessionError, ExceptionGroup[Exception]):
    """What failed of a map, in the order of its tasks.

    ``results``: the whole list, with the exceptions in the places of what failed.
    """

    results: list[object]

    def __new__(cls, message: str, errors: Sequence[Exception], results: Sequence[object] = ()) -> Self:
        made = super().__new__(cls, message, errors)
        made.results = list(results)
        return made

    def derive(self, errors: Sequence[Exception]) -> TaskErrors:  # type: ignore[override]
        """Some of them (``split``, ``except*``); the results are the same."""
        return TaskErrors(self.message, errors, self.results)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.message, list(self.exceptions), self.results), vars(self)


class CrewBroken(PoolError):
    """Workers end before they can start a task: starting more would never stop."""


class SupervisorError(ProcessionError):
    """A supervisor cannot do what it was asked, or has given up; as such: it is not running."""


class NoSuchChild(SupervisorError, LookupError):
    """The supervisor has no child of that name."""


class ChildBusy(SupervisorError):
    """The child is running, restarting or there already, and what was asked does not go with that."""


class ChildStartFailed(SupervisorError):
    """``child`` did not start, or did not become ready; ``words`` say why and follow its name."""

    def __init__(self, supervisor: str, child: str, words: str) -> None:
        super().__init__(f"{supervisor}: child {child!r} {words}")
        self.supervisor = supervisor
        self.child = child
        self.words = words

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.supervisor, self.child, self.words), vars(self)


class RestartLimitReached(SupervisorError):
    """A supervisor gave up: one restart more than ``max_restarts`` within ``within`` seconds.

    ``child`` is the one whose end was one too many; ``ends`` tells who ended how in that time, oldest
    first, as pairs of a name and words.
    """

    def __init__(
        self, supervisor: str, child: str, ends: tuple[tuple[str, str], ...], max_restarts: int, within: float
    ) -> None:
        told = "; ".join(f"{name!r} {words}" for name, words in ends[-5:])
        super().__init__(
            f"{supervisor}: gave up on child {child!r}: more than {max_restarts} "
            f"restart{'s' * (max_restarts != 1)} within {within:g} s; last ends: {told}"
        )
        self.supervisor = supervisor
        self.child = child
        self.ends = ends
        self.max_restarts = max_restarts
        self.within = within

    def __reduce__(self) -> tuple[object, ...]:
        args = (self.supervisor, self.child, self.ends, self.max_restarts, self.within)
        return type(self), args, vars(self)


class JobsError(ProcessionError):
    """The jobs of this user, or one of them, cannot do what was asked; the words say which and what to do."""


class NoSuchJob(JobsError, LookupError):
    """There is no job of that number or name."""


class DaemonGone(JobsError, ConnectionError):
    """The daemon of the jobs cannot be reached, or could not be started."""


class ManagerDied(
    ProcessionError,
    EOFError,
    ConnectionResetError,
    BrokenPipeError,
    ConnectionRefusedError,
    FileNotFoundError,
):
    """A manager's process is gone, or nobody serves its address.

    It is each of the errors that the standard library raises there, by accident of the moment.
    """

    def __init__(self, address: object, pid: int | None = None, words: str = "") -> None:
        who = f"the manager at {address!r}" + (f" (pid {pid})" if pid else "")
        super().__init__(f"{who} is gone: {words or 'its connection has ended'}")
        self.address = address
        self.pid = pid
        self.words = words

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.address, self.pid, self.words), vars(self)


class CopyError(ProcessionError):
    """A copy that cannot begin (nothing has been written), or the root of what else can happen to one."""


class SameFile(CopyError):
    """Source and destination are one and the same file or folder."""


class IntoItself(CopyError):
    """The destination lies inside the source: the copy would never end."""


class CopyFailed(CopyError):
    """Some paths were not copied; ``report`` is the CopyReport with their causes."""

    def __init__(self, report: CopyReport) -> None:
        first = report.failed[0]
        super().__init__(f"{len(report.failed)} paths were not copied, first {first.path}: {first.cause}")
        self.report = report

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.report,), vars(self)
