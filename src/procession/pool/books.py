"""The books of a pool: its workers, what each has in hand, and what is to be done later.

The ground on which engine.py stands; see there for who may call what.
"""

from __future__ import annotations

import _thread
import os
import select
import socket
from collections import deque

from procession.errors import CrewBroken
from procession.pool.schedule import HIRE, Schedule
from procession.process.start import SignalsHeld

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from procession.pool.hand import Hand
    from procession.pool.messages import Packet
    from procession.pool.protocols import Hirer, Job
    from procession.pool.schedule import Flight, Stretch
    from procession.process.exits import Exit


class Bell:
    """An eventfd that is closed when nobody holds it any more: its number never means something else."""

    __slots__ = ("fd",)

    def __init__(self) -> None:
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def __del__(self) -> None:
        try:
            os.close(self.fd)
        except AttributeError:  # an interrupt came before it had one
            pass


class Books:
    """Workers come and go; whoever has to wait, waits here."""

    def __init__(self, hirer: Hirer, workers: int, *, max_tasks: int = 0) -> None:
        self.lock = _thread.RLock()
        self.schedule = Schedule(workers)
        self.hands: dict[int, Hand] = {}
        self.broken: CrewBroken | None = None
        self.stopping = False  # begin nothing else
        self.ending = False  # workers are being ended: what they are at is cancelled
        self.done = self.failed = self.retried = 0
        self.on_hired: Callable[[Hand], None] = _ignore
        self.on_retired: Callable[[Hand, Exit | None], None] = _ignore
        self.on_landed: Callable[[Hand, Flight, Packet], None] = _ignore
        self._hirer = hirer
        self._max_tasks = max_tasks
        self._by_descriptor: dict[int, Hand] = {}
        self._epoll = select.epoll()
        self._bell: Bell | None = Bell()
        self._epoll.register(self._bell.fd, select.EPOLLIN)
        self._watched: dict[int, Callable[[], object]] = {}
        self._jobs: list[Job] = []
        self._over: list[Job] = []  # given up while workers still have tasks of it in hand
        self._later: deque[Callable[[], object]] = deque()
        self._again: list[tuple[float, int, Stretch]] = []  # a heap: when, a number, what
        self._tickets = 0
        self._balance_at: float | None = None
        self._stillborn = 0
        self.hire_after = 0.0  # time.monotonic(), not before that; 0.0: at any time
        self._asleep = False

    def wake(self) -> None:
        """End the wait of whoever is in ``step``.  Any thread, any time."""
        bell = self._bell  # held until it has been rung, whoever closes meanwhile
        if bell is not None:
            os.eventfd_write(bell.fd, 1)

    def watch(self, descriptor: int, action: Callable[[], object]) -> None:
        """Have ``action`` called, without the lock, when this descriptor is readable."""
        self._watched[descriptor] = action
        self._epoll.register(descriptor, select.EPOLLIN)

    def unwatch(self, descriptor: int) -> None:
        """No more."""
        del self._watched[descriptor]
        self._epoll.unregister(descriptor)

    def nudge(self) -> None:
        """The wait of ``step`` may have become too long."""
        if self._asleep:
            self.wake()

    def later(self, action: Callable[[], object]) -> None:
        """Have it called once the lock is free, by the thread that holds it now."""
        self._later.append(action)

    def run_later(self) -> None:
        """What was put off.  Without the lock."""
        while self._later:
            try:
                action = self._later.popleft()
            except IndexError:  # another thread was faster
                return
            action()

    def at_work(self, hand: Hand) -> tuple[Flight, int] | None:
        """The task that a worker is at, now: flight and index."""
        for flight in self.schedule.flights.get(hand.pid, ()):
            # The first may be over, and its last word not heard yet.
            if hand.page.has_begun(flight.number):
                mark = hand.page.mark(flight.number)
                if mark < min(flight.own, hand.page.claim(flight.number)):
                    return flight, mark
        return None

    def hire(self) -> Hand:
        """Start a worker."""
        if self._hirer.holds_signals:
            with SignalsHeld() as held:  # a Ctrl-C must not come between the start and the books
                return self._hire(held.before)
        return self._hire(None)

    def _hire(self, mask: Any) -> Hand:
        hand = self._hirer.hire(list(self.hands.values()), mask)
        self.hands[hand.pid] = hand
        self.schedule.hired(hand.pid)
        for descriptor in (hand.sock.fileno(), hand.child.pidfd):
            self._by_descriptor[descriptor] = hand
            self._epoll.register(descriptor, select.EPOLLIN)
        self.on_hired(hand)
        return hand

    def dismiss(self, hand: Hand, why: str) -> None:
        """It gets nothing more, ends what it has, and goes home."""
        hand.why = hand.why or why
        self.schedule.leaves(hand.pid)
        try:
            hand.sock.shutdown(socket.SHUT_WR)
        except OSError:
            return  # it is gone already

    def retire(self, hand: Hand, exit_: Exit | None) -> None:
        """Its process has been reaped."""
        with SignalsHeld():  # all of it or nothing
            for descriptor, owner in list(self._by_descriptor.items()):
                if owner is hand:
                    self._forget(descriptor)
            del self.hands[hand.pid]
            self.on_retired(hand, exit_)
            hand.let_go()

    def _forget(self, descriptor: int) -> None:
        if self._by_descriptor.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def listen(self, hand: Hand) -> None:
        """Have ``step`` hear this worker again, after ``borrow``, ``_put_off``."""
        if hand.pid in self.hands and hand.sock.fileno() in self._by_descriptor:
            events = (0 if hand.borrowed else select.EPOLLIN) | (select.EPOLLOUT if hand.full else 0)
            if events != hand.events:
                hand.events = events
                self._epoll.modify(hand.sock.fileno(), events)

    def borrow(self) -> Hand | None:
        """A worker that has nothing to do, or one that is just starting, for a caller who will wait for its messages
        himself; or None.

        He calls ``hear`` when there is one, and gives the worker back.
        """
        if self.stopping or self.broken is not None or self.schedule.busy:
            return None
        worker = self.schedule.place()
        if worker is None or worker == HIRE:
            return None
        hand = self.hands[worker]
        if hand.borrowed:
            return None
        hand.borrowed = True
        self.listen(hand)
        return hand

    def give_back(self, hand: Hand) -> None:
        """The caller has what he wanted.  As long as the worker has nothing to do nobody needs to hear it."""
        hand.borrowed = False
        if hand.orphaned:
            hand.close_channel()
        elif self.schedule.flights.get(hand.pid):
            self.listen(hand)

    def close_descriptors(self) -> None:
        """All workers are gone."""
        self._epoll.close()
        self._bell = None

    def abandon(self) -> None:
        """In a child that somebody has forked: nothing here is its own."""
        for hand in self.hands.values():
            hand.abandon()
        self.hands.clear()
        self.close_descriptors()


def _ignore(*_: object) -> None:
    return
