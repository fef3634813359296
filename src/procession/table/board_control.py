"""What ``pn top`` does to processes: signals and priorities, to that process and to no later holder of its pid."""

from __future__ import annotations

import os

from procession.errors import NoSuchProcess
from procession.linux.pidfd import open_pidfd, send_signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from procession.table.record import ProcessRecord

#: those that a person sends, the usual one first
SIGNALS = (
    (15, "TERM", "ask it to end"),
    (9, "KILL", "end it at once; it cannot clean up"),
    (2, "INT", "as Ctrl-C does"),
    (3, "QUIT", "as Ctrl-\\ does: end, with a core dump"),
    (1, "HUP", "terminal gone; many servers read their settings again"),
    (19, "STOP", "suspend it; it cannot refuse"),
    (18, "CONT", "let it go on"),
    (10, "USR1", "of the program's own meaning"),
    (12, "USR2", "of the program's own meaning"),
    (6, "ABRT", "as abort(3) does: end, with a core dump"),
    (28, "WINCH", "the window has another size"),
)


def send(one: ProcessRecord, number: int) -> None:
    """Send a signal to a record's process.  Raises NoSuchProcess, NotPermitted, Unsupported."""
    pidfd = open_pidfd(one.pid)
    try:
        # Opened, then looked at: if the pid has been given on, the descriptor is another's and it shows.
        if not one.is_current():
            raise NoSuchProcess(3, f"pid {one.pid} is gone")
        send_signal(pidfd, number)
    finally:
        os.close(pidfd)


def renice(one: ProcessRecord, nice: int) -> None:
    """Give it (its thread) another nice value, within -20 and 19.  Raises OSError.

    setpriority(2) knows no descriptors: the pid is looked at just before, and held by a pidfd meanwhile only
    against our own children's being reaped.
    """
    if not one.is_current():
        raise NoSuchProcess(3, f"pid {one.pid} is gone")
    os.setpriority(os.PRIO_PROCESS, one.tid, max(-20, min(19, nice)))


def to_all(
    records: Sequence[ProcessRecord], act: Callable[[ProcessRecord], None], done: str
) -> tuple[bool, str]:
    """Do it to each; whether all went well, and in a line what became of it."""
    failed: list[str] = []
    for one in records:
        try:
            act(one)
        except OSError as error:
            failed.append(f"{one.pid}: {error.strerror or error}")
    if failed:
        more = f" and {len(failed) - 2} more" if len(failed) > 2 else ""
        return False, "; ".join(failed[:2]) + more
    return True, f"{done} {records[0].pid}" if len(records) == 1 else f"{done} {len(records)} processes"
