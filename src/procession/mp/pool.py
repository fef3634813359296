"""``multiprocessing.pool``: the standard library's pool, on our processes, queues and locks."""

from __future__ import annotations

from procession.ipc.classic import classic, rest_of

__all__ = ["Pool", "ThreadPool"]
__getattr__ = rest_of("pool")

_theirs = classic("pool")
Pool = _theirs.Pool
ThreadPool = _theirs.ThreadPool
