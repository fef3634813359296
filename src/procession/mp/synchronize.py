"""``multiprocessing.synchronize``: the locks of procession.ipc under their classic name."""

from __future__ import annotations

from procession.ipc.classic import rest_of
from procession.ipc.locks import Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore

__all__ = ["Barrier", "BoundedSemaphore", "Condition", "Event", "Lock", "RLock", "Semaphore"]
__getattr__ = rest_of("synchronize")
