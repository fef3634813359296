"""``multiprocessing.pool``: the standard library's pool, on our processes, queues and locks."""

from __future__ import annotations

from procession.mp.again import again, rest_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.pool import AsyncResult as AsyncResult
    from multiprocessing.pool import Pool as Pool
    from multiprocessing.pool import ThreadPool as ThreadPool

__all__ = ["Pool", "ThreadPool"]
_theirs = again("pool")
__getattr__ = rest_of(_theirs)
