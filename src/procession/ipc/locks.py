"""Every lock-like class: what ``multiprocessing.synchronize`` has, and killed holders do not matter."""

from __future__ import annotations

from procession.ipc.barrier import Barrier
from procession.ipc.condition import Condition
from procession.ipc.event import Event
from procession.ipc.mutex import Lock, RLock
from procession.ipc.semaphore import BoundedSemaphore, Semaphore

__all__ = ["Barrier", "BoundedSemaphore", "Condition", "Event", "Lock", "RLock", "Semaphore"]
