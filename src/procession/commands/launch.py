"""Start commands so that none can outlive its worker, whatever ends that one.

::

    worker ──┬── guard     leads the process group; sleeps; holds the worker's keepalive pipe for the group
             └── command   joins the group when it is started, so it is never unguarded

The read end of the keepalive pipe is owned by the *group*: when the worker ends, the kernel kills all of it
(linux/keepalive.py).  One guard serves one command after the other.  Without it a command would have to be
forked and armed in Python, 4 ms instead of 1, or armed after posix_spawn(3), and a worker that is killed in
between would leave it behind.
"""

from __future__ import annotations

import os
import select
import signal

from procession.linux.keepalive import arm_group, reopen
from procession.process.lifeline import lifeline
from procession.process.start import fork
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NoReturn

# What a person or a command may send to the whole group.
_DEAF = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_OURS = (signal.SIGPIPE, signal.SIGXFSZ)  # ignored by Python


@record
class Launched:
    """A running command: its pid and the read ends of its output; ``alive`` ends with its last descendant."""

    pid: int
    stdout: int
    stderr: int
    alive: int


class Group:
    """The process group of a worker's commands, of which one runs at a time."""

    def __init__(self) -> None:
        own = reopen(lifeline().read_fd)
        ready, ready_in = os.pipe2(os.O_CLOEXEC)
        try:
            self._guard = fork()
            if self._guard == 0:
                _guard(own, ready, ready_in)
            os.close(ready_in)
            ready_in = -1
            os.read(ready, 1)  # it leads a group now
        finally:
            for fd in (own, ready, ready_in):
                if fd >= 0:
                    os.close(fd)

    def guarded(self) -> bool:
        """Does the guard live?  A command may kill its whole group, and so the guard."""
        return self._guard > 0 and not self._reap(os.WNOHANG)

    def launch(self, argv: tuple[str, ...], defaults: Iterable[int]) -> Launched:
        """Start a command with nothing to read.  Raises OSError of the exec, ValueError (a zero byte).

        ``defaults``: signals that it must not find ignored, besides those of Python.
        """
        out, out_in = os.pipe2(os.O_CLOEXEC)
        err, err_in = os.pipe2(os.O_CLOEXEC)
        alive, alive_in = os.pipe2(os.O_CLOEXEC)
        try:
            os.set_inheritable(alive_in, True)
            pid = os.posix_spawnp(
                argv[0],
                argv,
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, out_in, 1),
                    (os.POSIX_SPAWN_DUP2, err_in, 2),
                ],
                setpgroup=self._guard,
                setsigmask=(),
                setsigdef=(*_OURS, *defaults),
            )
        except BaseException:
            for fd in (out, err, alive):
                os.close(fd)
            raise
        finally:
            for fd in (out_in, err_in, alive_in):
                os.close(fd)
        return Launched(pid, out, err, alive)

    def signal(self, number: int) -> None:
        """Send it to all of the group; the guard is deaf to what can be ignored."""
        if self._guard > 0:
            try:
                os.killpg(self._guard, number)
            except PermissionError:
                pass  # all that is left is another user's

    def kill(self) -> None:
        """Kill all of the group, the guard too: the next command needs a new one."""
        self.signal(signal.SIGKILL)
        if self._guard > 0:
            self._reap(0)

    def _reap(self, flags: int) -> bool:
        pid, _ = os.waitpid(self._guard, flags)
        if pid:
            self._guard = -1  # the number may be another group's by now
        return bool(pid)


def _guard(own: int, ready: int, ready_in: int) -> NoReturn:
    """In the child: lead the group, and sleep until the worker ends."""
    try:
        os.setpgid(0, 0)
        for number in _DEAF:
            signal.signal(number, signal.SIG_IGN)
        arm_group(own)
        os.close(ready)
        os.write(ready_in, b".")
        os.close(ready_in)
        poll = select.poll()
        poll.register(own, 0)
        poll.poll()  # the kernel kills us here, or (``mechanism``) leaves it to us
        os.killpg(0, signal.SIGKILL)
    finally:
        os._exit(1)
