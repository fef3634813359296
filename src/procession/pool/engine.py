"""The parent's side of a pool: who has what, what came of it, who is to be hired.

::

    job.take ─▶ Schedule ─▶ flight ─▶ channel ─▶ worker ─▶ function
                   ▲                                         │
    job.landed ◀───┴── LANDED / SPILLED / pidfd readable ◀─ journal on the page
    job.failed

One lock, one epoll over every worker's channel and pidfd.  Whoever has news takes the lock: the thread that
calls ``step`` again and again, or one that brings a task.  Nobody blocks inside, and what belongs to users
(callbacks) is put off by ``later`` until the lock is free.

A worker that dies is noticed through its pidfd, its journal is read, the task that it was at has failed, and
the tasks that it had not begun go to another worker.  Every task that was taken from a job has exactly one
outcome.
"""

from __future__ import annotations

import _thread
import errno
import heapq
import os
import select
import socket
import time
from collections import deque

from procession.errors import ChannelClosed, CrewBroken, TaskCancelled, WorkerDied
from procession.ipc import carry
from procession.ipc.faults import unpack_error
from procession.linux import membarrier
from procession.pool.cargo import Refused, pack_tasks
from procession.pool.messages import (
    FLIGHT,
    FORGET,
    LANDED,
    READY,
    REFUSED,
    SPILLED,
    WORK,
    Head,
    receive,
    send,
)
from procession.pool.page import BEGUN, ELSEWHERE, ERROR, LIMIT, SEALED, UNLIMITED, VALUE
from procession.pool.schedule import HIRE, Schedule
from procession.pool.worker import CALLS
from procession.process.start import SignalsHeld

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol

    from procession.pool.hand import Hand
    from procession.pool.messages import Packet
    from procession.pool.schedule import Flight, Pace, Stretch
    from procession.process.exits import Exit

    class Job(Protocol):
        """Where tasks come from and where their outcomes go.  Called with the engine's lock held: do not block."""

        number: int  # CALLS, HANDLER, or its own
        priority: int
        pace: Pace
        timeout: float | None  # seconds for each task
        style: int

        def take(self, limit: int) -> Stretch | None:
            """At most ``limit`` tasks, or None when there are none now."""

        def remaining(self) -> int | None:
            """How many are still to be taken; None when nobody knows."""

        def function(self) -> carry.Parcel:
            """What workers are to call with each task."""

        def payloads(self, stretch: Stretch) -> Sequence[Any]:
            """What is sent of its tasks."""

        def landed(self, stretch: Stretch, at: int, values: list[Any]) -> None:
            """Results, of the tasks from number ``at`` of the stretch on."""

        def failed(self, stretch: Stretch, at: int, error: BaseException) -> None:
            """One of them has failed."""

        def lost(self, stretch: Stretch, at: int, error: BaseException, note: bytes) -> None:
            """The worker ended in the middle of it."""

        def timed_out(self, stretch: Stretch, at: int, pid: int) -> BaseException:
            """What a task that took too long has failed of."""

        def given_up(self, stretch: Stretch, broken: CrewBroken | None) -> None:
            """These will not run: the pool was stopped, or is broken."""

    class Hirer(Protocol):
        """How workers are started."""

        holds_signals: bool  # ``hire`` is to be called inside SignalsHeld

        def hire(self, others: Sequence[Hand], mask: Any) -> Hand:
            """Start one; ``others``: what it must not inherit."""


SIGKILL = 9
# Workers that end one after another before they can begin: then we give up.
STILLBORN_MAX = 3
SHOT_MAX = 10  # the same for those killed by a signal, which may have come from outside
STEAL_MIN = 0.001  # seconds of work that are worth being taken back for an idle worker
STEAL_MIN_SLOW = 0.05  # the same where a barrier costs milliseconds
PATIENCE = 0.005  # seconds until another look at those who have more than they seemed to have
DEAF = 1.0  # seconds to live for a worker whose channel has ended
OVERDUE = 0.05  # seconds that tasks wait behind another one before they are given to others


class Engine:
    """The books of one pool; see above for who may call what."""

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
        self._owner = os.getpid()
        self._by_descriptor: dict[int, Hand] = {}
        self._epoll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._wake, select.EPOLLIN)
        self._watched: dict[int, Callable[[], object]] = {}
        self._jobs: list[Job] = []
        self._over: list[Job] = []  # given up while workers still have tasks of it in hand
        self._later: deque[Callable[[], object]] = deque()
        self._again: list[tuple[float, int, Stretch]] = []  # a heap: when, a number, what
        self._tickets = 0
        self._balance_at: float | None = None
        self._stillborn = 0
        self._asleep = False

    # -- the loop ----------------------------------------------------------------------------------

    def step(self, timeout: float | None) -> None:
        """Wait for news, at most ``timeout`` seconds, and see to it."""
        self._asleep = True  # before we look how long: what comes after that look wakes us
        try:
            events = self._epoll.poll(_shorter(timeout, self._due()))
        finally:
            self._asleep = False
        with self.lock:
            for descriptor, _ in events:
                self._on_event(descriptor)
            self._on_time()
            self.feed()
        self.run_later()

    def wake(self) -> None:
        """End the wait of whoever is in ``step``.  Any thread, any time."""
        if self._wake >= 0:
            os.eventfd_write(self._wake, 1)

    def watch(self, descriptor: int, action: Callable[[], object]) -> None:
        """Have ``action`` called, without the lock, when this descriptor is readable."""
        self._watched[descriptor] = action
        self._epoll.register(descriptor, select.EPOLLIN)

    def unwatch(self, descriptor: int) -> None:
        """No more."""
        del self._watched[descriptor]
        self._epoll.unregister(descriptor)

    def at_work(self, hand: Hand) -> tuple[Flight, int] | None:
        """The task that a worker is at, now: flight and index."""
        flights = self.schedule.flights.get(hand.pid)
        if not flights or not hand.page.has_begun(flights[0].number):
            return None
        flight = flights[0]
        mark = hand.page.mark(flight.number)
        return (flight, mark) if mark < min(flight.own, hand.page.claim(flight.number)) else None

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

    @property
    def busy(self) -> bool:
        """Is there anything that has no outcome yet?  Jobs that have nothing to give just now do not count."""
        return self.schedule.busy or bool(self._again)

    # -- what comes from outside, with the lock held -----------------------------------------------

    def offer(self, job: Job) -> None:
        """This job has tasks to give."""
        if self._over and job in self._over:
            self._over.remove(job)
        if job not in self._jobs:
            self._jobs.append(job)
            self._jobs.sort(key=_urgency)

    def again(self, stretch: Stretch, delay: float) -> None:
        """Do this once more, after ``delay`` seconds."""
        self.retried += len(stretch.items)
        if delay <= 0:
            self.schedule.put_back(stretch)
            return
        self._tickets += 1
        heapq.heappush(self._again, (time.monotonic() + delay, self._tickets, stretch))
        self.nudge()

    def nudge(self) -> None:
        """The wait of ``step`` may have become too long."""
        if self._asleep:
            self.wake()

    def stop(self) -> None:
        """Finish what is in the workers' hands, begin nothing else."""
        self.stopping = True
        for hand in self.hands.values():
            hand.tell_to_stop()

    def give_up(self, job: Job) -> list[Stretch]:
        """This job is over: what nobody has begun will not run; the stretches are the caller's to settle.

        Tasks that have begun go on, and their outcomes still come.
        """
        if job in self._jobs:
            self._jobs.remove(job)
        for hand in self.hands.values():
            if any(flight.stretch.job is job for flight in self.schedule.flights[hand.pid]):
                self._take_back(hand)
                if job not in self._over:
                    self._over.append(job)
        waiting = [entry[2] for entry in self._again if entry[2].job is job]
        self._again = [entry for entry in self._again if entry[2].job is not job]
        heapq.heapify(self._again)
        return [*self.schedule.give_up(job), *waiting]

    def withdraw(self, job: Job, number: int) -> bool:
        """Take out one task that no worker has begun; False when it is not to be had."""
        for hand in self.hands.values():
            for flight in self.schedule.flights[hand.pid]:
                if flight.stretch.job is job and 0 <= number - flight.stretch.first < flight.own:
                    self._take_back(hand)
        if self.schedule.withdraw(job, number):
            return True
        for entry in self._again:
            if entry[2].job is job and entry[2].first == number:
                self._again.remove(entry)
                heapq.heapify(self._again)
                return True
        return False

    def end_running(self, job: Job, number: int | None, error: Callable[[int, int], BaseException]) -> int:
        """Kill the workers that are at this task (or any task) of a job; how many.

        ``error(task, pid)`` is what the task has failed of.  No other task is hit: see ``_freeze``.
        """
        count = 0
        for hand in list(self.hands.values()):
            flights = self.schedule.flights[hand.pid]
            if not flights or flights[0].stretch.job is not job:
                continue
            at = self._freeze(hand)
            if at is not None:
                flight, index = at
                task = flight.stretch.first + index
                if number in (None, task):
                    self._condemn(hand, flight, index, error(task, hand.pid))
                    count += 1
        return count

    # -- feeding -----------------------------------------------------------------------------------

    def feed(self) -> None:
        """Hand out whatever finds a place."""
        while True:
            if self.stopping or self.broken is not None:  # within this loop, too: a job may stop us
                self._drop_backlog()
                return
            worker = self.schedule.place()
            if worker is None:
                return
            stretch = self._next(self._quota(worker))
            if stretch is None:
                self._balance(worker)
                return
            if stretch.heavy and (worker := self.schedule.place(heavy=True)) is None:
                self.schedule.put_back(stretch)
                return
            if worker == HIRE:
                try:
                    worker = self.hire().pid
                except BaseException:
                    self.schedule.put_back(stretch)
                    raise
            if not self._send(self.hands[worker], stretch):
                return

    def _quota(self, worker: int) -> int | None:
        if not self._max_tasks:
            return None
        return self._max_tasks - (self.hands[worker].given if worker != HIRE else 0)

    def _next(self, quota: int | None) -> Stretch | None:
        """What is to be done next: the backlog before the jobs, the urgent before all."""
        urgency = self.schedule.urgency()
        workers = self.schedule.limit
        while self._jobs and (urgency is None or self._jobs[0].priority > urgency):
            job = self._jobs[0]
            stretch = job.take(min(job.pace.limit(job.remaining(), workers), quota or UNLIMITED))
            if stretch is not None:
                if len(self._jobs) > 1:
                    self._rotate()
                return stretch
            self._jobs.remove(job)
        front = self.schedule.front()
        if front is None:
            return None
        limit = None if front.heavy else front.job.pace.limit(len(front.items), workers)
        return self.schedule.take(_fewer(limit, quota))

    def _rotate(self) -> None:
        """Jobs of the same priority take turns."""
        job = self._jobs.pop(0)
        at = 0
        while at < len(self._jobs) and self._jobs[at].priority >= job.priority:
            at += 1
        self._jobs.insert(at, job)

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

    def _send(self, hand: Hand, stretch: Stretch) -> bool:
        """False when there is no room just now."""
        job = stretch.job
        flight = self.schedule.depart(hand.pid, stretch, time.monotonic())
        try:
            if job.number not in hand.knows:
                self._teach(hand, job)
            cargo = pack_tasks(job.payloads(stretch))
        except Refused as refused:
            self._without(hand, refused)
            return True
        except BlockingIOError:
            return self._put_off(hand)
        except ChannelClosed:
            return True  # it has just died: its pidfd tells, and the flight goes to somebody else
        except Exception as error:  # the function itself does not travel
            self._fail_all(self.schedule.undo(hand.pid), error)
            return True
        hand.page.prepare(flight.number)
        count = len(stretch.items)
        # Who may be ended must not have his neighbours claimed already: a call is cancelled by itself.
        alone = job.timeout is not None or stretch.heavy or job.number == CALLS
        claim = 1 if alone else job.pace.claim()
        head = Head(FLIGHT, cargo.form, 0, job.number, flight.number, count, claim)
        try:
            send(hand.sock, head, cargo.data, cargo.descriptors, cargo.buffers, flags=socket.MSG_DONTWAIT)
        except BlockingIOError:
            return self._put_off(hand)
        except ChannelClosed:
            return True
        except OSError as error:  # no descriptor or no memory left for a large one
            self._fail_all(self.schedule.undo(hand.pid), error)
            return True
        hand.given += count
        if hand.events != select.EPOLLIN:
            self.listen(hand)
        if job.timeout is not None and len(self.schedule.flights[hand.pid]) == 1:
            self._time(hand, flight)
        if self._max_tasks and hand.given >= self._max_tasks:
            self.dismiss(hand, f"it was given {hand.given} tasks")
        return True

    def _teach(self, hand: Hand, job: Job) -> None:
        parcel = job.function()
        buffers = [buffer.raw() for buffer in parcel.buffers]
        head = Head(WORK, job.style, work=job.number)
        send(hand.sock, head, parcel.data, parcel.descriptors, buffers, flags=socket.MSG_DONTWAIT)
        hand.knows.add(job.number)

    def _put_off(self, hand: Hand) -> bool:
        self.schedule.put_back(self.schedule.undo(hand.pid))
        hand.full = True
        self.listen(hand)
        return False

    def _without(self, hand: Hand, refused: Refused) -> None:
        """One of them does not travel: it has failed, and the others go without it."""
        whole = self.schedule.undo(hand.pid)
        self.schedule.put_back(whole.part(refused.index + 1, len(whole.items)))
        self.schedule.put_back(whole.part(0, refused.index))
        self.failed += 1
        whole.job.failed(whole, refused.index, refused.error)

    def _fail_all(self, stretch: Stretch, error: BaseException) -> None:
        self.failed += len(stretch.items)
        for at in range(len(stretch.items)):
            stretch.job.failed(stretch, at, error)

    def forget(self, job: Job) -> None:
        """Nothing of this job will come any more: workers need not keep its function."""
        for hand in self.hands.values():
            if job.number in hand.knows:
                hand.knows.discard(job.number)
                try:
                    send(hand.sock, Head(FORGET, work=job.number), flags=socket.MSG_DONTWAIT)
                except (BlockingIOError, ChannelClosed):
                    continue  # it keeps it, which costs only memory

    # -- workers come and go -----------------------------------------------------------------------

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

    # -- events ------------------------------------------------------------------------------------

    def _on_event(self, descriptor: int) -> None:
        if descriptor == self._wake:
            try:
                os.eventfd_read(self._wake)
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

    def listen(self, hand: Hand) -> None:
        """Have ``step`` hear this worker again, after ``borrow``, ``_put_off``."""
        if hand.pid in self.hands and hand.sock.fileno() in self._by_descriptor:
            events = (0 if hand.borrowed else select.EPOLLIN) | (select.EPOLLOUT if hand.full else 0)
            if events != hand.events:
                hand.events = events
                self._epoll.modify(hand.sock.fileno(), events)

    def borrow(self) -> Hand | None:
        """A worker that has nothing to do, for a caller who will wait for its messages himself; or None.

        He calls ``hear`` when there is one, and gives the worker back.
        """
        if self.stopping or self.broken is not None or self.schedule.busy:
            return None
        worker = self.schedule.place()
        if worker is None or worker == HIRE or not self.hands[worker].ready:
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

    def hear(self, hand: Hand) -> bool:
        """Take one message of a worker; False when its channel has ended, or has nothing."""
        if hand.full:
            hand.full = False
            self.listen(hand)
        try:
            packet = receive(hand.sock, socket.MSG_DONTWAIT)
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
        elif kind == SPILLED:
            hand.spilled.setdefault(packet.head.number, {})[packet.head.count] = packet
        elif kind == REFUSED:
            self._on_refused(hand, packet)
        return True

    def _on_landed(self, hand: Hand, packet: Packet) -> None:
        head = packet.head
        hand.proven = True
        self._stillborn = 0
        hand.deadline = None
        hand.tasks += head.count
        hand.busy += head.seconds
        flight = self.schedule.landed(hand.pid, head.number, head.count, head.seconds)
        self._settle(hand, flight, head.count)
        self._drop_over()
        if self.stopping:
            self._drop_backlog()
        self.on_landed(hand, flight, packet)
        if hand.pid not in self.hands:
            return  # a job's answer to its outcome was to end the crew
        flights = self.schedule.flights[hand.pid]
        if flights and flights[0].stretch.job.timeout is not None:
            self._time(hand, flights[0])
        self._relieve(hand)

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
        """Deliver the outcomes of a flight."""
        stretch, job = flight.stretch, flight.stretch.job
        entries = hand.page.read_journal(flight.number)
        spilled = hand.spilled.pop(flight.number, None)
        if not done:
            return
        if spilled is None and tuple not in set(map(type, entries)):
            self.done += done
            job.landed(stretch, 0, entries)
            return
        start, values = 0, []
        for at in range(done):
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

    # -- time --------------------------------------------------------------------------------------

    def _due(self) -> float | None:
        """Seconds until something is to be done without an event."""
        with self.lock:
            times = [
                due for hand in self.hands.values() for due in (hand.deadline, hand.doomed) if due is not None
            ]
            if self._again:
                times.append(self._again[0][0])
            if self._balance_at is not None:
                times.append(self._balance_at)
        return max(0.0, min(times) - time.monotonic()) if times else None

    def _on_time(self) -> None:
        now = time.monotonic()
        while self._again and self._again[0][0] <= now:
            self.schedule.put_back(heapq.heappop(self._again)[2])
        if self._balance_at is not None and self._balance_at <= now:
            self._balance_at = None
        for hand in list(self.hands.values()):
            if hand.deadline is not None and hand.deadline <= now:
                self._expire(hand, now)
            if hand.doomed is not None and hand.doomed <= now:
                hand.doomed = None
                if not hand.why:  # one that goes home may take its time
                    hand.child.send_signal(SIGKILL)

    def _time(self, hand: Hand, flight: Flight) -> None:
        hand.deadline = time.monotonic() + flight.stretch.job.timeout
        self.nudge()

    def _expire(self, hand: Hand, now: float) -> None:
        """A task may have taken too long: look, and if so end its worker, with nobody else on board."""
        flights = self.schedule.flights[hand.pid]
        if not flights or flights[0].stretch.job.timeout is None:
            hand.deadline = None
            return
        timeout = flights[0].stretch.job.timeout
        if hand.page.has_begun(flights[0].number):
            took = now - hand.page.slots[BEGUN] / 1e9
            if took < timeout:
                hand.deadline = now + timeout - took
                return
            at = self._freeze(hand)
            # Once more: it may have gone on to the next task between the two looks.
            if at is not None and time.monotonic() - hand.page.slots[BEGUN] / 1e9 >= timeout:
                flight, index = at
                hand.deadline = None
                self._condemn(
                    hand, flight, index, flight.stretch.job.timed_out(flight.stretch, index, hand.pid)
                )
                return
        hand.deadline = now + timeout

    # -- taking back -------------------------------------------------------------------------------

    def _take_back(self, hand: Hand) -> bool:
        """Whatever this worker has not begun is for others.

        False where the kernel has no means for it: then it lands as soon as it sees that, with what it has
        done, and the rest is for others from there on.
        """
        flights = self.schedule.flights[hand.pid]
        slots = hand.page.slots
        for flight in flights:
            slots[LIMIT + (flight.number & 1)] = 0
        if not membarrier.available():
            return False
        membarrier.everywhere(registered=bool(slots[SEALED]))
        for flight in reversed(flights):
            self.schedule.take_back(flight, hand.page.claim(flight.number))
        return True

    def _freeze(self, hand: Hand) -> tuple[Flight, int] | None:
        """Have the worker begin nothing else, and say which task it is at: flight and index; None: at none.

        Without a barrier that is true some nanoseconds later, when its processor has let our store through.
        """
        flights = self.schedule.flights[hand.pid]
        if not flights:
            return None
        self._take_back(hand)
        flight = flights[0]
        mark, claimed = hand.page.mark(flight.number), hand.page.claim(flight.number)
        return (flight, mark) if hand.page.has_begun(flight.number) and mark < claimed else None

    def _condemn(self, hand: Hand, flight: Flight, index: int, error: BaseException) -> None:
        hand.verdict = (flight.number, index, error)
        hand.why = hand.why or str(error)
        hand.child.send_signal(SIGKILL)

    def _balance(self, idle: int) -> None:
        """Nothing is left to hand out and a worker has nothing to do: take from the one who has most."""
        if idle != HIRE and (self.schedule.flights[idle] or not self.hands[idle].ready):
            # It only has room for a second flight; or it still starts, and those may be ready before it.
            return
        best, most = None, 0.0
        for hand in self.hands.values():
            seconds = self._waiting(hand)
            if seconds > most:
                best, most = hand, seconds
        if best is None:
            return
        worth = STEAL_MIN if best.page.slots[SEALED] else STEAL_MIN_SLOW
        if most >= worth:
            taken = self._take_back(best)
            if self.schedule.front() is not None:
                self.feed()
                return
            if not taken:
                return  # it lands early, which we hear
        if self._balance_at is None:
            self._balance_at = time.monotonic() + PATIENCE

    def _waiting(self, hand: Hand) -> float:
        """Seconds of work that this worker has not begun, as far as one can tell."""
        seconds, now = 0.0, time.monotonic()
        flights = self.schedule.flights[hand.pid]
        for flight in flights:
            claimed = hand.page.claim(flight.number)
            if flight is flights[0] and hand.ready and now - flight.sent < PATIENCE:
                claimed = max(claimed, 1)  # it is about to begin
            count = flight.own - claimed
            if count > 0 and not flight.stretch.heavy:
                mean = flight.stretch.job.pace.mean or 0.0
                # What has been under way for so long has tasks longer than we thought.
                late = max(now - flight.sent - PATIENCE, 1e-9) if hand.ready else 0.0
                seconds += max(count * mean, late)
        return seconds

    def _relieve(self, landed: Hand) -> None:
        """While one worker lands flight after flight, another may be at a long task with many behind it."""
        now = time.monotonic()
        for hand in self.hands.values():
            flights = self.schedule.flights[hand.pid]
            if hand is landed or not flights or now - flights[0].sent < OVERDUE or not hand.ready:
                continue
            if any(flight.own > hand.page.claim(flight.number) for flight in flights):
                self._take_back(hand)

    # -- the end -----------------------------------------------------------------------------------

    def close_descriptors(self) -> None:
        """All workers are gone."""
        self._epoll.close()
        wake, self._wake = self._wake, -1
        if wake >= 0:
            os.close(wake)

    def abandon(self) -> None:
        """In a child that somebody has forked: nothing here is its own."""
        for hand in self.hands.values():
            hand.abandon()
        self.hands.clear()
        self.close_descriptors()


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
    except Exception as error:
        import contextlib

        with contextlib.suppress(Exception):  # a frozen dataclass refuses notes
            error.add_note("(the result of the task came back but does not unpickle)")
        return error, None


def _urgency(job: Job) -> int:
    return -job.priority


def _shorter(left: float | None, right: float | None) -> float | None:
    if left is None or right is None:
        return right if left is None else left
    return min(left, right)


def _fewer(limit: int | None, quota: int | None) -> int | None:
    if limit is None or quota is None:
        return quota if limit is None else limit
    return min(limit, quota)


def _ignore(*_: object) -> None:
    return
