"""``multiprocessing.shared_memory``: named shared memory of procession.ipc under its classic name."""

from __future__ import annotations

from procession.ipc.classic import rest_of
from procession.ipc.shared_memory import ShareableList, SharedMemory

__all__ = ["ShareableList", "SharedMemory"]
__getattr__ = rest_of("shared_memory")
