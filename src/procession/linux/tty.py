"""Pseudo-terminals: a pair, its size, its session, its foreground group.  pty(7), ioctl_tty(2), credentials(7).

The *master* is ours, the *slave* is the terminal that programs see.  What is written to the one is read at the other.
"""

from __future__ import annotations

import fcntl
import os
import struct

# asm-generic/ioctls.h: the same numbers on all machines that we run on.
_TIOCSCTTY, _TIOCGPGRP, _TIOCSPGRP, _TIOCSWINSZ, _TIOCGWINSZ = 0x540E, 0x540F, 0x5410, 0x5414, 0x5413
_SIZE = "HHHH"  # struct winsize: rows, columns, and two fields that nobody fills


def open_terminal(rows: int, columns: int) -> tuple[int, int]:
    """A new terminal: (master, slave), both close-on-exec.  Raises OSError (ENOSPC: /proc/sys/kernel/pty/max)."""
    master, slave = os.openpty()
    try:
        set_size(master, rows, columns)
    except BaseException:
        os.close(master)
        os.close(slave)
        raise
    return master, slave


def take_terminal(slave: int) -> None:
    """Make it the terminal of our session, which we must lead and which has none yet (TIOCSCTTY).  Raises OSError."""
    fcntl.ioctl(slave, _TIOCSCTTY, 0)


def set_size(fd: int, rows: int, columns: int) -> None:
    """SIGWINCH to the foreground group if it is another than before.  Raises OSError."""
    fcntl.ioctl(fd, _TIOCSWINSZ, struct.pack(_SIZE, _fits(rows), _fits(columns), 0, 0))


def size_of(fd: int) -> tuple[int, int]:
    """(rows, columns).  Raises OSError."""
    rows, columns, _, _ = struct.unpack(_SIZE, fcntl.ioctl(fd, _TIOCGWINSZ, bytes(8)))
    return rows, columns


def foreground(fd: int) -> int:
    """The number of the foreground process group, 0 if there is none; also of a master (not so tcgetpgrp(3))."""
    try:
        return int(struct.unpack("i", fcntl.ioctl(fd, _TIOCGPGRP, bytes(4)))[0])
    except OSError:
        return 0


def set_foreground(slave: int, group: int) -> None:
    """Who is in the background is stopped by SIGTTOU for this, unless the signal is blocked or ignored."""
    fcntl.ioctl(slave, _TIOCSPGRP, struct.pack("i", group))


def _fits(cells: int) -> int:
    return min(max(cells, 1), 0xFFFF)
