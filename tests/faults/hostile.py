"""A tree of processes that does not want to end: python hostile.py KIND WRITE_FD.

Its root writes a byte once all of its kind is in place.  No kind grows without bound, so that a failed test leaves
something that can be cleared away.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable

DEAF = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1)


def nap() -> None:
    while True:
        signal.pause()


def breathe() -> None:
    """A millisecond, so that many such trees leave time to others; enough of a race for whoever hunts them."""
    select.select([], [], [], 0.001)


def child(work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    finally:
        os._exit(0)


def deaf() -> None:
    for number in DEAF:
        signal.signal(number, signal.SIG_IGN)
    nap()


def respawn() -> None:
    """Whoever is killed is replaced at once, by two as long as there are few."""
    living: set[int] = set()
    while True:
        while len(living) < 4:
            living.add(child(nap))
        ended, _ = os.wait()
        living.discard(ended)


def daemon(work: Callable[[], None]) -> None:
    """Fork twice, with a session in between: the grandchild belongs to nobody."""

    def middle() -> None:
        os.setsid()
        child(work)

    os.waitpid(child(middle), 0)


def hop(*, own_session: bool) -> None:
    """Be always somebody else: fork, and leave it to the child to go on."""
    if os.fork():
        os._exit(0)
    while True:
        if own_session:
            os.setsid()
        breathe()
        if os.fork():
            os._exit(0)


def hoppers() -> None:
    child(lambda: hop(own_session=True))
    child(lambda: hop(own_session=False))


def daemons() -> None:
    daemon(nap)
    daemon(deaf)

    def own_group() -> None:
        child(nap)
        os.setpgid(0, 0)
        nap()

    daemon(own_group)


def sessions() -> None:
    def own() -> None:
        os.setsid()
        child(deaf)
        child(respawn)
        nap()

    child(own)
    child(own)


def wakers() -> None:
    """Two that wake each other and their group again and again."""

    def wake() -> None:
        while True:
            os.killpg(0, signal.SIGCONT)
            breathe()

    child(wake)
    child(wake)


def busy() -> None:
    """A child for a moment, again and again, and now and then a daemon."""

    def loop() -> None:
        for count in range(1_000_000_000):
            os.waitpid(child(breathe), 0)
            if count in (5, 50, 500):
                daemon(deaf)

    child(loop)


KINDS: dict[str, Callable[[], object]] = {
    "deaf": lambda: child(deaf),
    "respawn": lambda: child(respawn),
    "daemons": daemons,
    "sessions": sessions,
    "hoppers": hoppers,
    "wakers": wakers,
    "busy": busy,
    "all": lambda: [KINDS[kind]() for kind in ("deaf", "respawn", "daemons", "sessions", "hoppers", "busy")],
}


def main() -> None:
    os.setpgid(0, 0)
    KINDS[sys.argv[1]]()
    os.write(int(sys.argv[2]), b".")
    os.close(int(sys.argv[2]))
    for number in DEAF:
        signal.signal(number, signal.SIG_IGN)
    nap()


if __name__ == "__main__":
    main()
