"""One process held by a pidfd that is certainly its own, and signals to it."""

from __future__ import annotations

import os

from procession.errors import NoSuchProcess, NotPermitted
from procession.linux.pidfd import open_pidfd, send_signal, wait_exit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from procession.table.record import ProcessRecord


class Held:
    """A record and its pidfd, to be closed.  Whoever holds it cannot hit a later holder of the pid."""

    __slots__ = ("pidfd", "record")

    def __init__(self, record: ProcessRecord) -> None:
        """Raises NoSuchProcess when the record's process is gone, Unsupported before Linux 5.3."""
        self.record = record
        self.pidfd = open_pidfd(record.pid)
        # Opened, then looked at: had the pid been given on between the record and the open, it would show.
        if not record.is_current():
            self.close()
            raise NoSuchProcess(3, f"pid {record.pid} is gone")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, number: int, value: int | None = None) -> str:
        """Send a signal, with a ``value`` by sigqueue(3); "" when it was taken, else "gone" or "not permitted".

        OSErrors of another kind (EINVAL, EAGAIN: the queue of RLIMIT_SIGPENDING is full) are raised.
        """
        try:
            if value is None:
                send_signal(self.pidfd, number)
            else:
                from procession.linux.sigqueue import queue_signal

                queue_signal(self.pidfd, number, value)
        except NoSuchProcess:
            return GONE
        except NotPermitted:
            return NOT_PERMITTED
        return ""

    @property
    def has_ended(self) -> bool:
        """A zombie has."""
        return wait_exit(self.pidfd, 0)

    def close(self) -> None:
        pidfd, self.pidfd = self.pidfd, -1
        if pidfd >= 0:
            os.close(pidfd)


GONE = "gone"
NOT_PERMITTED = "not permitted"


def wait_for_all(held: list[Held], seconds: float | None, *, any_one: bool = False) -> list[Held]:
    """Those that still run: none once all have ended, or when the time is over (None: never); ``any_one``: return at
    the first end."""
    import select
    import time

    until = None if seconds is None else time.monotonic() + seconds
    poll = select.poll()
    left = {each.pidfd: each for each in held}
    for pidfd in left:
        poll.register(pidfd, select.POLLIN)
    while left:
        rest = None if until is None else min(max(0.0, (until - time.monotonic()) * 1000), 2**31 - 1)
        ready = poll.poll(rest)
        for pidfd, _ in ready:
            poll.unregister(pidfd)
            del left[pidfd]
        if not ready or any_one:
            break
    return list(left.values())
