"""The pool under ``pn map``, and how a command is handed to it."""

from __future__ import annotations

import signal
from functools import partial

from procession.commands.outcome import Outcome
from procession.commands.shell import perform, prepare
from procession.errors import WorkerDied
from procession.pool.pool import Pool
from procession.process import context
from procession.process.served import server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.commands.plan import Work
    from procession.commands.shell import Signs


def open_pool(workers: int, signs: Signs) -> Pool:
    """Workers that are small (a fork server has imported what they need) and deaf to Ctrl-C."""
    server.set_forkserver_preload(["procession.commands.shell"])
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return Pool(workers, prepare, (signs,), context=context.concrete("forkserver"))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def submit(
    pool: Pool,
    call: tuple[tuple[str, ...], float | None, float],
    work: Work,
    hear: Callable[[Work, Outcome], None],
) -> None:
    """Have ``perform`` run; ``hear`` gets its outcome in the pool's thread, whatever becomes of its worker."""
    pool.apply_async(
        perform,
        call,
        callback=partial(hear, work),
        error_callback=lambda error: hear(work, Outcome(None, None, _lost(error))),
    )


def _lost(error: BaseException) -> str:
    if isinstance(error, WorkerDied):
        return f"its worker {error.pid} {error.exit.reason}"
    return f"was lost: {error}"
