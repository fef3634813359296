"""Staying until a signal ends it, for children with handlers in Python."""

from __future__ import annotations

import os
import signal
from typing import NoReturn


def stay_for_signals() -> NoReturn:
    """Handlers run for every signal.  Not so with signal.pause(): one that comes between the last look at the flags
    and pause(2) is noted, and then pause(2) waits for another."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    while True:
        # It runs handlers that are due.  By itself Python 3.13.0 does not in a child that a thread has forked, unless
        # the signal interrupts a system call (seen with a supervisor, whose thread forks).
        signal.pthread_sigmask(signal.SIG_BLOCK, ())
        os.read(reader, 4096)
