"""Between fork and exec: from a keeper to the command of a job.

::

    keeper: leader of a session, its terminal the job's pty
    └─ command: a process group of its own in it, the foreground group of that terminal

So the group is not orphaned (its leader has a parent in the same session and another group), and a Ctrl-Z stops it
(setpgid(2), credentials(7)).
"""

from __future__ import annotations

import os
import resource
import signal
import sys

from procession.linux import tty
from procession.linux.keepalive import arm_group, keep_through_exec, parent_is_gone, reopen
from procession.process.tree import VARIABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.jobs.keeper_order import Order
    from procession.jobs.limits import Limits
    from procession.linux.keepalive import Keepalive

_FD_MOST = 1 << 20


class Cannot(Exception):
    """The command could not be started: ``words`` and the exit code that a shell would give."""

    def __init__(self, words: str, code: int) -> None:
        super().__init__(words)
        self.words, self.code = words, code


def become(order: Order, limits: Limits, keepalive: Keepalive, ends: tuple[int, int], report: int) -> None:
    """``ends``: standard input, and output.  Does not return unless exec failed: raises Cannot, OSError.

    ``report``: the write end of a close-on-exec pipe; letters of ``Limits.enter`` go there at once.
    """
    os.close(keepalive.write_fd)
    os.setpgid(0, 0)
    hold = reopen(keepalive.read_fd)
    arm_group(hold)
    if parent_is_gone(hold):  # armed first and looked at second: nobody is left who could keep this job
        os._exit(127)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    if order.spec.pty:
        tty.set_foreground(ends[0], os.getpid())
    letters = limits.enter()
    if letters:
        os.write(report, letters)
    hold = _plumb(*ends, hold, report)
    _conditions(order)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    keep_through_exec(hold)
    _exec(order)


def _plumb(stdin: int, stdout: int, hold: int, report: int) -> int:
    """0, 1, 2; what keeps us to our keeper; nothing else."""
    for fd in range(3):
        os.dup2(stdin if fd == 0 else stdout, fd)
    keep = sorted((hold, report))
    low = 3
    for fd in keep:
        os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, _FD_MOST)
    return hold


def _conditions(order: Order) -> None:
    spec = order.spec
    for signum in range(1, signal.NSIG):
        try:
            if signal.getsignal(signum) is not signal.SIG_DFL:
                signal.signal(signum, signal.SIG_DFL)
        except (OSError, ValueError):
            continue  # SIGKILL, SIGSTOP, and those that the C library keeps for itself
    if spec.files is not None:
        _limit_files(spec.files)
    os.umask(spec.umask)
    if spec.nice:
        try:
            os.setpriority(os.PRIO_PROCESS, 0, spec.nice)
        except OSError as error:
            raise Cannot(f"could not be started at niceness {spec.nice}: {error.strerror}", 126) from None
    try:
        os.chdir(spec.cwd)
    except OSError as error:
        raise Cannot(f"could not be started in {spec.cwd}: {error.strerror}", 126) from None


def _limit_files(count: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = count if hard == resource.RLIM_INFINITY else min(count, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _exec(order: Order) -> None:
    words = ["/bin/sh", "-c", *order.spec.command] if order.spec.shell else list(order.spec.command)
    env = {**order.env, VARIABLE: order.mark}
    sys.stdout = sys.stderr = None  # nothing of ours is written from here on
    name, failed = words[0] if words else "", None
    folders = (
        [""]
        if "/" in name or not name
        else [f"{f or '.'}/" for f in env.get("PATH", "/bin:/usr/bin").split(":")]
    )
    for folder in folders:
        path = folder + name
        try:
            os.execve(path, words, env)
        except OSError as error:
            if error.errno == 8:  # ENOEXEC: a script without #!, which execvp(3) gives to the shell
                os.execve("/bin/sh", ["/bin/sh", path, *words[1:]], env)
            if failed is None or not isinstance(error, (FileNotFoundError, NotADirectoryError)):
                failed = error
        except ValueError as error:  # an "=" in a variable's name
            raise Cannot(f"could not be started: {error}", 126) from None
    assert failed is not None
    if isinstance(failed, (FileNotFoundError, NotADirectoryError)):
        where = "" if "/" in name else " in its PATH"
        raise Cannot(f"could not be started: there is no command {name!r}{where}", 127)
    raise Cannot(f"could not be started: {name}: {failed.strerror}", 126)
