"""The storm: processes that use everything at once while they are killed, and a ledger that no kill can bend.

::

    producers ── Item ──▶ Queue ──▶ consumers          every process: Lock, Event, and a Pipe to the test
        │ announced, put                │ received
        ▼                               ▼
      ledger (shared memory, one writer a cell, plain stores) ◀── read by the test at the end

A cell of the ledger is written before and after each step, so a kill between the two leaves exactly one
item of that process in doubt, and the test can name it.
"""

from __future__ import annotations

import os
import zlib
from typing import Any

from procession.ipc.connection import Connection
from procession.ipc.locks import Event, Lock
from procession.ipc.queues import Queue
from procession.ipc.sharedctypes import RawArray

SEATS = 20  # processes at once; an even seat is a producer, an odd one a consumer
LIVES = 600  # incarnations of a seat at most
ITEMS = 4000  # items that one incarnation of a producer puts at most


class Ledger:
    """Counts in shared memory.  ``life`` numbers every process that the storm has started."""

    def __init__(self, lives: int) -> None:
        self.announced = RawArray("i", lives)  # by the producer, before put
        self.put = RawArray("i", lives)  # by the producer, after put
        self.received = RawArray("B", lives * ITEMS)  # by the one consumer that got the item
        self.torn = RawArray("i", lives)
        self.inside = RawArray("q", 2)  # the life inside the lock; rounds made inside it
        self.rounds = RawArray("q", lives)  # the same rounds, counted by each life
        self.broken = RawArray("i", lives)  # somebody else was inside too


def item(life: int, number: int) -> tuple[int, int, bytes, int]:
    """A message whose tearing would show: its body follows from its numbers, and a checksum from that."""
    size = (life * 31 + number * 7) % 300 if number % 50 else 20_000 + number
    body = bytes([(life + number) % 251]) * size
    return life, number, body, zlib.crc32(body, life * 65_536 + number)


class Gear:
    """What all lives share."""

    def __init__(self, lives: int) -> None:
        self.ledger = Ledger(lives)
        self.queue: Queue[tuple[int, int, bytes, int]] = Queue()
        self.lock = Lock()
        self.gate = Event()


def produce(life: int, gear: Gear, pipe: Connection) -> None:
    """Put items until the gate says stop or the numbers are used up."""
    for number in range(ITEMS):
        if not work(life, number, gear, pipe):
            break
        gear.ledger.announced[life] = number + 1
        gear.queue.put(item(life, number))
        gear.ledger.put[life] = number + 1
    gear.queue.close()
    pipe.close()


def consume(life: int, gear: Gear, pipe: Connection) -> None:
    """Take items until nobody can put any more."""
    ledger = gear.ledger
    for count, (maker, number, body, check) in enumerate(gear.queue):
        cell = maker * ITEMS + number
        ledger.received[cell] = min(ledger.received[cell] + 1, 255)
        if check != zlib.crc32(body, maker * 65_536 + number):
            ledger.torn[life] += 1
        work(life, count, gear, pipe)
    pipe.close()


def work(life: int, number: int, gear: Gear, pipe: Connection) -> bool:
    """A bit of everything; False once the storm is over."""
    if number % 8 == 0:
        inside(life, gear.ledger, gear.lock)
    if number % 32 == 0:
        try:
            pipe.send((life, number, b"x" * (number % 1000)))
        except OSError:
            os._exit(3)  # the test has gone
    return not gear.gate.is_set()


def inside(life: int, ledger: Ledger, lock: Any) -> None:
    """Two stores that only one process at a time may make; a kill between them shows as a lock recovered."""
    with lock:
        if ledger.inside[0] not in (0, life) and not lock.recovered:
            ledger.broken[life] += 1
        ledger.inside[0] = life
        ledger.rounds[life] += 1
        ledger.inside[1] += 1
        if ledger.inside[0] != life:
            ledger.broken[life] += 1
        ledger.inside[0] = 0
