"""Taking back what a worker has not begun: for idle workers, for time limits, for cancels.

docs/decisions/0011-pool.md draws how parent and worker agree without a lock.
"""

from __future__ import annotations

import heapq
import time

from procession.linux import membarrier
from procession.pool.books import Books
from procession.pool.page import BEGUN, LIMIT, SEALED
from procession.pool.schedule import HIRE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.pool.hand import Hand
    from procession.pool.schedule import Flight

SIGKILL = 9
STEAL_MIN = 0.001  # seconds of work that are worth being taken back for an idle worker
STEAL_MIN_SLOW = 0.05  # the same where a barrier, or a new worker, costs milliseconds
PATIENCE = 0.005  # seconds until another look at those who have more than they seemed to have
OVERDUE = 0.05  # seconds that outcomes, and tasks, of a flight wait for a long task among them


class Reclaim(Books):
    """The part of the engine that takes back, and watches the time."""

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
            hand.given -= flight.own
            self.schedule.take_back(flight, hand.page.claim(flight.number))
            hand.given += flight.own
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

    def _balance(self, idle: int) -> bool:
        """Nothing is left to hand out and a worker has nothing to do: take from the one who has most.

        True: now there is something to hand out.
        """
        if idle != HIRE and (self.schedule.flights[idle] or not self.hands[idle].ready):
            # It only has room for a second flight; or it still starts, and those may be ready before it.
            return False
        best, most = None, 0.0
        for hand in self.hands.values():
            if idle == HIRE and not hand.ready:
                continue  # it will be ready before one that is still to be hired
            seconds = self._waiting(hand)
            if seconds > most:
                best, most = hand, seconds
        if best is None:
            return False
        worth = STEAL_MIN if best.page.slots[SEALED] and idle != HIRE else STEAL_MIN_SLOW
        if most >= worth:
            taken = self._take_back(best)
            if self.schedule.front() is not None:
                return True
            if not taken:
                return False  # it lands early, which we hear
        if self._balance_at is None:
            self._balance_at = time.monotonic() + PATIENCE
        return False

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

    def _mind(self, hand: Hand, flight: Flight) -> None:
        """This is the worker's oldest flight now: when is it to be looked at?"""
        now = time.monotonic()
        if flight.stretch.job.timeout is not None:
            hand.deadline = now + flight.stretch.job.timeout
            self.nudge()
        if flight.own > 1 and hand.ready:  # one that still starts has not lost any time with it
            hand.overdue = now + OVERDUE
            self.nudge()

    def _relieve(self, hand: Hand) -> None:
        """A worker is at a long task, with others before and behind it that need not wait for its end."""
        hand.overdue = None
        flights = self.schedule.flights[hand.pid]
        if flights and hand.page.has_begun(flights[0].number):
            self._harvest(hand)
        if any(flight.own > hand.page.claim(flight.number) for flight in flights):
            self._take_back(hand)

    def _harvest(self, hand: Hand) -> None:
        """Deliver what a flight that is under way has done so far (ends.py)."""
        raise NotImplementedError

    def _due(self) -> float | None:
        """Seconds until something is to be done without an event."""
        with self.lock:
            times = [
                due
                for hand in self.hands.values()
                for due in (hand.deadline, hand.overdue, hand.doomed)
                if due is not None
            ]
            if self._again:
                times.append(self._again[0][0])
            if self._balance_at is not None:
                times.append(self._balance_at)
            if self.hire_after:
                times.append(self.hire_after)
        return max(0.0, min(times) - time.monotonic()) if times else None

    def _on_time(self) -> None:
        now = time.monotonic()
        if self.hire_after <= now:
            self.hire_after = 0.0
        while self._again and self._again[0][0] <= now:
            self.schedule.put_back(heapq.heappop(self._again)[2])
        if self._balance_at is not None and self._balance_at <= now:
            self._balance_at = None
        for hand in list(self.hands.values()):
            if hand.deadline is not None and hand.deadline <= now:
                self._expire(hand, now)
            if hand.overdue is not None and hand.overdue <= now:
                self._relieve(hand)
            if hand.doomed is not None and hand.doomed <= now:
                hand.doomed = None
                if not hand.why:  # one that goes home may take its time
                    hand.child.send_signal(SIGKILL)

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
