"""Which command is begun next, again, or not at all: plain bookkeeping, no clock and no process."""

from __future__ import annotations

import bisect
import heapq

from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.commands.outcome import Outcome

NAMED = 20  # so many failures keep their names; the others are counted


@record
class Work:
    """One command: its number in the list (from 1), its inputs, which attempt this is (from 1)."""

    number: int
    inputs: tuple[str, ...]
    attempt: int = 1


@record
class Rules:
    """``retries`` after a failure, the first one ``backoff`` seconds later, each next one twice as late.

    ``halt``: begin no more after so many failures; ``at_once``: and end what is running.
    """

    retries: int = 0
    backoff: float = 0.0
    halt: int | None = None
    at_once: bool = False


class Plan:
    """``fresh`` gives the next inputs or None; ``done_before`` says whether they may be skipped."""

    def __init__(
        self,
        fresh: Callable[[], tuple[str, ...] | None],
        rules: Rules,
        done_before: Callable[[tuple[str, ...]], bool] = lambda _: False,
    ) -> None:
        self._fresh = fresh
        self._rules = rules
        self._done_before = done_before
        self._number = 0
        self._again: list[tuple[float, int, Work]] = []  # a heap: when, number, work
        self.ok = self.failed = self.skipped = self.ended = 0
        self._failures: list[tuple[int, tuple[str, ...], str]] = []
        #: why no more is begun: "", or "failures", or what ``stop`` was told
        self.stopped = ""

    def take(self, now: float) -> Work | None:
        """What is to be begun now; None when there is nothing at this moment."""
        if self.stopped:
            return None
        if self._again and self._again[0][0] <= now:
            return heapq.heappop(self._again)[2]
        while (inputs := self._fresh()) is not None:
            self._number += 1
            if not self._done_before(inputs):
                return Work(self._number, inputs)
            self.skipped += 1
        return None

    def landed(self, work: Work, outcome: Outcome, now: float) -> bool:
        """An attempt is over; True when it was the last one of its command."""
        if outcome.stopped:
            self.ended += outcome.seconds > 0
            return True
        if outcome.ok:
            self.ok += 1
            return True
        if work.attempt <= self._rules.retries and not self.stopped:
            due = now + self._rules.backoff * 2 ** (work.attempt - 1)
            again = Work(work.number, work.inputs, work.attempt + 1)
            heapq.heappush(self._again, (due, work.number, again))
            return False
        self.failed += 1
        bisect.insort(self._failures, (work.number, work.inputs, outcome.reason))
        del self._failures[NAMED:]
        if self._rules.halt is not None and self.failed >= self._rules.halt:
            self.stop("failures")
        return True

    def stop(self, why: str) -> None:
        """Begin no more."""
        self.stopped = self.stopped or why

    def drop_retries(self) -> list[Work]:
        """Those that wait for another attempt and will not get it."""
        dropped = [work for _, _, work in self._again]
        self._again = []
        return dropped

    @property
    def failures(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        """The first ones of the list, and why."""
        return tuple((inputs, reason) for _, inputs, reason in self._failures)

    @property
    def due(self) -> float | None:
        """When the next further attempt may begin."""
        return self._again[0][0] if self._again else None

    @property
    def waiting(self) -> bool:
        """Is anybody waiting for another attempt?"""
        return bool(self._again)
