"""A pool's own thread, and the pool's life from its first worker to its last.

::

    OPEN ── close ──▶ CLOSING (no new tasks; workers go home when all is done) ──▶ over
      └──── terminate / dropped / end of the program ──▶ ENDING (what has no outcome is cancelled) ──▶ over

The thread holds the Runner and never the Pool, so that a Pool that nobody holds any more can say good-bye.
"""

# ruff: noqa: SLF001 - the parts of one pool

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
import weakref
from collections import deque
from functools import partial

from procession.errors import CrewBroken, TaskCancelled
from procession.pool.calls import CallsJob
from procession.pool.engine import Engine
from procession.pool.jobs import ManyJob, StreamJob
from procession.pool.results import Waiting, guarded
from procession.pool.worker import FIRST_JOB
from procession.process import reaper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from procession.pool.calls import Call
    from procession.pool.hand import Hand
    from procession.pool.messages import Packet
    from procession.pool.results import AsyncResult
    from procession.pool.schedule import Flight
    from procession.pool.team import TeamHirer
    from procession.process.exits import Exit

OPEN, CLOSING, ENDING = "open", "closing", "ending"
SIGTERM, SIGKILL = 15, 9
GRACE = 0.5  # seconds between the two, for workers of a pool that is terminated
HOME = 5.0  # seconds for a worker that has nothing to do to go home by itself
RETRY_HIRING = 1.0  # seconds
HIRE_PAUSE = 0.002  # seconds between the end of a worker and the start of the next


class Runner:
    """Everything behind a Pool."""

    def __init__(
        self, hirer: TeamHirer, workers: int, max_tasks: int, max_memory: int | None, *, eager: bool = True
    ) -> None:
        """``eager``: all workers from the start; else each when there is something to do for it."""
        self.engine = Engine(hirer, workers, max_tasks=max_tasks)
        self.workers = workers
        self._eager = eager
        self.state = OPEN
        self.over = False
        self.jobs: set[ManyJob | CallsJob] = set()  # those with tasks that have no outcome
        self.thread: threading.Thread | None = None
        self._gone = False  # the thread has done its last act
        self._parting = Waiting()
        self.on_worker_start: Callable[[int], object] | None = None
        self.on_worker_exit: Callable[[int, Exit, str], object] | None = None
        self.on_landed: Callable[[Hand, Flight, Packet], object] = _ignore
        self.expected = 0  # calls that will begin when others have ended
        self.at_end: list[Callable[[], object]] = []
        self.observers: list[
            Callable[[float], float | None]
        ] = []  # called in the thread; seconds until the next
        self.replaced: deque[str] = deque(maxlen=20)
        self._calls: dict[tuple[int, float | None], CallsJob] = {}
        self._numbers = itertools.count(FIRST_JOB)
        self._mentioned: deque[StreamJob] = deque()
        self._max_memory = max_memory
        self._hire_at = 0.0
        self._kill_at: float | None = None
        self._sent_home = False
        self._unbound = False
        self._owner = os.getpid()
        self.engine.on_hired = self._hired
        self.engine.on_retired = self._retired
        self.engine.on_landed = self._landed
        _all.add(self)

    @property
    def closing(self) -> bool:
        """Will there be no further reader or task?"""
        return self.state != OPEN

    def new_number(self) -> int:
        """For a job."""
        return next(self._numbers)

    # -- its life ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the workers, in this thread, and then the pool's own."""
        try:
            with self.engine.lock, reaper.put_off():
                self._fill()
        except BaseException:
            self._end_at_once()
            raise
        self.engine.run_later()
        self.thread = threading.Thread(target=self._run, name=f"procession-pool-{id(self):x}", daemon=True)
        self.thread.start()

    def close(self) -> None:
        """No new tasks; what there is will be done.  Takes no lock: a finalizer may call it."""
        if self.state == OPEN:
            self.state = CLOSING
            self._wake()

    def terminate(self) -> None:
        """Give up what has no outcome and end the workers, soon.  Takes no lock: a finalizer may call it."""
        self.state = ENDING
        self._wake()

    def _wake(self) -> None:
        if not self.over and os.getpid() == self._owner:
            self.engine.wake()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the last worker."""
        thread = self.thread
        if thread is not None and thread is not threading.current_thread():
            # Not only Thread.join: once a Ctrl-C has interrupted one, a second one does not wait (bpo-45274).
            if not self._parting.sleep(lambda: self._gone, timeout):
                return False
            thread.join()
        return self.over

    def _run(self) -> None:
        try:
            while not self._is_over():
                self._step()
        except BaseException as error:
            with contextlib.suppress(Exception):
                self._break(f"the pool's thread failed: {type(error).__name__}: {error}", error)
            raise
        finally:
            try:
                self._end_at_once()
            finally:
                self._gone = True
                self._parting.rouse()

    def _step(self) -> None:
        engine = self.engine
        pause = self._observe()
        try:
            engine.step(pause)
            with engine.lock:
                self._keep_house()
        except OSError as error:  # no process, descriptor or memory to be had for a worker
            self._hiring_failed(error)
        engine.run_later()

    def _observe(self) -> float | None:
        now = time.monotonic()
        pauses = [observer(now) for observer in self.observers]
        if self._hire_at > now:
            pauses.append(self._hire_at - now)
        if self._kill_at is not None:
            pauses.append(max(0.0, self._kill_at - now))
        known = [pause for pause in pauses if pause is not None]
        return min(known) if known else None

    def _keep_house(self) -> None:
        """With the lock: what the state asks for."""
        engine, now = self.engine, time.monotonic()
        while self._mentioned:
            self._mentioned.popleft().unbound()
        if self.state == CLOSING and not self._unbound:
            self._unbound = True
            for job in list(self.jobs):
                if isinstance(job, StreamJob):
                    job.unbound()
        if self.state == ENDING:
            self._end(now)
        elif engine.broken is not None:
            self._give_up_all(engine.broken)
            self._send_home(now)
        elif self.state == CLOSING and not self.jobs and not self.expected:
            self._send_home(now)
        else:
            self._repopulate(now)
            engine.feed()
        if self._kill_at is not None and self._kill_at <= now:
            self._kill_at = None
            for hand in engine.hands.values():
                hand.child.send_signal(SIGKILL)

    def _repopulate(self, now: float) -> None:
        if now >= max(self._hire_at, self.engine.hire_after):
            self._fill()

    def _fill(self) -> None:
        while self._eager and self.engine.schedule.staff() < self.workers:
            self.engine.hire()

    def _hiring_failed(self, error: OSError) -> None:
        with self.engine.lock:
            if not self.engine.hands:
                self._break(f"no worker can be started: {error}", error)
            self._hire_at = time.monotonic() + RETRY_HIRING

    def _break(self, words: str, error: BaseException) -> None:
        if self.engine.broken is None:
            self.engine.broken = CrewBroken(words)
            self.engine.broken.__cause__ = error
        self._give_up_all(self.engine.broken)

    def _send_home(self, now: float) -> None:
        if self._sent_home:
            return
        self._sent_home = True
        for hand in list(self.engine.hands.values()):
            self.engine.dismiss(hand, hand.why or "the pool was closed")
        if self.engine.broken is None:
            return
        self._kill_at = now + HOME

    def _end(self, now: float) -> None:
        engine = self.engine
        if engine.ending:
            return
        engine.ending = True
        engine.stop()
        for hand in engine.hands.values():
            hand.why = hand.why or "the pool was terminated"
            hand.child.send_signal(SIGTERM)
        self._kill_at = now + GRACE
        self._give_up_all(None)

    def _give_up_all(self, broken: CrewBroken | None) -> None:
        """Whatever no worker has gets its outcome; what they have gets it when they end."""

        def error(call: Call) -> BaseException:
            return broken or TaskCancelled(f"the pool was terminated before the call began ({call.words()})")

        for job in list(self.jobs):
            if isinstance(job, CallsJob):
                job.give_up_waiting(error)
            else:
                job.drop_rest(broken or TaskCancelled("the pool was terminated before all tasks had begun"))
        self.engine.feed()  # it gives up its backlog

    def _is_over(self) -> bool:
        if self.engine.hands or self.jobs:
            return False
        if self.engine.broken is not None:
            return True
        return self.state == ENDING or (self.state == CLOSING and not self.expected)

    def _end_at_once(self) -> None:
        """The last act, in whichever thread: no worker is left."""
        engine = self.engine
        with engine.lock:
            self.over = True
            for hand in list(engine.hands.values()):
                hand.child.send_signal(SIGKILL)
            for hand in list(engine.hands.values()):
                hand.child.wait()
                self._account_for(hand)
            engine.close_descriptors()
        for action in self.at_end:
            action()
        engine.run_later()

    def _account_for(self, hand: Hand) -> None:
        """It has ended, although it was not to, since the pool's thread has failed: its tasks have outcomes too."""
        engine = self.engine
        with contextlib.suppress(BaseException):
            engine._on_exit(hand)
            if engine.broken is not None:
                engine.feed()  # it gives up its backlog
        if hand.pid in engine.hands:
            engine.schedule.dismissed(hand.pid)
            engine.retire(hand, hand.child.reap())

    # -- what happens to workers -------------------------------------------------------------------

    def _hired(self, hand: Hand) -> None:
        if self.on_worker_start is not None:
            self.engine.later(partial(guarded, self.on_worker_start, hand.pid))

    def _retired(self, hand: Hand, exit_: Exit | None) -> None:
        reason = exit_.reason if exit_ is not None else "it ended"
        why = hand.why or reason
        if hand.why and hand.verdict is None and exit_ is not None and exit_.signal == SIGKILL:
            why = f"{hand.why}, and before it went it {reason}"
        # Who waits for what has become of the task wakes first: a fork would keep him waiting for milliseconds.
        self.engine.hire_after = time.monotonic() + HIRE_PAUSE
        if self.state == OPEN and self.engine.broken is None:
            self.replaced.append(f"worker {hand.number} (pid {hand.pid}): {why}")
        if self.on_worker_exit is not None:
            self.engine.later(partial(guarded, self.on_worker_exit, hand.pid, exit_, why))

    def _landed(self, hand: Hand, flight: Flight, packet: Packet) -> None:
        self.on_landed(hand, flight, packet)
        if self._max_memory is not None and not hand.why:
            used = resident(hand.pid)
            if used > self._max_memory:
                self.engine.dismiss(
                    hand, f"it used {used} bytes of memory, more than maxmemory={self._max_memory}"
                )

    # -- jobs --------------------------------------------------------------------------------------

    def check_open(self) -> None:
        """Raise what a new task would have to be refused with."""
        if self.engine.broken is not None:
            raise CrewBroken(str(self.engine.broken)) from self.engine.broken.__cause__
        if self.state != OPEN:
            raise ValueError("Pool not running")
        if os.getpid() != self._owner:
            raise ValueError("Pool not running: it belongs to the process that made it")

    def begin(self, job: ManyJob) -> None:
        """A new job."""
        with self.engine.lock:
            self.check_open()
            self.jobs.add(job)
            self.offer(job)
            job._look()
        self.engine.run_later()

    def expect(self, calls: int) -> None:
        """So many more (or fewer) calls will come, even if the pool is closed meanwhile."""
        with self.engine.lock:
            self.expected += calls
        if not self.expected and self.state != OPEN:
            self._wake()

    def call(self, call: Call) -> CallsJob:
        """A new call."""
        with self.engine.lock:
            if not (call.expected and self.state == CLOSING and self.engine.broken is None):
                self.check_open()
            job = self.calls_like(call)
            job.add(call)
            self.offer(job)
        self.engine.run_later()
        return job

    def calls_like(self, call: Call) -> CallsJob:
        """With the lock: the job that a call belongs to, which has one call more to see to."""
        key = call.options.priority, call.options.timeout
        job = self._calls.get(key)
        if job is None:
            job = self._calls[key] = CallsJob(self, *key)
        job.open += 1
        self.jobs.add(job)
        return job

    def offer(self, job: ManyJob | CallsJob) -> None:
        """With the lock: this job has tasks.  Workers that are idle get them at once, from this thread."""
        self.engine.offer(job)
        try:
            self.engine.feed()
        except OSError as error:  # a worker is wanted and cannot be started: the pool's thread tries again
            self._hiring_failed(error)
            self._wake()

    def finished(self, job: ManyJob | CallsJob) -> None:
        """With the lock: all its tasks have outcomes."""
        self.jobs.discard(job)
        if isinstance(job, ManyJob):
            self.engine.forget(job)
        if not self.jobs and self.state != OPEN:
            self.engine.nudge()

    def mention(self, job: StreamJob) -> None:
        """Its reader has gone.  Takes no lock."""
        self._mentioned.append(job)
        self._wake()

    def settle(self, result: AsyncResult, success: bool, value: Any) -> None:
        """A result has come: callbacks are called without the lock."""
        if result._has_callback:
            self.engine.later(lambda: result._set(success, value))
        else:
            result._set(success, value)


def _ignore(*_: object) -> None:
    return


def resident(pid: int) -> int:
    """Bytes of memory that a process has in RAM; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


_all: weakref.WeakSet[Runner] = weakref.WeakSet()


def _forked() -> None:
    """In a forked child: a copy of a channel would hide a worker's end, and no pool here is ours."""
    for runner in list(_all):
        if not runner.over:
            runner.over = runner._gone = True
            runner.engine.abandon()


os.register_at_fork(after_in_child=_forked)
