"""News of workers: what they send, and their ends.  Every task that one had gets its outcome, or goes back."""

from __future__ import annotations

import errno
import os
import time

from procession.errors import ChannelClosed, CrewBroken, TaskCancelled, WorkerDied
from procession.ipc import carry
from procession.ipc.faults import unpack_error
from procession.pool.messages import (
    DONTWAIT,
    LANDED,
    READY,
    REFUSED,
    SPILLED,
    receive,
)
from procession.pool.page import ELSEWHERE, ERROR, VALUE
from procession.pool.reclaim import Reclaim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.pool.hand import Hand
    from procession.pool.messages import Packet
    from procession.pool.schedule import Flight, Stretch
    from procession.process.exits import Exit

# Workers that end one after another before they can begin: then we give up.
STILLBORN_MAX = 3
SHOT_MAX = 10  # the same for those killed by a signal, which may have come from outside
DEAF = 1.0  # seconds to live for a worker whose channel has ended


class Ends(Reclaim):
    """The part of the engine that settles."""

    def hear(self, hand: Hand) -> bool:
        """Take one message of a worker; False when its channel has ended, or has nothing."""
        if hand.full:
            hand.full = False
            self.listen(hand)
        try:
            packet = receive(hand.sock, DONTWAIT)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno != errno.EMFILE:
                raise
            return True  # a spilled outcome, lost: see ``_opened``
        except ChannelClosed:
            # A worker without a channel is of no use.  One that is ending already keeps its own exit.
            if hand.pid in self.hands:
                self._forget(hand.sock.fileno())
            hand.doomed = time.monotonic() + DEAF
            return False
        kind = packet.head.kind
        if kind == LANDED:
            self._on_landed(hand, packet)
        elif kind == READY:
            hand.ready = True
            self.schedule.ready(hand.pid)
            for flight in self.schedule.flights[hand.pid]:
                flight.sent = time.monotonic()  # its start is not the fault of its tasks
            for flight in list(self.schedule.flights[hand.pid])[:1]:
                self._mind(hand, flight)
        elif kind == SPILLED:
            hand.spilled.setdefault(packet.head.number, {})[packet.head.count] = packet
        elif kind == REFUSED:
            self._on_refused(hand, packet)
        return True

    def _on_event(self, descriptor: int) -> None:
        if self._bell is not None and descriptor == self._bell.fd:
            try:
                os.eventfd_read(descriptor)
            except BlockingIOError:
                pass
            return
        if descriptor in self._watched:
            self.later(self._watched[descriptor])
            return
        hand = self._by_descriptor.get(descriptor)
        if hand is None:
            return  # retired earlier in this very round of events
        if descriptor == hand.child.pidfd:
            self._on_exit(hand)
        elif not hand.borrowed:  # else this event is from before, and the message is for the borrower
            self.hear(hand)

    def _on_landed(self, hand: Hand, packet: Packet) -> None:
        head = packet.head
        hand.proven = True
        self._stillborn = 0
        hand.deadline = None
        hand.tasks += head.count
        hand.busy += head.seconds
        condemned = self._spared(hand, packet)
        flight = self.schedule.landed(hand.pid, head.number, head.count, head.seconds)
        hand.given -= flight.own - head.count
        self._settle(hand, flight, head.count)
        if condemned is not None:
            self.failed += 1
            flight.stretch.job.lost(flight.stretch, head.count, condemned, b"")
        self._drop_over()
        if self.stopping:
            self._drop_backlog()
        self.on_landed(hand, flight, packet)
        if hand.pid not in self.hands:
            return  # a job's answer to its outcome was to end the crew
        flights = self.schedule.flights[hand.pid]
        hand.overdue = None
        if flights:
            self._mind(hand, flights[0])

    def _spared(self, hand: Hand, packet: Packet) -> BaseException | None:
        """We have killed this worker for a task that it had claimed and did not begin: what that has failed of.

        It does not go to anybody else.
        """
        flight, verdict, done = self.schedule.flights[hand.pid][0], hand.verdict, packet.head.count
        if verdict is None or verdict[:2] != (flight.number, done) or done >= flight.own:
            return None
        flight.own = done
        return verdict[2]

    def _on_refused(self, hand: Hand, packet: Packet) -> None:
        error = unpack_error(packet.data)  # type: ignore[arg-type]
        hand.why = hand.why or "its initializer failed"
        if self.broken is None:
            self.broken = CrewBroken(
                f"the initializer failed in worker {hand.pid}: {type(error).__name__}: {error}"
            )
            self.broken.__cause__ = error

    def _on_exit(self, hand: Hand) -> None:
        # Whatever it said before it died still counts.  The channel may end twice: if there was a flight that
        # it had not read, the first recv is a reset, before all messages (sock_error in unix_dgram_recvmsg).
        while hand.pid in self.hands and self.hear(hand):
            pass
        exit_ = hand.child.reap() if hand.pid in self.hands else None
        if exit_ is None:
            return
        flights = self.schedule.flights[hand.pid]
        oldest = flights[0] if flights else None
        begun, mark, claimed = False, 0, 0
        if oldest is not None:
            page = hand.page
            begun, mark, claimed = (
                page.has_begun(oldest.number),
                page.mark(oldest.number),
                page.claim(oldest.number),
            )
            # Sent, and no room left to mark it: it counts all the same.
            mark += mark in hand.spilled.get(oldest.number, ())
        note = hand.page.read_note()
        wreck = self.schedule.died(hand.pid, begun=begun, done=mark, claimed=claimed)
        if wreck is not None:
            hand.tasks += wreck.done
            self._settle(hand, wreck.flight, wreck.done)
            if wreck.lost is not None:
                self._lose(hand, wreck.flight, wreck.lost, exit_, note)
        if wreck is not None and (wreck.lost is not None or wreck.done):
            self._stillborn = 0
        elif not hand.proven and (oldest is not None or not hand.ready) and not hand.why:
            self._count_stillborn(hand, exit_)
        self._drop_over()
        if hand.pid in self.hands:  # a job's answer to its outcome may have been to end the crew
            self.retire(hand, exit_)

    def _lose(self, hand: Hand, flight: Flight, index: int, exit_: Exit, note: bytes) -> None:
        stretch = flight.stretch
        error: BaseException
        if hand.verdict is not None and hand.verdict[:2] == (flight.number, index):
            error = hand.verdict[2]
        elif self.ending:
            error = TaskCancelled(f"task {stretch.first + index} was cancelled: the pool was terminated")
        else:
            error = WorkerDied(
                stretch.first + index, hand.pid, exit_, note.decode("utf-8", "backslashreplace")
            )
        self.failed += 1
        stretch.job.lost(stretch, index, error, note)

    def _settle(self, hand: Hand, flight: Flight, done: int) -> None:
        """Deliver the outcomes of a flight that is over, as far as they have not been yet."""
        entries = hand.page.read_journal(flight.number)
        alike = done == len(entries) and hand.page.is_alike(flight.number)
        self._deliver(flight, entries, done, hand.spilled.pop(flight.number, None), alike=alike)

    def _harvest(self, hand: Hand) -> None:
        """Deliver what a flight that is under way has done so far."""
        flight = self.schedule.flights[hand.pid][0]
        entries = hand.page.read_journal(flight.number)
        spilled = hand.spilled.get(flight.number, {})
        done = len(entries)
        for at in range(flight.delivered, done):
            if entries[at] == (ELSEWHERE, b"") and at not in spilled:
                done = at  # it is still in the channel
                break
        self._deliver(flight, entries, done, spilled)

    def _deliver(
        self,
        flight: Flight,
        entries: list[Any],
        done: int,
        spilled: dict[int, Packet] | None,
        *,
        alike: bool = False,
    ) -> None:
        stretch, job, first = flight.stretch, flight.stretch.job, flight.delivered
        if done <= first:
            return
        flight.delivered = done
        if alike or (not spilled and done <= len(entries) and tuple not in set(map(type, entries))):
            self.done += done - first
            job.landed(stretch, first, entries[first:done] if first or done < len(entries) else entries)
            return
        start, values = first, []
        for at in range(first, done):
            entry = entries[at] if at < len(entries) else (ELSEWHERE, b"")
            error, value = _opened(entry, spilled, at)
            if error is None:
                values.append(value)
                continue
            self._landed(stretch, start, values)
            start, values = at + 1, []
            self.failed += 1
            job.failed(stretch, at, error)
        self._landed(stretch, start, values)

    def _landed(self, stretch: Stretch, start: int, values: list[Any]) -> None:
        if values:
            self.done += len(values)
            stretch.job.landed(stretch, start, values)

    def _count_stillborn(self, hand: Hand, exit_: Exit) -> None:
        self._stillborn += 1
        limit = STILLBORN_MAX if exit_.signal is None else SHOT_MAX
        if self._stillborn >= limit and self.broken is None:
            # Not told yet: what other workers have in hand comes to its end first.
            self.broken = CrewBroken(
                f"{self._stillborn} workers in a row ended before they could "
                f"{'begin a task' if hand.ready else 'load their handler'}; the last one, {hand.pid}, {exit_.reason}"
            )

    def _drop_over(self) -> None:
        """What a worker had claimed of a job that was given up, and did not begin after all."""
        for job in list(self._over):
            for stretch in self.schedule.give_up(job):
                job.given_up(stretch, None)
            if not self.schedule.has_in_flight(job):
                self._over.remove(job)

    def _drop_backlog(self) -> None:
        """The tasks that no worker has: they will not run."""
        for stretch in self.schedule.give_up():
            stretch.job.given_up(stretch, self.broken)
        for _, _, stretch in self._again:
            stretch.job.given_up(stretch, self.broken)
        self._again.clear()


def _opened(entry: Any, spilled: dict[int, Packet] | None, at: int) -> tuple[BaseException | None, Any]:
    """One entry of a journal: an error, or None and the value."""
    if type(entry) is not tuple:
        return None, entry
    kind, data = entry
    descriptors: list[int] = []
    buffers = None
    if kind == ELSEWHERE:
        packet = spilled.get(at) if spilled is not None else None
        if packet is None:
            words = (
                "the result of the task is lost: this process had no free descriptor for it (see ulimit -n)"
            )
            return OSError(errno.EMFILE, words), None
        kind, data, descriptors, buffers = packet.head.form, packet.data, packet.descriptors, packet.buffers
    if kind == ERROR:
        return unpack_error(data), None
    assert kind == VALUE
    try:
        return None, carry.unpack(data, descriptors, buffers)
    except BaseException as error:  # a SystemExit, too, is what has become of this task and of nothing else
        import contextlib

        with contextlib.suppress(Exception):  # a frozen dataclass refuses notes
            error.add_note("(the result of the task came back but does not unpickle)")
        return error, None
