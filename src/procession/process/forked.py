"""Start method ``fork``: the child is a copy of this process at this moment.

Cheap, and what the target needs need not be pickled; but it copies the locks that other threads hold and
not the threads that would release them (fork(2)).  Use it while the process has one thread.
"""

# ruff: noqa: SLF001 - the parts of one Process, and what multiprocessing keeps private

from __future__ import annotations

import os
import signal
from multiprocessing import util

from procession.linux.keepalive import arm
from procession.linux.pidfd import open_pidfd
from procession.process import ending, reaper
from procession.process.bootstrap import Conduct, clear_exit_handlers, leave
from procession.process.handle import Handle, Own
from procession.process.lifeline import lifeline
from procession.process.line import make_line
from procession.process.options import KEEP
from procession.process.start import SignalsHeld, fork, hold_or_kill

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Collection

    from procession.process.process import Process


class Forked(Own):
    """A child made by fork."""

    method = "fork"


def launch(process: Process) -> Handle:
    """Fork, and run the process object in the child."""
    return launch_gated(process, None, process._begun)


def launch_gated(
    process: Process, gate: Callable[[], None] | None, begun: Callable[[Handle], None]
) -> Handle:
    """The same; ``gate`` is called in the child before ``run``, ``begun`` here while signals are held."""
    util._flush_std_streams()  # type: ignore[attr-defined]
    ending.arrange()
    keepalive = lifeline()
    mine, theirs = make_line()
    handle = None
    try:
        with SignalsHeld() as held:
            pid = fork()
            if pid == 0:
                mine.close()
                _live(process, theirs, keepalive.read_fd, held.before, gate)
            pidfd = hold_or_kill(pid, open_pidfd)
            handle = Forked(pid, pidfd, mine, process.name, process._options)
            reaper.watch(handle)
            begun(handle)
            return handle
    finally:
        theirs.close()
        if handle is None:
            mine.close()


def _live(
    process: Process,
    upward: socket.socket,
    read_fd: int,
    mask: Collection[int],
    gate: Callable[[], None] | None,
) -> None:
    """In the child.  Never unwinds into the parent's stack: its finally blocks are not ours to run."""
    conduct = Conduct(process, upward, mask, gate)
    code = 1
    try:
        # The write end was closed by lifeline's at-fork hook.
        sentinel = read_fd if process._options.orphans == KEEP else arm(read_fd)
        signal.set_wakeup_fd(-1)  # the parent's: it would be told of our signals
        clear_exit_handlers()
        _close_strangers(process)
        code = conduct.live(sentinel)
    except BaseException:  # never from ``run``: the standard library has caught that
        import traceback

        traceback.print_exc()
    finally:
        try:
            leave(code, conduct.interrupted)
        finally:
            os._exit(code)


def _close_strangers(process: Process) -> None:
    """Connections that the child was not given: its copies would hide their ends of file."""
    try:
        from procession.ipc.given import close_strangers
    except ImportError:
        return
    close_strangers([process])
