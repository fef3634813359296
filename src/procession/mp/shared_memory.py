"""``multiprocessing.shared_memory``: named shared memory of procession.ipc under its classic name."""

from __future__ import annotations

from procession.ipc.classic import rest_of

try:
    from procession.ipc.shared_memory import ShareableList, SharedMemory
except ImportError:
    from procession.ipc.classic import classic

    ShareableList, SharedMemory = (getattr(classic("shared_memory"), n) for n in ("ShareableList", "SharedMemory"))

__all__ = ["ShareableList", "SharedMemory"]
__getattr__ = rest_of("shared_memory")
