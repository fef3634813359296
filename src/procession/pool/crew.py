"""A crew of workers: the parent's side of the pool.

::

    source.take ─▶ Schedule ─▶ Batch ─▶ channel ─▶ worker ─▶ handler
                      ▲                                         │
    deliver ◀─ Outcome ┴─ BatchDone / pidfd readable ◀─ journal on the page

One thread, one poll over every worker's channel and pidfd; nothing is polled on a timer.  A worker
that dies is noticed through its pidfd, its journal is read, the task that it was at becomes ``Lost``,
and the tasks that it had not begun go to another worker.  Every task that was taken from the source
is delivered exactly once, as one of ``outcomes.py``.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import time

from procession.errors import ChannelClosed, CrewBroken, WorkerDied
from procession.ipc.faults import unpack_error
from procession.linux.keepalive import open_keepalive
from procession.pool.hand import Hand, Kit, hire
from procession.pool.messages import Batch, BatchDone, Ready, Spilled
from procession.pool.outcomes import Cancelled, Done, Failed, Lost
from procession.pool.page import ELSEWHERE, VALUE
from procession.pool.schedule import HIRE, Schedule
from procession.process.start import SignalsHeld, safe_start_method
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Protocol, Self

    from procession.pool.outcomes import Outcome
    from procession.pool.schedule import Flight, Task
    from procession.pool.worker import Handler
    from procession.process.exits import Exit

    class Source(Protocol):
        """Where the tasks come from, taken only when a worker has room for them."""

        def take(self, limit: int) -> Portion | None:
            """At most ``limit`` payloads, or None when there are none *now*."""


SIGKILL = 9
# Workers that end one after another before they can begin: then we give up.
STILLBORN_MAX = 3
SHOT_MAX = 10  # the same for those killed by a signal, which may have come from outside
GRACE = 5.0  # seconds for an idle worker to go home by itself


@record
class Portion:
    """Payloads for one batch.  ``heavy``: long work that must not have company."""

    payloads: tuple[object, ...]
    heavy: bool = False


@record
class Sight:
    """What a worker is at, for a display: read from its page, without a message.

    ``payload`` is that of its current task, None between two tasks.
    """

    pid: int
    payload: object
    note: bytes
    gauges: tuple[int, ...]


class Crew:
    """Workers that share a handler.  Use it in a ``with`` block; only from the thread that made it.

    Leaving the block normally lets the workers go home; leaving it by an exception ends them with
    SIGKILL.  Either way none is left.
    """

    _dead = True  # until it is made

    def __init__(
        self,
        handler: Handler,
        *,
        workers: int,
        setup: Any = None,
        start_method: str | None = None,
        gauges: int = 0,
    ) -> None:
        if workers < 1:
            raise ValueError(f"a crew needs at least one worker, not {workers}")
        self._method = start_method
        self._gauges = gauges
        self._schedule = Schedule(workers)
        self._hands: dict[int, Hand] = {}
        self._by_descriptor: dict[int, int] = {}
        self._poll = select.poll()
        self.keepalive = open_keepalive()
        self._kit = Kit(handler, setup, self.keepalive)
        self._retired = [0] * gauges
        self._stillborn = 0
        self._broken: CrewBroken | None = None
        self._stopping = False
        self._owner = os.getpid()
        self._dead = False
        self._deliver: Callable[[Outcome], None] = _ignore

    # -- the loop ----------------------------------------------------------------------------------

    def run(
        self,
        source: Source,
        deliver: Callable[[Outcome], None],
        *,
        watch: Mapping[int, Callable[[], None]] | None = None,
        tick: float | None = None,
        on_tick: Callable[[], None] = lambda: None,
    ) -> None:
        """Take tasks and deliver outcomes until the source has none and no worker is busy.

        ``watch`` maps further descriptors to what is called when one is readable; ``on_tick`` is
        called about every ``tick`` seconds.  Raises CrewBroken when workers end before they can begin a
        task, after the tasks in other workers' hands have ended; what nobody had in hand is Failed.
        """
        self._deliver = deliver
        watch = watch or {}
        for descriptor in watch:
            self._poll.register(descriptor, select.POLLIN)
        due = time.monotonic() + tick if tick else None
        try:
            while self._feed(source):
                timeout = None if due is None else max(0.0, due - time.monotonic()) * 1000
                for descriptor, _event in self._poll.poll(timeout):
                    if descriptor in watch:
                        watch[descriptor]()
                    else:
                        self._on_event(descriptor)
                if due is not None and tick is not None and time.monotonic() >= due:
                    on_tick()
                    due = time.monotonic() + tick
            if self._broken is not None:
                raise self._broken
        finally:
            for descriptor in watch:
                self._poll.unregister(descriptor)
            self._deliver = _ignore

    def stop(self) -> None:
        """Finish what is in the workers' hands, begin nothing else; the rest becomes Cancelled."""
        self._stopping = True
        for hand in self._hands.values():
            hand.tell_to_stop()

    def sights(self) -> list[Sight]:
        """What each worker is at, now."""
        return [
            Sight(
                worker,
                self._payload_in_hand(worker, hand),
                hand.page.read_note(),
                tuple(hand.page.gauges[: self._gauges]),
            )
            for worker, hand in self._hands.items()
        ]

    def _payload_in_hand(self, worker: int, hand: Hand) -> object:
        current = hand.current
        for flight in self._schedule.flights_of(worker):
            for task in flight.tasks:
                if task.number == current:
                    return task.payload
        return None

    def gauge_totals(self) -> list[int]:
        """Each gauge summed over all workers, dead ones included."""
        totals = list(self._retired)
        for hand in self._hands.values():
            for index in range(self._gauges):
                totals[index] += hand.page.gauges[index]
        return totals

    # -- feeding -----------------------------------------------------------------------------------

    def _feed(self, source: Source) -> bool:
        """Hand out whatever finds a place; False when all is done."""
        while True:
            if self._stopping or self._broken is not None:  # within this loop, too: callbacks may stop us
                self._give_up()
                return self._schedule.busy
            if self._schedule.wants_more():
                portion = source.take(self._schedule.batch_limit)
                if portion is not None:
                    self._admit(portion)
                    if not self._schedule.busy:
                        continue  # none of them could be pickled: ask again
            worker = self._schedule.assign()
            if worker is None:
                return self._schedule.busy
            self._send(self._hire() if worker == HIRE else worker)

    def _give_up(self) -> None:
        """The tasks that no worker has: they will not run."""
        for task in self._schedule.cancel():
            if self._broken is None:
                self._deliver(Cancelled(task.number, task.payload))
            else:
                self._deliver(Failed(task.number, task.payload, self._broken))

    def _admit(self, portion: Portion) -> None:
        ready = []
        for payload in portion.payloads:
            try:
                ready.append((payload, pickle.dumps(payload, pickle.HIGHEST_PROTOCOL)))
            except Exception as error:
                self._schedule.admit(ready, portion.heavy)
                ready = []
                self._deliver(Failed(self._schedule.skip(), payload, error))
        self._schedule.admit(ready, portion.heavy)

    def _send(self, worker: int) -> None:
        flight = self._schedule.depart(worker)
        batch = Batch(flight.number, tuple((task.number, task.data) for task in flight.tasks))
        try:
            self._hands[worker].channel.send(batch)
        except ChannelClosed:
            return  # it has just died: its pidfd tells, and the batch goes to somebody else

    def _hire(self) -> int:
        method = self._method or safe_start_method()
        with SignalsHeld() as held:  # a Ctrl-C must not come between the start and the books
            hand = hire(self._kit, method, self._hands.values(), held.before)
            worker = hand.child.pid
            self._hands[worker] = hand
            self._schedule.hired(worker)
            for descriptor in (hand.channel.fileno(), hand.child.pidfd):
                self._by_descriptor[descriptor] = worker
                self._poll.register(descriptor, select.POLLIN)
        return worker

    # -- events ------------------------------------------------------------------------------------

    def _on_event(self, descriptor: int) -> None:
        worker = self._by_descriptor.get(descriptor)
        if worker is None:
            return  # retired earlier in this very round of events
        hand = self._hands[worker]
        if descriptor == hand.child.pidfd:
            self._on_exit(worker, hand)
        else:
            self._on_message(worker, hand)

    def _on_message(self, worker: int, hand: Hand) -> bool:
        try:
            message = hand.channel.recv()
        except ChannelClosed:
            # A worker without a channel is of no use.  One that is ending already keeps its own exit.
            self._forget(hand.channel.fileno())
            hand.child.send_signal(SIGKILL)
            return False
        if isinstance(message, Ready):
            hand.ready = True
        elif isinstance(message, Spilled):
            hand.spilled[message.task] = message
        elif isinstance(message, BatchDone):
            self._on_batch_done(worker, hand, message)
        return True

    def _on_batch_done(self, worker: int, hand: Hand, message: BatchDone) -> None:
        hand.proven = True
        self._stillborn = 0
        flight = self._schedule.landed(worker, message.number, message.seconds)
        outcomes = self._outcomes_of(hand, flight)
        for task in flight.tasks:
            # A task without an outcome was not begun: the worker had been told to stop.
            self._deliver(outcomes.get(task.number) or Cancelled(task.number, task.payload))

    def _on_exit(self, worker: int, hand: Hand) -> None:
        # Whatever it said before it died still counts.  The channel may end twice: if there was a batch that
        # it had not read, the first recv is a reset, before all messages (sock_error in unix_dgram_recvmsg).
        ends = 0
        while ends < 2 and self._has_message(hand):
            ends += not self._on_message(worker, hand)
        exit_ = hand.child.reap()
        if exit_ is None:
            return
        flights = self._schedule.flights_of(worker)
        outcomes: dict[int, Outcome] = {}
        begun = False
        if flights:
            begun = hand.page.read_journal(flights[0].number) is not None
            outcomes = self._outcomes_of(hand, flights[0])
        note, current = hand.page.read_note(), hand.current
        self._retire(worker, hand)
        wreck = self._schedule.died(worker, current, outcomes, begun)
        for task in wreck.finished:
            self._deliver(outcomes[task.number])
        if wreck.lost is not None or wreck.finished:
            self._stillborn = 0
        elif flights and not hand.proven:
            self._count_stillborn(worker, exit_, ready=hand.ready)
        if wreck.lost is not None:
            self._deliver(_lost(wreck.lost, worker, exit_, note))

    def _outcomes_of(self, hand: Hand, flight: Flight) -> dict[int, Outcome]:
        """The outcomes that the journal of a flight holds, by task number."""
        tasks = {task.number: task for task in flight.tasks}
        entries = {
            number: (kind, data)
            for number, kind, data in hand.page.read_journal(flight.number) or ()
            if kind != ELSEWHERE
        }
        for number in tasks.keys() & hand.spilled.keys():
            spilled = hand.spilled.pop(number)
            entries[number] = (spilled.kind, spilled.data)
        return {number: _outcome(tasks[number], *entry) for number, entry in entries.items()}

    def _has_message(self, hand: Hand) -> bool:
        poll = select.poll()
        poll.register(hand.channel.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def _count_stillborn(self, worker: int, exit_: Exit, *, ready: bool) -> None:
        self._stillborn += 1
        limit = STILLBORN_MAX if exit_.signal is None else SHOT_MAX
        if self._stillborn >= limit and self._broken is None:
            # Not raised yet: what other workers have in hand comes to its end first.
            self._broken = CrewBroken(
                f"{self._stillborn} workers in a row ended before they could "
                f"{'begin a task' if ready else 'load their handler'}; the last one, {worker}, {exit_.reason}"
            )

    # -- the end -----------------------------------------------------------------------------------

    def kill(self) -> list[tuple[int, object]]:
        """End every worker with SIGKILL, wait until all are gone, and say what each was at.

        A list of (pid, payload); what they had in hand has no outcome any more.  A ``run`` that is under
        way ends as after ``stop``.
        """
        self._stopping = True
        for hand in self._hands.values():
            hand.child.send_signal(SIGKILL)
        at_work = []
        for worker, hand in list(self._hands.items()):
            hand.child.wait()
            payload = self._payload_in_hand(worker, hand)
            if payload is not None:
                at_work.append((worker, payload))
            self._retire(worker, hand)
            self._schedule.dismissed(worker)
        return at_work

    def _send_home(self) -> None:
        for hand in self._hands.values():
            hand.channel.close()
        deadline = time.monotonic() + GRACE
        for worker, hand in list(self._hands.items()):
            if hand.child.wait(max(0.0, deadline - time.monotonic())) is None:
                hand.child.send_signal(SIGKILL)
                hand.child.wait()
            self._retire(worker, hand)
            self._schedule.dismissed(worker)

    def _bury(self) -> None:
        """Whoever an interrupted end has left: no interrupt any more, and no wait without an end."""
        if not self._hands:
            return
        with SignalsHeld():
            for hand in self._hands.values():
                hand.child.send_signal(SIGKILL)
            deadline = time.monotonic() + GRACE
            for worker, hand in list(self._hands.items()):
                hand.child.wait(max(0.0, deadline - time.monotonic()))
                self._retire(worker, hand)

    def _retire(self, worker: int, hand: Hand) -> None:
        with SignalsHeld():  # all of it or nothing
            for index in range(self._gauges):
                self._retired[index] += hand.page.gauges[index]
            for descriptor, owner in list(self._by_descriptor.items()):
                if owner == worker:
                    self._forget(descriptor)
            del self._hands[worker]
            hand.let_go()

    def _forget(self, descriptor: int) -> None:
        if self._by_descriptor.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(kill=kind is not None)

    def __del__(self) -> None:
        # A Ctrl-C may come before the first line of __exit__; then this is the end.
        self.close(kill=True)

    def close(self, *, kill: bool = False) -> None:
        """Send the workers home (or kill them) and give everything back.  Safe to call twice."""
        if self._dead or os.getpid() != self._owner:  # a copy in somebody's fork must not end our workers
            return
        try:
            if kill:
                self.kill()
            else:
                self._send_home()
        finally:
            self._bury()
            with SignalsHeld():
                self._dead = True
                os.close(self.keepalive.write_fd)
                os.close(self.keepalive.read_fd)


def _outcome(task: Task, kind: int, data: bytes) -> Outcome:
    if kind != VALUE:
        return Failed(task.number, task.payload, unpack_error(data))
    try:
        return Done(task.number, task.payload, pickle.loads(data))
    except Exception as error:
        with contextlib.suppress(Exception):  # a frozen dataclass refuses notes
            error.add_note(f"the result of task {task.number} came back but does not unpickle")
        return Failed(task.number, task.payload, error)


def _lost(task: Task, worker: int, exit_: Exit, note: bytes) -> Lost:
    error = WorkerDied(task.number, worker, exit_, note.decode("utf-8", "backslashreplace"))
    return Lost(task.number, task.payload, error, note)


def _ignore(_outcome: Outcome) -> None:
    return
