"""Signals to a number of processes, and what became of each, in words."""

from __future__ import annotations

import time

from procession.errors import NoSuchProcess
from procession.records import record as frozen
from procession.table import refusal
from procession.table.columns.printable import printable
from procession.table.held import NOT_PERMITTED, Held, wait_for_all
from procession.table.snapshot import snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    from procession.table.record import ProcessRecord
    from procession.table.source import Source

SIGHUP, SIGKILL, SIGTERM, SIGCONT = 1, 9, 15, 18
KILL_PATIENCE = 5.0  # seconds: a process that waits for a dead disk dies later


@frozen
class Sent:
    """``failed``: why it was not sent, or cannot help; ``remark``: what else is to be said.  Both follow the name."""

    record: ProcessRecord
    failed: str = ""
    remark: str = ""


class Delivery:
    """Holds the processes, so that what is sent later still goes to the same ones.  Close it."""

    def __init__(self, records: Iterable[ProcessRecord]) -> None:
        self.held: list[Held] = []
        self.sent: list[Sent] = []
        for one in records:
            try:
                self.held.append(Held(one))
            except NoSuchProcess:
                self.sent.append(Sent(one, "has ended meanwhile"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for held in self.held:
            held.close()

    def send(self, number: int, value: int | None = None) -> None:
        """To each of them; ``sent`` tells of it."""
        for held in self.held:
            self.sent.append(_send(held, number, value))

    def wait(self, seconds: float | None) -> list[Held]:
        """Until those have ended who took a signal; who still runs then."""
        failed = {each.record.pid for each in self.sent if each.failed}
        return wait_for_all([held for held in self.held if held.record.pid not in failed], seconds)

    def insist(self, grace: float) -> list[Held]:
        """SIGKILL to who still runs after ``grace`` seconds; who still runs after that."""
        left = self.wait(grace)
        for held in left:
            held.send(SIGKILL)
        return wait_for_all(left, KILL_PATIENCE)


def still_there(held: Iterable[Held], number: int, source: Source) -> list[Sent]:
    """Why each of them has not ended."""
    found = []
    for each in held:
        now = None if each.has_ended else record_now(each.record, source)
        if now is not None:
            found.append(Sent(now, refusal.still_there(now, number)))
    return found


def record_now(one: ProcessRecord, source: Source) -> ProcessRecord | None:
    """The same process at this moment; None when it is gone."""
    records = snapshot(pids=(one.pid,), source=source).records
    return (
        records[0]
        if records and records[0].starttime == one.starttime and records[0].state not in "ZX"
        else None
    )


def _send(held: Held, number: int, value: int | None) -> Sent:
    one = held.record
    if number and one.state == "Z" and held.has_ended:  # a Z whose other threads run on is no zombie
        return Sent(one, refusal.zombie(_parent(one)))
    remark = refusal.remark(one, number)  # before: afterwards it may be gone
    try:
        outcome = held.send(number, value)
    except OSError as error:
        return Sent(one, refusal.not_queued(error))
    if outcome:
        return Sent(one, refusal.not_permitted(one) if outcome == NOT_PERMITTED else "has ended meanwhile")
    if one.state == "T" and number in (SIGHUP, SIGTERM) and not held.send(SIGCONT):
        remark = "was stopped, and got SIGCONT too so that it can take the signal"
    return Sent(one, "", remark)


def _parent(one: ProcessRecord) -> refusal.Parent | None:
    records = snapshot(pids=(one.ppid,)).records
    return refusal.Parent(one.ppid, printable(records[0].comm_bytes)) if records else None


def zombies(records: Iterable[ProcessRecord]) -> list[Sent]:
    """Of those the zombies, and what is to be said of them."""
    found = []
    for one in records:
        try:
            with Held(one) as held:
                if one.state == "Z" and held.has_ended:
                    found.append(Sent(one, refusal.zombie(_parent(one))))
        except NoSuchProcess:
            continue
    return found


def until_of(seconds: float) -> float:
    """The moment (monotonic) so many seconds from now."""
    return time.monotonic() + seconds
