"""Letting ``pn stack`` ask where we are, without any other program: faulthandler by a signal.

::

    pn stack ── SIGRTMAX-3 ──▶ faulthandler, in C, without the GIL ──▶ pipe ──▶ pn stack
                               which reopens our reading end: /proc/PID/fd/N

A memfd whose name holds the two descriptors and the signal is how it is found.  The writing end never blocks: a dump
that nobody reads is cut off.
"""

from __future__ import annotations

import os
import signal

MARK = "pn-stacks"
SIGNAL = signal.SIGRTMAX - 3  # nobody else's, as far as is known; the first ones are the C library's

_offered: tuple[int, int, int] | None = None


def offer() -> bool:
    """From now on this process answers; False where it cannot: no descriptors left, or the signal is taken."""
    global _offered
    import faulthandler

    from procession.linux.memfd import create_memfd

    if _offered is not None:
        return True
    if signal.getsignal(SIGNAL) is not signal.SIG_DFL:
        return False
    made: list[int] = []
    try:
        made += os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        reader, writer = made
        faulthandler.register(SIGNAL, file=writer, all_threads=True, chain=False)
        # Last, so that nobody who finds it sends a signal that would end us.
        made.append(create_memfd(f"{MARK}:{reader}:{writer}:{int(SIGNAL)}", 1))
    except OSError:
        for fd in made:
            os.close(fd)
        return False
    _offered = made[0], made[1], made[2]
    return True
