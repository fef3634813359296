"""One worker as the parent sees it: its process, its channel, its page."""

from __future__ import annotations

import marshal
import os
import select
import socket
import sys
import time

from procession.errors import ChannelClosed
from procession.ipc import carry
from procession.linux.seqpacket import seqpacket_pair
from procession.pool.messages import WORK, Head, receive, send
from procession.pool.page import STOP, VERSION, Page, create_page
from procession.pool.worker import serve
from procession.process.start import FORK, fork_child, safe_start_method, spawn_child
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from typing import Any, Protocol

    from procession.linux.keepalive import Keepalive
    from procession.pool.ear import Ear
    from procession.pool.messages import Packet
    from procession.pool.worker import Handler
    from procession.process.child import Child
    from procession.process.exits import Exit

    class Body(Protocol):
        """The process of a worker."""

        pid: int
        pidfd: int

        def reap(self) -> Exit | None:
            """Its end, if it has ended; does not block."""

        def wait(self, timeout: float | None = None) -> Exit | None:
            """Wait for its end."""

        def send_signal(self, signum: int) -> None:
            """Send it a signal, if it still runs."""

        def close(self) -> None:
            """Give back what stands for it."""


class Hand:
    """A hired worker, and what is to be remembered of it."""

    __slots__ = (
        "borrowed", "busy", "child", "deadline", "doomed", "ear", "events", "full", "given", "hired", "knows", "number", "orphaned", "overdue", "page", "pid", "proven",
        "ready", "sock", "spilled", "tasks", "verdict", "why",
    )  # fmt: skip

    def __init__(self, child: Body, sock: socket.socket, page: Page, number: int = 0) -> None:
        self.child = child
        self.pid = child.pid
        self.sock = sock
        self.page = page
        self.number = number
        self.ready = False  # it can work
        self.proven = False  # it has ended a flight
        self.borrowed = False  # a caller waits for its messages himself
        self.ear: Ear | None = None  # his
        self.orphaned = False  # and is the last to need its channel
        self.events = select.EPOLLIN  # what the engine's epoll looks for on its channel
        self.full = False  # its socket: we are told when it has room again
        self.knows = {0, 1}  # the jobs whose function it has; CALLS and HANDLER from its start
        self.spilled: dict[int, dict[int, Packet]] = {}  # by flight and task, until that flight lands
        self.given = 0  # tasks sent
        self.tasks = 0  # tasks with an outcome
        self.busy = 0.0  # seconds in flights
        self.hired = time.monotonic()
        self.deadline: float | None = None  # when to look whether its task takes too long
        self.overdue: float | None = None  # when not to wait longer for what its flight has done already
        self.doomed: float | None = None  # when it is to be killed, because its channel has ended
        self.verdict: tuple[int, int, BaseException] | None = None  # flight, task, and why we killed it
        self.why = ""  # it is to go

    def tell_to_stop(self) -> None:
        """Ask the worker to end its current task early and begin no other."""
        self.page.slots[STOP] = 1

    def let_go(self) -> None:
        """Give back everything that stood for the worker.  Its process must have been reaped."""
        for flights in self.spilled.values():
            for packet in flights.values():
                for descriptor in packet.descriptors:
                    os.close(descriptor)
        self.spilled.clear()
        self.orphaned = self.borrowed
        if not self.borrowed:
            self.close_channel()
        self.page.close()
        self.child.close()

    def close_channel(self) -> None:
        """The last part, once nobody listens any more."""
        self.sock.close()
        if self.ear is not None:
            self.ear.close()
            self.ear = None

    def abandon(self) -> None:
        """In a forked child, which is not its parent."""
        self.close_channel()
        self.page.close()


@record
class Ties:
    """What parent and worker share; ``mine`` is the parent's end, ``theirs`` the worker's."""

    mine: socket.socket
    theirs: socket.socket
    page: Page
    descriptor: int  # of the page


def tie() -> Ties:
    """A channel and a page for a new worker."""
    mine, theirs = seqpacket_pair()
    try:
        descriptor, page = create_page()
    except BaseException:
        mine.close()
        theirs.close()
        raise
    return Ties(mine, theirs, page, descriptor)


def tied(start: Callable[[Ties], Body], number: int = 0) -> Hand:
    """A worker that ``start`` starts with its ends of the ties; ours are the hand's, and closed if it fails."""
    ties = tie()
    try:
        return Hand(start(ties), ties.mine, ties.page, number)
    except BaseException:
        ties.mine.close()
        ties.page.close()
        raise
    finally:
        ties.theirs.close()
        os.close(ties.descriptor)


class LeanHirer:
    """Workers that cost little: a bare fork, or an interpreter that loads nothing else."""

    holds_signals = True

    def __init__(self, handler: Handler, setup: Any, method: str | None, keepalive: Keepalive) -> None:
        self._handler = handler
        self._setup = setup
        self._method = method
        self._keepalive = keepalive

    def hire(self, others: Sequence[Hand], mask: Collection[int]) -> Hand:
        """Start a worker.  Inside ``SignalsHeld``, whose ``before`` is the ``mask``."""
        method = self._method or safe_start_method()
        # Pickled before anything is started: a handler that cannot travel leaves nothing behind.
        first = None if method == FORK else carry.pack((self._handler, self._setup))
        if first is None:
            return tied(lambda ties: self._fork(ties, others, mask))
        hand = tied(lambda ties: self._spawn(ties, mask))
        try:
            path = marshal.dumps(tuple(sys.path), VERSION)
            send(hand.sock, Head(WORK, count=len(path)), path + first.data, first.descriptors)
        except ChannelClosed:
            pass  # it has ended already: its pidfd tells
        return hand

    def _fork(self, ties: Ties, others: Sequence[Hand], mask: Collection[int]) -> Child:
        # A copy of another worker's channel in this child would hide that worker's end of file.
        private = [ties.mine.fileno(), ties.descriptor]
        for hand in others:
            private += [hand.sock.fileno(), hand.child.pidfd]

        def main() -> None:
            for hand in others:
                hand.page.close()
            serve(ties.theirs, ties.page, self._handler, self._setup)

        return fork_child(main, self._keepalive, private, mask)

    def _spawn(self, ties: Ties, mask: Collection[int]) -> Child:
        give = (ties.theirs.fileno(), ties.descriptor)
        return spawn_child("procession.pool.hand:arrive", self._keepalive, give, mask=mask)


def arrive(_argument: str, channel: int, page: int) -> None:
    """The entry of a spawned worker: descriptors of its channel and its page."""
    mapped = Page(page)
    os.close(page)
    # A copy that no unwinding closes: while this process ends, of an exception say, the parent must not
    # take the end of the channel for a worker that has fallen silent, and kill it.
    os.dup(channel)
    mine = socket.socket(fileno=channel)
    try:
        first = receive(mine)
    except ChannelClosed:
        return  # the parent has given up already
    size = first.head.count
    sys.path[:] = marshal.loads(first.data[:size])  # before the handler is looked for
    handler, setup = carry.unpack(first.data[size:], first.descriptors)
    serve(mine, mapped, cast_handler(handler), setup)


def cast_handler(handler: Any) -> Handler:
    """The handler that a message carries, checked."""
    if not callable(handler):
        raise TypeError(f"a worker's handler must be callable, not {type(handler).__name__}")
    made: Handler = handler
    return made
