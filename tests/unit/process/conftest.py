"""Children by either start method, ended and reaped whatever a test does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from procession.linux.keepalive import Keepalive, open_keepalive
from procession.process.child import Child
from procession.process.start import fork_child

Fork = Callable[..., Child]
Adopt = Callable[[Child], Child]


@pytest.fixture
def keepalive() -> Iterator[Keepalive]:
    pipe = open_keepalive()
    yield pipe
    os.close(pipe.read_fd)
    os.close(pipe.write_fd)


@pytest.fixture
def adopt() -> Iterator[Adopt]:
    children: list[Child] = []

    def take(child: Child) -> Child:
        children.append(child)
        return child

    yield take
    for child in children:
        if child.pidfd >= 0:
            child.send_signal(9)
            child.wait()
            child.close()


@pytest.fixture
def fork(keepalive: Keepalive, adopt: Adopt) -> Fork:
    """Run a function in a forked child."""

    def start(main: Callable[[], None], close: tuple[int, ...] = ()) -> Child:
        return adopt(fork_child(main, keepalive, close))

    return start
