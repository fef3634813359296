"""After a keeper was killed: ends what is left of its tree.  A process of its own, forked by the nursery."""

from __future__ import annotations

import os
import signal

from procession.errors import NoSuchProcess, NotPermitted
from procession.linux.cgroup_limits import Group, kill_all, left_behind, members, remove
from procession.linux.pidfd import open_pidfd, send_signal, wait_exit
from procession.linux.prctl import set_process_name
from procession.process.tree import end_marked

_PATIENCE = 5.0  # seconds for one of a control group to die


def sweep(mark: str) -> None:
    """SIGKILL to all that carry ``mark`` or are in its control groups; these go, too."""
    set_process_name("pn-sweeper")
    groups = left_behind(f"-{mark}")
    for group in groups:
        _end_members(group)
    end_marked(mark)
    for group in groups:
        _end_members(group)
        remove(group)


def _end_members(group: Group) -> None:
    kill_all(group)
    for pid in members(group):
        try:
            pidfd = open_pidfd(pid)
        except NoSuchProcess:
            continue
        try:
            if pid in members(group):  # the number has not changed hands
                send_signal(pidfd, signal.SIGKILL)
                wait_exit(pidfd, _PATIENCE)
        except (NoSuchProcess, NotPermitted):
            pass
        finally:
            os.close(pidfd)
