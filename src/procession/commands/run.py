"""The loop of ``pn map``: reads inputs, gives commands to the pool, hands out what has ended.

One thread and one poll over the inputs, the pool's news and the signals.  Inputs may come slowly or never
end, so it is this loop that reads them and not the pool; and a further attempt is a task of its own, so that
its number is known and a halt is sharp.
"""

from __future__ import annotations

import os
import select
import time
from collections import deque

from procession.commands.outcome import Outcome
from procession.commands.plan import Plan, Rules
from procession.commands.shell import Signs
from procession.commands.turns import Turns
from procession.commands.workers import open_pool, submit
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.commands.inputs import Source
    from procession.commands.joblog import JobLog
    from procession.commands.plan import Work
    from procession.commands.templates import Template
    from procession.commands.turns import Finished
    from procession.pool.pool import Pool


class Aborted(Exception):
    """Stop at once, whatever is running."""


@record
class Settings:
    """``jobs`` commands at a time, each for at most ``timeout`` seconds; ``grace`` before SIGKILL."""

    jobs: int
    timeout: float | None = None
    grace: float = 5.0
    ordered: bool = True
    rules: Rules = Rules()


@record
class Progress:
    """How far it has come.  ``total`` is None until the inputs have ended; ``running``: the oldest first."""

    ok: int
    failed: int
    skipped: int
    total: int | None
    seconds: float
    running: tuple[tuple[Work, float], ...]


@record
class Report:
    """What became of the list.  ``ended``: commands that were ended with the run, or got no further attempt."""

    ok: int
    failed: int
    skipped: int
    ended: int
    failures: tuple[tuple[tuple[str, ...], str], ...]
    stopped: str
    trouble: str
    left: int | None


class MapRun:
    """One run.  ``finished`` is called with each ended command when it is its turn, and prints it."""

    def __init__(
        self,
        template: Template,
        source: Source,
        settings: Settings,
        finished: Callable[[Finished], None],
        *,
        log: JobLog | None = None,
        quiet_is_done: bool = True,
    ) -> None:
        self._template = template
        self._source = source
        self._settings = settings
        self._finished = finished
        self._log = log
        self._quiet_is_done = quiet_is_done
        self._plan = Plan(source.take, settings.rules, log.done_before if log else lambda _: False)
        self._turns = Turns(ordered=settings.ordered)
        self._running: dict[int, tuple[Work, float]] = {}
        self._news: deque[tuple[Work, Outcome]] = deque()
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._signs = Signs()
        self._pool: Pool | None = None
        self._begun = time.monotonic()
        self._logged_early: set[int] = set()
        self._trouble = ""
        self._watch: dict[int, Callable[[], None]] = {}
        self._progress: Callable[[Progress], None] | None = None
        self._tick = self._look_at = 0.0

    def watch(self, fd: int, call: Callable[[], None]) -> None:
        """Call this when the descriptor is readable."""
        self._watch[fd] = call

    def show(self, progress: Callable[[Progress], None], tick: float) -> None:
        """Call this every ``tick`` seconds."""
        self._progress, self._tick = progress, tick

    def run(self) -> Report:
        """Until all is done or ended.  What ``finished`` and the watchers raise ends all commands at once."""
        try:
            while True:
                self._fill()
                self._give_out()
                if not self._running and (self._plan.stopped or self._source_is_over()):
                    break
                self._wait()
            self._drop_retries()
            self._give_out()
            return self._report()
        finally:
            self._close()

    def stop(self, why: str, *, at_once: bool) -> None:
        """Begin no more; ``at_once``: end what is running."""
        self._plan.stop(why)
        if at_once:
            self._signs.halt()
        else:
            self._signs.hold()

    # -- the parts of the loop -------------------------------------------------------------------------

    def _source_is_over(self) -> bool:
        return self._source.over and not self._plan.waiting

    def _fill(self) -> None:
        """A second command waits at each worker, so that none is idle meanwhile; not if a failure is to halt
        all, for it would have begun before we know."""
        most = self._settings.jobs * (1 if self._settings.rules.halt else 2)
        while len(self._running) < most:
            work = self._plan.take(time.monotonic())
            if work is None:
                return
            if self._pool is None:
                self._pool = open_pool(self._workers(), self._signs)
            self._running[work.number] = work, time.monotonic()
            self._turns.begun(work)
            argv = self._template.argv(work.inputs, work.number)
            call = (argv, self._settings.timeout, self._settings.grace)
            submit(self._pool, call, work, self._hear)

    def _workers(self) -> int:
        total = self._source.total
        return self._settings.jobs if total is None else min(self._settings.jobs, max(total, 1))

    def _hear(self, work: Work, outcome: Outcome) -> None:
        """Called in a thread of the pool."""
        self._news.append((work, outcome))
        os.eventfd_write(self._bell, 1)

    def _wait(self) -> None:
        poll = select.poll()
        for fd in (self._bell, *self._watch):
            poll.register(fd, select.POLLIN)
        wanted = -1 if self._plan.stopped else self._source.wanted_fd
        if wanted >= 0:
            poll.register(wanted, select.POLLIN)
        for fd, _ in poll.poll(self._patience()):
            if fd == self._bell:
                os.eventfd_read(fd)
                self._take_news()
            elif fd == wanted:
                self._source.read()
            else:
                self._watch[fd]()
        if self._source.trouble and not self._trouble:
            self._trouble = f"the inputs end early: {self._source.trouble}"
        if self._progress is not None and time.monotonic() >= self._look_at:
            self._progress(self._look())
            self._look_at = time.monotonic() + self._tick

    def _patience(self) -> float | None:
        ends = [self._look_at] if self._progress is not None else []
        if self._plan.due is not None and not self._plan.stopped:
            ends.append(self._plan.due)
        return max(min(ends) - time.monotonic(), 0.0) * 1000 + 1 if ends else None

    def _take_news(self) -> None:
        while self._news:
            work, outcome = self._news.popleft()
            del self._running[work.number]
            before = self._plan.stopped
            if self._plan.landed(work, outcome, time.monotonic()):
                self._land(work, outcome)
            if self._plan.stopped and not before:
                self.stop(self._plan.stopped, at_once=self._settings.rules.at_once)

    def _land(self, work: Work, outcome: Outcome) -> None:
        if outcome.stopped:
            self._turns.dropped(work.number)
            return
        if self._quiet_is_done and not outcome.stdout and not outcome.stderr:
            # There is nothing to print, so nothing can be lost before its turn comes.
            self._write_log(work, outcome)
            self._logged_early.add(work.number)
        self._turns.finished(work, outcome)

    def _give_out(self) -> None:
        """Print first and log then: what the log says is done has been printed."""
        while (done := self._turns.next()) is not None:
            self._finished(done)
            if done.work.number in self._logged_early:
                self._logged_early.discard(done.work.number)
            else:
                self._write_log(done.work, done.outcome)

    def _write_log(self, work: Work, outcome: Outcome) -> None:
        if self._log is None:
            return
        try:
            self._log.write(work, self._template.shown(work.inputs, work.number), outcome, time.time())
        except OSError as error:
            self._trouble = self._trouble or f"the log cannot be written: {error.strerror}: stopped"
            self.stop("log", at_once=False)

    def _drop_retries(self) -> None:
        for work in self._plan.drop_retries():
            self._plan.ended += 1
            self._turns.dropped(work.number)

    def _look(self) -> Progress:
        plan = self._plan
        now = time.monotonic()
        oldest = list(self._running.values())[: self._settings.jobs]
        running = tuple((work, now - since) for work, since in oldest)
        seconds = now - self._begun
        return Progress(plan.ok, plan.failed, plan.skipped, self._source.total, seconds, running)

    def _report(self) -> Report:
        plan, total = self._plan, self._source.total
        left = None if total is None else total - plan.ok - plan.failed - plan.skipped
        counts = plan.ok, plan.failed, plan.skipped, plan.ended
        return Report(*counts, plan.failures, plan.stopped, self._trouble, left)

    def _close(self) -> None:
        if self._pool is not None:
            self._pool.terminate()
            self._pool.join()
        os.close(self._bell)
        self._signs.close()
