"""Workers of a Pool: processes of the library (floor 3), by whichever start method.

::

    parent: Pool ── TeamHirer.hire ──▶ Process(target=work, args=(seat, kit))
    child:  work ── initializer ── READY ── flights ... end of file ── exit handlers
"""

from __future__ import annotations

import faulthandler
import os
import signal
import socket

from procession.ipc import carry
from procession.ipc.faults import pack_error
from procession.linux import membarrier
from procession.pool.hand import tied
from procession.pool.here import PoolWorker, become
from procession.pool.messages import REFUSED, Head, send
from procession.pool.page import Page
from procession.pool.worker import serve
from procession.process.dumps import offer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from procession.pool.hand import Hand, Ties
    from procession.process.exits import Exit
    from procession.process.options import Limits
    from procession.process.process import Process

_SIGKILL = 9


def warm_up() -> None:
    """Load what is only loaded when it is first called."""
    membarrier.available()


class Kit:
    """What every worker of a pool is given."""

    def __init__(
        self, initializer: Callable[..., object] | None, initargs: tuple[Any, ...], shared: Any
    ) -> None:
        self.initializer = initializer
        self.initargs = initargs
        self.shared = shared


class Seat:
    """A worker's end of the channel and its page, on the way to it."""

    def __init__(self, channel: int, page: int, number: int, parents_end: int = -1) -> None:
        self.channel = channel
        self.page = page
        self.number = number
        self.parents_end = parents_end  # in a forked child: a copy that must not stay open

    def __reduce__(self) -> tuple[object, ...]:
        return _seat, (carry.share(self.channel), carry.share(self.page), self.number)


def _seat(channel: Any, page: Any, number: int) -> Seat:
    return Seat(channel.detach(), page.detach(), number)


class Body:
    """A Process as the engine sees it."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.pid: int = process.pid  # type: ignore[assignment]
        self.pidfd = process.sentinel

    def reap(self) -> Exit | None:
        """Its end, if it has ended."""
        return self.process.exit

    def wait(self, timeout: float | None = None) -> Exit | None:
        """Wait for its end."""
        self.process.join(timeout)
        return self.process.exit

    def send_signal(self, signum: int) -> None:
        """Send it a signal, if it still runs."""
        if signum == _SIGKILL:
            self.process.kill()
        else:
            self.process.terminate()

    def close(self) -> None:
        """Give back what stands for it."""
        if self.process.exit is not None:
            self.process.close()


class TeamHirer:
    """Starts the workers of one pool."""

    holds_signals = False

    def __init__(self, context: Any, kit: Kit, limits: Limits | None) -> None:
        self.context = context
        self._kit = kit
        self._limits = limits
        self._number = 0
        # What each worker needs, loaded here and in the fork server: a forked one has it then.
        warm_up()
        if context.get_start_method() == "forkserver":
            from procession.process.served import server

            server.warm("procession.pool.warm")

    def hire(self, others: Sequence[Hand], _mask: object) -> Hand:  # noqa: ARG002 - see abandon
        """Start a worker.  What a forked one inherits of its brothers is closed when it forks (runner.py)."""
        self._number += 1
        return tied(self._start, self._number)

    def _start(self, ties: Ties) -> Body:
        seat = Seat(ties.theirs.fileno(), ties.descriptor, self._number, ties.mine.fileno())
        limits = {} if self._limits is None else {"limits": self._limits}
        process: Process = self.context.Process(target=work, args=(seat, self._kit), daemon=True, **limits)
        process.name = process.name.replace("Process", "PoolWorker")
        process.start()
        return Body(process)


def work(seat: Seat, kit: Kit) -> None:
    """The life of a worker."""
    if seat.parents_end >= 0:
        os.close(seat.parents_end)
    sock = socket.socket(fileno=seat.channel)
    page = Page(seat.page)
    os.close(seat.page)
    _settle_in()
    become(PoolWorker(page, _own_name(), seat.number, os.getpid(), kit.shared))
    if kit.initializer is not None:
        try:
            kit.initializer(*kit.initargs)
        except BaseException as error:
            # Raised in the parent by whatever is asked of the pool; here it would only be printed once more.
            send(sock, Head(REFUSED), pack_error(error))
            raise SystemExit(1) from None
    serve(sock, page, seal=True)
    sock.close()


def _settle_in() -> None:
    # A Ctrl-C reaches the whole foreground group, but the parent alone decides.  A handler, and not SIG_IGN:
    # that would be inherited by the programs that tasks start.
    signal.signal(signal.SIGINT, _not_ours)
    try:
        if not faulthandler.is_enabled():
            faulthandler.enable()  # a segmentation fault leaves a traceback on stderr
    except (AttributeError, ValueError, OSError):  # stderr is closed, or no file
        pass
    offer()  # our stacks, to pn stack


def _own_name() -> str:
    from multiprocessing.process import current_process

    return current_process().name


def _not_ours(*_: object) -> None:
    return
