"""One worker as the parent sees it: its process, its channel, its page."""

from __future__ import annotations

import os
import pickle
import sys

from procession.errors import ChannelClosed
from procession.ipc.channel import Channel, channel_pair
from procession.pool.messages import Setup
from procession.pool.page import CURRENT, STOP, Page, create_page
from procession.pool.worker import serve
from procession.process.start import FORK, fork_child, spawn_child
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from typing import Any

    from procession.linux.keepalive import Keepalive
    from procession.pool.messages import Spilled
    from procession.pool.worker import Handler
    from procession.process.child import Child


class Hand:
    """A hired worker.  ``spilled`` holds results that came by message, until their batch lands."""

    __slots__ = ("channel", "child", "page", "proven", "ready", "spilled")

    def __init__(self, child: Child, channel: Channel, page: Page) -> None:
        self.child = child
        self.channel = channel
        self.page = page
        self.ready = False  # it has loaded its handler
        self.proven = False  # it has ended a batch
        self.spilled: dict[int, Spilled] = {}

    @property
    def current(self) -> int:
        """The number of the task in its hands, or IDLE."""
        return self.page.slots[CURRENT]

    def tell_to_stop(self) -> None:
        """Ask the worker to end its current task early and begin no other."""
        self.page.slots[STOP] = 1

    def let_go(self) -> None:
        """Give back everything that stood for the worker.  Its child must have been reaped."""
        self.channel.close()
        self.page.close()
        self.child.close()


@record
class Kit:
    """What every worker of a crew is given."""

    handler: Handler
    setup: Any
    keepalive: Keepalive


@record
class _Ties:
    """What parent and worker share; ``mine`` is the parent's end, ``theirs`` the worker's."""

    mine: Channel
    theirs: Channel
    page: Page
    page_descriptor: int


def hire(kit: Kit, method: str, others: Iterable[Hand], mask: Collection[int]) -> Hand:
    """Start a worker.  ``others`` are the hands whose descriptors it must not inherit.

    To be called inside ``SignalsHeld``, whose ``before`` is the ``mask``.
    """
    # Pickled before anything is started: a handler that cannot travel leaves nothing behind.
    first = None if method == FORK else _setup_message(kit)
    ties = _tie()
    try:
        child = _spawn(kit, ties, mask) if first else _fork(kit, ties, others, mask)
    except BaseException:
        ties.mine.close()
        ties.page.close()
        raise
    finally:
        ties.theirs.close()
        os.close(ties.page_descriptor)
    if first:
        try:
            ties.mine.send(first)
        except ChannelClosed:
            pass  # it has ended already: its pidfd tells
    return Hand(child, ties.mine, ties.page)


def _tie() -> _Ties:
    mine, theirs = channel_pair()
    try:
        descriptor, page = create_page()
    except BaseException:
        mine.close()
        theirs.close()
        raise
    return _Ties(mine, theirs, page, descriptor)


def _fork(kit: Kit, ties: _Ties, others: Iterable[Hand], mask: Collection[int]) -> Child:
    # A copy of another worker's channel in this child would hide that worker's end of file.
    others = list(others)
    private = [ties.mine.fileno(), ties.page_descriptor]
    for hand in others:
        private += [hand.channel.fileno(), hand.child.pidfd]

    def main() -> None:
        for hand in others:
            hand.page.close()
        serve(ties.theirs, ties.page, kit.handler, kit.setup)

    return fork_child(main, kit.keepalive, private, mask)


def _spawn(kit: Kit, ties: _Ties, mask: Collection[int]) -> Child:
    give = (ties.theirs.fileno(), ties.page_descriptor)
    return spawn_child("procession.pool.worker:arrive", kit.keepalive, give, mask=mask)


def _setup_message(kit: Kit) -> Setup:
    return Setup(tuple(sys.path), pickle.dumps((kit.handler, kit.setup), pickle.HIGHEST_PROTOCOL))
