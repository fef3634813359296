"""How a process that was interrupted ends its children: in order, none left.

At its exit the standard library terminates children that are daemons and waits for all others.  After a
Ctrl-C that wait would be for ever where a child has not been interrupted too (it ignores SIGINT, or only
the parent was signalled): so they are ended, the last one started first.
"""

# ruff: noqa: SLF001 - the parts of one Process, and what multiprocessing keeps private

from __future__ import annotations

import os
import signal
import sys
import time
from multiprocessing import process as _process
from multiprocessing import util

from procession.process.options import KEEP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

GRACE = 5.0  # seconds between SIGTERM and SIGKILL

_arranged_in = 0  # the pid; a child has forgotten the finalizers of its parent
interrupted = False  # set in a child whose target did not catch the KeyboardInterrupt


def arrange() -> None:
    """See to our children at the exit of this process, before the standard library waits for them."""
    global _arranged_in
    if _arranged_in != os.getpid():
        # Priority 0 comes after the finalizers of pools and managers, who know best how to end theirs.
        util.Finalize(None, _at_exit, exitpriority=0)
        _arranged_in = os.getpid()


def _at_exit() -> None:
    started: set[Any] = _process._children  # type: ignore[attr-defined]
    ours = [child for child in list(started) if hasattr(child, "_options")]
    for child in ours:
        if child._options.orphans == KEEP and child._popen is not None and not child._popen.pending:
            started.discard(child)  # nobody waits for it
    ours = [child for child in ours if child in started]
    for child in ours:
        if child._popen.pending:
            child._popen.parent_is_leaving()
    if interrupted or _died_of_interrupt():
        end_in_order(sorted(ours, key=lambda child: child._identity, reverse=True))


def end_in_order(children: list[Any], grace: float = GRACE) -> None:
    """SIGTERM to each, SIGKILL to those that are still there after ``grace`` seconds."""
    for child in children:
        child._popen.send_signal(signal.SIGTERM, "its parent was interrupted")
        # A stopped process cannot take the SIGTERM.
        child._popen.send_signal(signal.SIGCONT)
    until = time.monotonic() + grace
    for child in children:
        if child._popen.wait(max(until - time.monotonic(), 0)) is None:
            child._popen.send_signal(signal.SIGKILL, "its parent was interrupted")
            child._popen.wait()


def _died_of_interrupt() -> bool:
    """Is an uncaught KeyboardInterrupt the reason of this exit?  (An interactive session goes on after it.)"""
    last = getattr(sys, "last_type", None)
    return last is not None and issubclass(last, KeyboardInterrupt) and not hasattr(sys, "ps1")
