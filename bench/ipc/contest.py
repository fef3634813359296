"""One run of one contestant, in a process of its own: ``python -m bench.ipc.contest WHAT PEER COUNT P C``.

Prints the seconds from the word go, given when all processes stand ready, until the last has ended.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

from bench.ipc.peers import QUEUES, Peer

ARRAY_BYTES = 8 << 20


class Team:
    """Forked processes that begin at the same moment."""

    def __init__(self) -> None:
        self.pids: list[int] = []
        self.ready, self.go = os.pipe(), os.pipe()

    def add(self, prepare: Callable[[], Callable[[], object]]) -> None:
        """A process that prepares, waits for the word, and does its work."""
        pid = os.fork()
        if pid:
            self.pids.append(pid)
            return
        code = 1
        try:
            os.close(self.go[1])
            work = prepare()
            os.write(self.ready[1], b"!")
            os.read(self.go[0], 1)
            work()
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)

    def time(self) -> float:
        """Give the word and wait for all; seconds."""
        for _ in self.pids:
            os.read(self.ready[0], 1)
        begun = time.perf_counter()
        os.close(self.go[1])
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in self.pids]
        seconds = time.perf_counter() - begun
        if any(codes):
            raise SystemExit(f"bench ipc: processes ended with {codes}")
        return seconds


def throughput(peer: Peer, make: Callable[[int], Any], count: int, producers: int, consumers: int) -> float:
    """``count`` items in all, put and got one by one; count is a multiple of producers x consumers."""
    team = Team()

    def consumer(number: int) -> Callable[[], object]:
        get, share = peer.get(number), count // consumers

        def work() -> None:
            for _ in range(share):
                get()

        return work

    def producer() -> Callable[[], object]:
        put, share = peer.put(), count // producers

        def work() -> None:
            for number in range(share):
                put(make(number))
            peer.finish()

        return work

    for number in range(consumers):
        team.add(lambda number=number: consumer(number))  # type: ignore[misc]
    for _ in range(producers):
        team.add(producer)
    return team.time()


def five_ints(number: int) -> tuple[int, ...]:
    return number, 2, 3, 4, 5


def arrays() -> Callable[[int], Any]:
    """The same 8 MiB of numbers each time: making them is not what is measured."""
    import numpy as np

    array = np.arange(ARRAY_BYTES // 8)
    return lambda _: array


def pipe_of(name: str) -> tuple[Any, Any]:
    if name == "procession":
        from procession.ipc.connection import Pipe as Ours

        return Ours()
    from multiprocessing import Pipe

    return Pipe()


def one_way(name: str, count: int) -> float:
    """Messages through a Pipe, one sender, one receiver."""
    ours, theirs = pipe_of(name)
    team = Team()
    team.add(lambda: lambda: [ours.send((number, 2, 3, 4, 5)) for number in range(count)])
    team.add(lambda: lambda: [theirs.recv() for _ in range(count)])
    return team.time()


def round_trips(name: str, count: int) -> float:
    """A message there and back, ``count`` times, through a Pipe."""
    ours, theirs = pipe_of(name)
    team = Team()

    def ask() -> None:
        for number in range(count):
            ours.send((number, 2, 3, 4, 5))
            ours.recv()

    def answer() -> None:
        for _ in range(count):
            theirs.send(theirs.recv())

    team.add(lambda: ask)
    team.add(lambda: answer)
    return team.time()


def queue_round_trips(kind: type[Peer], count: int) -> float:
    """The same through two queues."""
    there, back = kind(1), kind(1)
    team = Team()

    def ask() -> Callable[[], object]:
        get, put = back.get(0), there.put()

        def work() -> None:
            for number in range(count):
                put(five_ints(number))
                get()
            there.finish()

        return work

    def answer() -> Callable[[], object]:
        get, put = there.get(0), back.put()

        def work() -> None:
            for _ in range(count):
                put(get())
            back.finish()

        return work

    team.add(ask)
    team.add(answer)
    return team.time()


def main(words: list[str]) -> None:
    what, name, *numbers = words
    count, producers, consumers = map(int, numbers)
    if what == "pipe":
        print(one_way(name, count))
        return
    if what == "pipe-round-trip":
        print(round_trips(name, count))
        return
    kind = next(kind for kind in QUEUES if kind.name == name)
    if what == "queue-round-trip":
        print(queue_round_trips(kind, count))
        return
    make = arrays() if what == "arrays" else five_ints
    print(throughput(kind(consumers), make, count, producers, consumers))


if __name__ == "__main__":
    main(sys.argv[1:])
