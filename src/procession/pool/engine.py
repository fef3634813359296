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

import heapq
import select
import time

from procession.errors import ChannelClosed
from procession.pool.cargo import Refused, pack_tasks
from procession.pool.ends import Ends
from procession.pool.messages import (
    DONTWAIT,
    FLIGHT,
    FORGET,
    WORK,
    Head,
    send,
)
from procession.pool.page import UNLIMITED
from procession.pool.schedule import HIRE
from procession.pool.worker import CALLS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.pool.hand import Hand
    from procession.pool.protocols import Job
    from procession.pool.schedule import Stretch


class Engine(Ends):
    """The books of one pool; see above for who may call what."""

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

    @property
    def busy(self) -> bool:
        """Is there anything that has no outcome yet?  Jobs that have nothing to give just now do not count."""
        return self.schedule.busy or bool(self._again)

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

    def feed(self) -> None:
        """Hand out whatever finds a place."""
        while True:
            if self.stopping or self.broken is not None:  # within this loop, too: a job may stop us
                self._drop_backlog()
                return
            worker = self.schedule.place()
            if worker is None or (worker == HIRE and time.monotonic() < self.hire_after):
                return
            stretch = self._next(self._quota(worker))
            if stretch is None:
                if self._balance(worker):
                    continue
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
            if not self.send(self.hands[worker], stretch):
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
        limit = None if front.heavy else front.job.pace.share(len(front.items), workers)
        return self.schedule.take(_fewer(limit, quota))

    def _rotate(self) -> None:
        """Jobs of the same priority take turns."""
        job = self._jobs.pop(0)
        at = 0
        while at < len(self._jobs) and self._jobs[at].priority >= job.priority:
            at += 1
        self._jobs.insert(at, job)

    def send(self, hand: Hand, stretch: Stretch) -> bool:
        """Send tasks to a worker that has room; False when its channel has none just now."""
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
        except (Exception, SystemExit) as error:  # the function itself does not travel
            self._fail_all(self.schedule.undo(hand.pid), error)
            return True
        hand.page.prepare(flight.number)
        count = len(stretch.items)
        # Who may be ended must not have his neighbours claimed already: a call is cancelled by itself.
        alone = job.timeout is not None or stretch.heavy or job.number == CALLS
        claim = 1 if alone else job.pace.claim()
        head = Head(FLIGHT, cargo.form, job.number, flight.number, count, claim)
        try:
            send(hand.sock, head, cargo.data, cargo.descriptors, cargo.buffers, flags=DONTWAIT)
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
        if len(self.schedule.flights[hand.pid]) == 1:
            self._mind(hand, flight)
        if self._max_tasks and hand.given >= self._max_tasks:
            self.dismiss(hand, f"it was given {hand.given} tasks")
        return True

    def _teach(self, hand: Hand, job: Job) -> None:
        parcel = job.function()
        buffers = [buffer.raw() for buffer in parcel.buffers]
        head = Head(WORK, job.style, work=job.number)
        send(hand.sock, head, parcel.data, parcel.descriptors, buffers, flags=DONTWAIT)
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
                    send(hand.sock, Head(FORGET, work=job.number), flags=DONTWAIT)
                except (BlockingIOError, ChannelClosed):
                    continue  # it keeps it, which costs only memory


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
