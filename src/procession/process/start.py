"""Two ways to start a child: a copy of this process (fork) or a fresh interpreter (spawn).

Both children arm the keepalive pipe first, so that they end with their parent whatever ends it, and
both ignore SIGINT: a Ctrl-C reaches the whole foreground group, but only the parent decides.  Until a
child has got as far as that, signals are held: a KeyboardInterrupt in the first lines of a fork would run
the parent's ``finally`` blocks in the child, and one in a starting interpreter would print a traceback.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import os
import signal
import sys

from procession.linux.keepalive import Keepalive, arm
from procession.process.child import Child

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from typing import Self, TypeVar

    T = TypeVar("T")

FORK = "fork"
SPAWN = "spawn"

# The C function itself: signal.pthread_sigmask makes 64 enumeration members of the mask that it returns.
_set_mask: Callable[[int, Iterable[int]], Collection[int]] = _signal.pthread_sigmask
_EVERY_SIGNAL: Collection[int] = _signal.valid_signals()


class SignalsHeld:
    """No signal handler runs in this thread inside the block; what comes meanwhile runs at its end.

    So no KeyboardInterrupt can part the start of a child from its being written down.  ``before`` is the
    mask of the thread outside, which the children started inside must be given.
    """

    __slots__ = ("before",)

    before: Collection[int]

    def __enter__(self) -> Self:
        self.before = _set_mask(signal.SIG_BLOCK, ())
        try:
            # It runs the handlers of signals that came just before, which may raise: after the blocking.
            _set_mask(signal.SIG_BLOCK, _EVERY_SIGNAL)
        except BaseException:
            _set_mask(signal.SIG_SETMASK, self.before)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        _set_mask(signal.SIG_SETMASK, self.before)


def safe_start_method() -> str:
    """``fork`` while this process has one thread (the reaper does not count), else ``spawn``.

    A fork copies the locks that other threads hold but not the threads that would release them
    (fork(2), CPython issue 84559).
    """
    return FORK if _alone() else SPAWN


def fork() -> int:
    """os.fork.  The reaper, when it is the only other thread, is nothing to warn of (Python 3.12 does)."""
    if len(os.listdir("/proc/self/task")) == 1 or not _alone():
        return os.fork()
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _alone() -> bool:
    reaper = sys.modules.get("procession.process.reaper")  # not loaded: then it has no thread either
    return reaper.is_only_other_thread() if reaper else len(os.listdir("/proc/self/task")) == 1


def fork_child(
    main: Callable[[], None],
    keepalive: Keepalive,
    close: Iterable[int] = (),
    mask: Collection[int] | None = None,
) -> Child:
    """Run ``main`` in a copy of this process; ``close`` names descriptors that are the parent's alone.

    A caller inside ``SignalsHeld`` passes its ``before`` as ``mask``.
    """
    _flush()  # what is still buffered here would be written by the child once more
    close = tuple(close)
    with SignalsHeld() as held:
        pid = fork()
        if pid == 0:
            _live(main, keepalive, close, held.before if mask is None else mask)
        return hold_or_kill(pid, Child)


def _live(
    main: Callable[[], None], keepalive: Keepalive, close: tuple[int, ...], mask: Collection[int]
) -> None:
    code = 1
    try:
        for descriptor in (keepalive.write_fd, *close):
            os.close(descriptor)
        arm(keepalive.read_fd)
        _quiet_signals()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        import gc

        gc.freeze()  # the parent's objects stay on shared pages: the collector never writes to them
        main()
        code = 0
    except BaseException:
        _report()
    finally:
        try:
            _flush()
        finally:
            # Never unwind into the parent's stack: its finally blocks and exit handlers are not ours to run.
            os._exit(code)


def spawn_child(
    entry: str,
    keepalive: Keepalive,
    give: Sequence[int],
    argument: str = "",
    mask: Collection[int] | None = None,
) -> Child:
    """Run ``entry`` ("module:function") in a fresh interpreter.

    The function is called with the argument and the given descriptors, under their new numbers.
    A caller inside ``SignalsHeld`` passes its ``before`` as ``mask``.
    """
    import fcntl

    # dup2 in the child must not hit a source that is still needed: move them all out of the way first.
    above = 3 + 1 + len(give)
    wanted = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, above) for fd in (keepalive.read_fd, *give)]
    try:
        # The folder that holds the package, wherever this interpreter found it.  It leaves the path again
        # at once: it may be full of other packages, and some of them have the names of standard modules.
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        code = (
            f"import sys; sys.path.insert(0, {root!r}); import procession; del sys.path[0]; "
            f"from procession.process.start import _arrive; _arrive({entry!r}, {argument!r}, {len(wanted)})"
        )
        # -P: a file in the current folder must not pass for a standard module.
        argv = [sys.executable, "-P", "-c", code]
        actions = [(os.POSIX_SPAWN_DUP2, fd, 3 + index) for index, fd in enumerate(wanted)]
        with SignalsHeld() as held:
            mask = {*(held.before if mask is None else mask), signal.SIGINT}  # until _arrive ignores it
            pid = os.posix_spawn(sys.executable, argv, os.environ, file_actions=actions, setsigmask=mask)
            return hold_or_kill(pid, Child)
    finally:
        for fd in wanted:
            os.close(fd)


def _arrive(entry: str, argument: str, count: int) -> None:
    """The first words of a spawned child: descriptors 3 to 3+count-1 are what it was given."""
    for descriptor in range(3, 3 + count):
        os.set_inheritable(descriptor, False)
    arm(3)
    _quiet_signals()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    module, _, function = entry.partition(":")
    __import__(module)
    getattr(sys.modules[module], function)(argument, *range(4, 3 + count))


def hold_or_kill(pid: int, hold: Callable[[int], T]) -> T:
    """``hold(pid)``, for a child that has just been made."""
    try:
        return hold(pid)
    except BaseException:
        # No descriptor is left, say.  A child that nobody can watch must not live.
        os.kill(pid, signal.SIGKILL)  # not reaped yet, so the number is still its own
        os.waitpid(pid, 0)
        raise


def _quiet_signals() -> None:
    signal.set_wakeup_fd(-1)  # the parent's: it would be told of our signals
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _report() -> None:
    import traceback

    traceback.print_exc()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, ValueError, OSError):
            continue  # there is none, it is closed, or its reader is gone: nothing of ours to tell here
