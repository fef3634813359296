"""At the exit of a process: what becomes of its children.

The standard library terminates those that are daemons and waits for all others.  We see to three things
before that: children that may outlive us are left alone, those that wait for one that nobody will ever start
are given up, and after a Ctrl-C all are ended, the last one started first.  (Without the last, the wait
would be for ever where a child was not interrupted too.)  Then the fork server goes.
"""

# ruff: noqa: SLF001 - the parts of one Process, and what multiprocessing keeps private

from __future__ import annotations

import atexit
import signal
import sys
import time
from multiprocessing import process as _process
from multiprocessing import util

from procession.process import reaper
from procession.process.options import KEEP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

GRACE = 5.0  # seconds between SIGTERM and SIGKILL


def arrange() -> None:
    """Be called at exit, before ``multiprocessing.util`` (which moves to the front when a logger is made)."""
    atexit.unregister(_at_exit)
    atexit.register(_at_exit)


def see_to_children(interrupted: bool) -> None:
    """This process is about to end; ``interrupted``: by a Ctrl-C that nobody has caught."""
    if interrupted:
        # Pools and managers know best how to end theirs.
        util._run_finalizers(0)  # type: ignore[attr-defined]
    started: set[Any] = _process._children  # type: ignore[attr-defined]
    ours = [child for child in list(started) if hasattr(child, "_options") and child._popen is not None]
    for child in ours:
        if child._popen.pending:
            child._popen.parent_is_leaving()
        elif child._options.orphans == KEEP:
            started.discard(child)  # nobody waits for it
    if interrupted:
        left = [child for child in ours if child in started]
        end_in_order(sorted(left, key=lambda child: child._identity, reverse=True))


def end_in_order(children: list[Any], grace: float = GRACE) -> None:
    """SIGTERM to each, SIGKILL to those that are still there after ``grace`` seconds."""
    for child in children:
        child._popen.send_signal(signal.SIGTERM, "its parent was interrupted")
        child._popen.send_signal(signal.SIGCONT)  # a stopped process cannot take the SIGTERM
    until = time.monotonic() + grace
    for child in children:
        child._popen.wait(max(until - time.monotonic(), 0))
        if child.is_alive():
            child._popen.send_signal(signal.SIGKILL, "its parent was interrupted")
            child._popen.wait()


def _at_exit() -> None:
    see_to_children(_died_of_interrupt())
    util._exit_function()  # type: ignore[attr-defined]
    served = sys.modules.get("procession.process.served")
    if served is not None:
        served.server.stop()
    reaper.rest()


def _died_of_interrupt() -> bool:
    """Is an uncaught KeyboardInterrupt the reason of this exit?  (An interactive session goes on after it.)"""
    last = getattr(sys, "last_type", None)
    return last is not None and issubclass(last, KeyboardInterrupt) and not hasattr(sys, "ps1")
