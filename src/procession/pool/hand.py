"""One worker as the parent sees it: its process, its channel, its page."""

from __future__ import annotations

import os

from procession.ipc.channel import Channel, channel_pair
from procession.pool.messages import Setup
from procession.pool.page import CURRENT, STOP, Page, create_page
from procession.pool.worker import serve
from procession.process.start import FORK, fork_child, spawn_child

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from procession.linux.keepalive import Keepalive
    from procession.pool.messages import Spilled
    from procession.pool.worker import Handler
    from procession.process.child import Child


class Hand:
    """A hired worker.  ``spilled`` holds results that came by message, until their batch lands."""

    __slots__ = ("channel", "child", "page", "ready", "spilled")

    def __init__(self, child: Child, channel: Channel, page: Page) -> None:
        self.child = child
        self.channel = channel
        self.page = page
        self.ready = False
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


def hire(handler: Handler, setup: Any, method: str, keepalive: Keepalive, others: Iterable[Hand]) -> Hand:
    """Start a worker.  ``others`` are the hands whose descriptors it must not inherit."""
    mine, theirs = channel_pair()
    page_descriptor, page = create_page()
    try:
        if method == FORK:
            # A copy of another worker's channel in this child would hide that worker's end of file.
            others = list(others)
            private = [mine.fileno(), page_descriptor]
            for hand in others:
                private += [hand.channel.fileno(), hand.child.pidfd]

            def main() -> None:
                for hand in others:
                    hand.page.close()
                serve(theirs, page, handler, setup)

            child = fork_child(main, keepalive, private)
        else:
            child = spawn_child(
                "procession.pool.worker:arrive", keepalive, (theirs.fileno(), page_descriptor)
            )
    except BaseException:
        mine.close()
        page.close()
        raise
    finally:
        theirs.close()
        os.close(page_descriptor)
    hand = Hand(child, mine, page)
    if method != FORK:
        mine.send(Setup(handler, setup))
    return hand
