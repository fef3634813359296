"""How a process that is not our child has ended, as far as the kernel tells."""

from __future__ import annotations

import select

from procession.linux.pidfd import Status, exit_info
from procession.process.exits import exit_of
from procession.table.snapshot import snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.held import Held
    from procession.table.source import Source

_REAPING = 0.5  # seconds that a parent is given to collect its child, before the zombie itself is asked
_EXIT_CODE = 49  # field 52 of proc_pid_stat(5), less 3


def how_ended(held: Held, source: Source) -> str:
    """Words that follow its name.  Call it when it has ended.

    The status is the parent's.  Since Linux 6.15 a pidfd tells it to anybody once the parent has collected it; as long
    as it is a zombie, its stat line tells it to those who may trace it (the same user, root).
    """
    poll = select.poll()
    poll.register(held.pidfd, 0)  # POLLHUP alone, which comes when it is collected (since Linux 6.9)
    poll.poll(_REAPING * 1000)
    status = exit_info(held.record.pid, held.pidfd) or _of_zombie(held, source)
    return exit_of(status).reason if status is not None else "has ended; how is known to its parent only"


def _of_zombie(held: Held, source: Source) -> Status | None:
    import os

    records = snapshot(pids=(held.record.pid,), source=source).records
    if not records or records[0].starttime != held.record.starttime or records[0].state != "Z":
        return None
    one = records[0]
    if os.geteuid() not in (0, one.uids[1]):
        return None  # it would read 0
    status = int(one.fields[_EXIT_CODE])
    if os.WIFSIGNALED(status):
        return Status(one.pid, None, os.WTERMSIG(status), os.WCOREDUMP(status))
    return Status(one.pid, os.WEXITSTATUS(status), None)
