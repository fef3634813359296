"""Two ways to start a child: a copy of this process (fork) or a fresh interpreter (spawn).

Both children arm the keepalive pipe first, so that they end with their parent whatever ends it, and
both ignore SIGINT: a Ctrl-C reaches the whole foreground group, but only the parent decides.
"""

from __future__ import annotations

import os
import sys

from procession.linux.keepalive import Keepalive, arm
from procession.process.child import Child

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

FORK = "fork"
SPAWN = "spawn"


def safe_start_method() -> str:
    """``fork`` while this process has one thread, else ``spawn``.

    A fork copies the locks that other threads hold but not the threads that would release them
    (fork(2), CPython issue 84559).
    """
    return FORK if len(os.listdir("/proc/self/task")) == 1 else SPAWN


def fork_child(main: Callable[[], None], keepalive: Keepalive, close: Iterable[int] = ()) -> Child:
    """Run ``main`` in a copy of this process; ``close`` names descriptors that are the parent's alone."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()  # what is still buffered here would be written by the child once more
    pid = os.fork()
    if pid == 0:
        _live(main, keepalive, tuple(close))
    return Child(pid)


def _live(main: Callable[[], None], keepalive: Keepalive, close: tuple[int, ...]) -> None:
    code = 1
    try:
        for descriptor in (keepalive.write_fd, *close):
            os.close(descriptor)
        arm(keepalive.read_fd)
        _quiet_signals()
        import gc

        gc.freeze()  # the parent's objects stay on shared pages: the collector never writes to them
        main()
        code = 0
    except BaseException:
        _report()
    finally:
        # Never unwind into the parent's stack: its finally blocks and exit handlers are not ours to run.
        os._exit(code)


def spawn_child(entry: str, keepalive: Keepalive, give: Sequence[int], argument: str = "") -> Child:
    """Run ``entry`` ("module:function") in a fresh interpreter.

    The function is called with the argument and the given descriptors, under their new numbers.
    """
    import fcntl

    # dup2 in the child must not hit a source that is still needed: move them all out of the way first.
    wanted = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 64) for fd in (keepalive.read_fd, *give)]
    try:
        # The folder that holds the package, wherever this interpreter found it.
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        code = (
            f"import sys; sys.path.insert(0, {root!r}); from procession.process.start import _arrive; "
            f"_arrive({entry!r}, {argument!r}, {len(wanted)})"
        )
        argv = [sys.executable, "-c", code]
        actions = [(os.POSIX_SPAWN_DUP2, fd, 3 + index) for index, fd in enumerate(wanted)]
        return Child(os.posix_spawn(sys.executable, argv, os.environ, file_actions=actions))
    finally:
        for fd in wanted:
            os.close(fd)


def _arrive(entry: str, argument: str, count: int) -> None:
    """The first words of a spawned child: descriptors 3 to 3+count-1 are what it was given."""
    for descriptor in range(3, 3 + count):
        os.set_inheritable(descriptor, False)
    arm(3)
    _quiet_signals()
    module, _, function = entry.partition(":")
    __import__(module)
    getattr(sys.modules[module], function)(argument, *range(4, 3 + count))


def _quiet_signals() -> None:
    import signal

    signal.set_wakeup_fd(-1)  # the parent's: it would be told of our signals
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _report() -> None:
    import traceback

    traceback.print_exc()
    sys.stderr.flush()
