"""The plan and the book, which always say the same: a step that cannot be stored has not happened.

What somebody asks for is refused then.  What a keeper tells has happened whatever the disk says: it is kept in memory
and told to the plan again, in its order, once a second until it can be stored.  A daemon that dies meanwhile loses
nothing: the outcomes lie in the folders of the runs.
"""

from __future__ import annotations

import sqlite3
import time

from procession.errors import JobsError
from procession.jobs import faults
from procession.jobs.daemon_alarm import Alarm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.jobs.actions import Action
    from procession.jobs.book import Book
    from procession.jobs.keeper_loop import Loop
    from procession.jobs.plan import Plan
    from procession.jobs.step import Step

    Event = Callable[[Plan, float], Step]

_AGAIN = 1.0  # seconds between attempts to store


class Ledger:
    """``act`` carries out what follows from a step, ``told`` hears of each one."""

    def __init__(self, book: Book, loop: Loop) -> None:
        self.book = book
        self.plan = book.plan()
        self.trouble = ""  # why nothing can be stored, as one line
        self._loop = loop
        self._alarm = Alarm(loop, self.tick)
        self._unstored: list[Event] = []
        self._busy = False
        self.act: Callable[[Action], None] = lambda _: None
        self.told: Callable[[Step], None] = lambda _: None
        self.reloaded: Callable[[], None] = lambda: None

    @property
    def unstored(self) -> int:
        """Events that wait for room on the disk."""
        return len(self._unstored)

    def ask(self, event: Event, *, environment: tuple[str, str] | None = None, token: str = "") -> Step:
        """What somebody wants.  Raises JobsError when the plan refuses it or it cannot be stored."""
        try:
            self._store_the_rest()
            step = self._do(event, environment=environment, token=token)
        except sqlite3.Error as error:
            self._failed(error)
            raise JobsError(
                f"this cannot be stored: {self.trouble}; nothing was changed, jobs that run go on"
            ) from None
        self._try()
        return step

    def hear(self, event: Event) -> None:
        """What has happened.  Within a step it is heard when that one is done."""
        self._unstored.append(event)
        if not self._busy:
            self._try()

    def _try(self) -> None:
        try:
            self._store_the_rest()
        except sqlite3.Error as error:
            self._failed(error)

    def _store_the_rest(self) -> None:
        while self._unstored:
            self._do(self._unstored[0])
            del self._unstored[0]
        if self.trouble:
            self.trouble = ""
            self._loop.cancel("store")

    def _do(self, event: Event, *, environment: tuple[str, str] | None = None, token: str = "") -> Step:
        self._busy = True
        try:
            step = event(self.plan, time.time())
            try:
                self.book.store(step, self.plan, environment=environment, token=token)
            except sqlite3.Error:
                self.plan = self.book.plan()
                self.reloaded()
                raise
            self.told(step)
            for action in step.actions:
                faults.point("before-act")
                self.act(action)
                faults.point("acted")
        finally:
            self._busy = False
        self._alarm.set(self.plan.wakes_at())
        return step

    def tidy(self) -> None:
        """Forget environments that no job has, and the end of the history."""
        try:
            self.book.forget_unused()
        except sqlite3.Error as error:  # the next one does it
            self._failed(error)

    def _failed(self, error: sqlite3.Error) -> None:
        self.trouble = f"{self.book.path}: {error}"
        if self._unstored:
            self._loop.after(_AGAIN, "store", self._try)

    def tick(self) -> None:
        """Time has passed."""
        self.hear(lambda plan, now: plan.tick(now))
