"""The child's side: read a batch, do its tasks, write each outcome down, say that it is done.

A worker waits for nothing but its own channel, shares no lock with anybody, and never decides
anything: when the channel ends it goes home.
"""

from __future__ import annotations

import os
import pickle
import sys
import time

from procession.errors import ChannelClosed
from procession.ipc.channel import Channel
from procession.ipc.faults import pack_error, unpack_error
from procession.pool.messages import Batch, BatchDone, Ready, Setup, Spilled
from procession.pool.page import CURRENT, ELSEWHERE, ERROR, IDLE, NOTE_LENGTH, STOP, VALUE, Page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Handler = Callable[["Context", Any], object]


class Context:
    """What a handler may use of its worker."""

    __slots__ = ("_page", "gauges", "note", "note_steps", "pid", "setup", "state", "step")

    def __init__(self, page: Page, setup: Any = None) -> None:
        self._page = page
        #: the worker's process.
        self.pid = os.getpid()
        #: what the crew was given as ``setup``.
        self.setup = setup
        #: the handler's own, kept from task to task.
        self.state: Any = None
        #: int64 counters that the parent may read at any time; they only ever grow.
        self.gauges = page.gauges
        #: ``note(text)``: what exactly the worker is at, for the report of its death.
        self.note = page.note
        #: ``note_steps(texts)`` and ``step[0] = n``: the same for many short steps, a store for each.
        self.note_steps = page.note_steps
        self.step = page.step

    @property
    def stopping(self) -> bool:
        """True once the parent wants the worker to finish what is in its hands and no more."""
        return self._page.slots[STOP] != 0


def serve(channel: Channel, page: Page, handler: Handler, setup: Any = None) -> None:
    """Work until the channel ends."""
    context = Context(page, setup)
    try:
        channel.send(Ready(os.getpid()))
        while True:
            batch = channel.recv()
            assert isinstance(batch, Batch)
            _work_off(channel, page, handler, context, batch)
    except ChannelClosed:
        return


def _work_off(channel: Channel, page: Page, handler: Handler, context: Context, batch: Batch) -> None:
    begun = time.monotonic()
    slots = page.slots
    page.open_journal(batch.number)
    for task, payload in batch.tasks:
        if slots[STOP]:
            break
        slots[NOTE_LENGTH] = 0  # the note of another task would mislead
        slots[CURRENT] = task
        kind, data = _do(handler, context, payload)
        if os.getpid() != context.pid:
            _stray(context.pid, task, kind, data)
        if not page.enter(batch.number, task, kind, data):
            # Sent before it is marked: a death between the two must not lose it.
            channel.send(Spilled(task, kind, data))
            page.enter(batch.number, task, ELSEWHERE, b"")
    slots[CURRENT] = IDLE
    channel.send(BatchDone(batch.number, time.monotonic() - begun))


def _do(handler: Handler, context: Context, payload: bytes) -> tuple[int, bytes]:
    try:
        return VALUE, pickle.dumps(handler(context, pickle.loads(payload)), pickle.HIGHEST_PROTOCOL)
    except BaseException as error:  # SystemExit too: every task has an outcome
        return ERROR, pack_error(error)


def _stray(worker: int, task: int, kind: int, data: bytes) -> None:
    """A child that the handler has forked came back out of it: the task, the page and the channel are not
    its own.  It ends here, as it would have at the end of its main."""
    try:
        words = unpack_error(data).__cause__ if kind == ERROR else "it returned"
        sys.stderr.write(f"a child that the handler of worker {worker} forked in task {task}: {words}\n")
        sys.stderr.flush()
    finally:
        os._exit(1)


def arrive(_argument: str, channel: int, page: int) -> None:
    """The entry of a spawned worker: descriptors of its channel and its page."""
    mapped = Page(page)
    os.close(page)
    # A copy that no unwinding closes: while this process ends, of an exception say, the parent must not
    # take the end of the channel for a worker that has fallen silent, and kill it.
    os.dup(channel)
    mine = Channel.from_descriptor(channel)
    try:
        first = mine.recv()
    except ChannelClosed:
        return  # the parent has given up already
    assert isinstance(first, Setup)
    sys.path[:] = first.path  # before the handler is looked for
    handler, setup = pickle.loads(first.data)
    serve(mine, mapped, cast_handler(handler), setup)


def cast_handler(handler: Any) -> Handler:
    """The handler that a Setup carries, checked."""
    if not callable(handler):
        raise TypeError(f"a worker's handler must be callable, not {type(handler).__name__}")
    made: Handler = handler
    return made
