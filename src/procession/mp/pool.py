"""``multiprocessing.pool``: the standard library's pool, on our processes, queues and locks."""

from __future__ import annotations

from procession.mp.again import again, rest_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.pool import AsyncResult, Pool, ThreadPool

__all__ = ["AsyncResult", "Pool", "ThreadPool"]
_theirs = again("pool")
__getattr__ = rest_of(_theirs)
