"""What the engine asks of those it works for: jobs, and how workers are started.  For type checkers only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from procession.errors import CrewBroken
    from procession.ipc import carry
    from procession.pool.hand import Hand
    from procession.pool.schedule import Pace, Stretch


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
