"""``multiprocessing.queues``: the queues of procession.ipc under their classic name."""

from __future__ import annotations

from queue import Empty, Full

from procession.ipc.classic import rest_of
from procession.ipc.queues import JoinableQueue, Queue, SimpleQueue

__all__ = ["Empty", "Full", "JoinableQueue", "Queue", "SimpleQueue"]
__getattr__ = rest_of("queues")
