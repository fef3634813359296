"""A child of ours, held by its pidfd from the moment it exists."""

from __future__ import annotations

import os

from procession.errors import NoSuchProcess, NotOurChild
from procession.linux import pidfd as _pidfd
from procession.process.exits import UNKNOWN, Exit, exit_of


class Child:
    """A started process.  Only the process that started it may use this object.

    The pidfd keeps signals from ever reaching a stranger that was given the same number, and turns
    readable when the child ends (pidfd_open(2)).
    """

    __slots__ = ("exit", "pid", "pidfd")

    def __init__(self, pid: int) -> None:
        # The child cannot have been reaped yet (only we may do that), so the number is still its own.
        self.pid = pid
        self.pidfd = _pidfd.open_pidfd(pid)
        self.exit: Exit | None = None

    def fileno(self) -> int:
        """The pidfd: readable once the child has ended."""
        return self.pidfd

    def send_signal(self, signum: int) -> None:
        """Send a signal; a child that has ended already is left alone."""
        if self.exit is None:
            try:
                _pidfd.send_signal(self.pidfd, signum)
            except NoSuchProcess:
                return

    def reap(self) -> Exit | None:
        """Collect the exit if there is one; never blocks."""
        if self.exit is None:
            try:
                status = _pidfd.reap(self.pidfd, block=False)
            except NotOurChild:
                # Somebody in this process waits for any child, or SIGCHLD is ignored (wait(2), NOTES).
                self.exit = UNKNOWN
            else:
                self.exit = exit_of(status) if status is not None else None
        return self.exit

    def wait(self, timeout: float | None = None) -> Exit | None:
        """Wait at most ``timeout`` seconds for the end; None when it still runs."""
        if self.exit is None and not _pidfd.wait_exit(self.pidfd, timeout):
            return None
        return self.reap()

    def close(self) -> None:
        """Forget the child.  One that still runs goes on running and is not reaped."""
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1
