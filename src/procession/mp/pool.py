"""``multiprocessing.pool``: our pool, and the standard library's pool of threads."""

from __future__ import annotations

from procession.ipc.faults import RemoteTraceback
from procession.mp.again import again, rest_of
from procession.pool.pool import Pool as _Pool
from procession.pool.results import (
    ApplyResult,
    AsyncResult,
    IMapIterator,
    IMapUnorderedIterator,
    MapResult,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.pool import ThreadPool
    from typing import Any

    class MaybeEncodingError(Exception):
        """The standard library's."""
else:
    _theirs = again("pool")  # what it builds on are the names beside us
    MaybeEncodingError, ThreadPool = _theirs.MaybeEncodingError, _theirs.ThreadPool
    __getattr__ = rest_of(_theirs)

__all__ = [
    "ApplyResult",
    "AsyncResult",
    "IMapIterator",
    "IMapUnorderedIterator",
    "MapResult",
    "MaybeEncodingError",
    "Pool",
    "RemoteTraceback",
    "ThreadPool",
]


class Pool(_Pool):
    """The same; without a context it is one of ``procession.mp``'s default context."""

    @staticmethod
    def _default_context() -> Any:
        from procession.mp.context import _default_context

        return _default_context.get_context()


# States of a pool, as code that was written for multiprocessing compares them.
INIT = "INIT"
RUN = "RUN"
CLOSE = "CLOSE"
TERMINATE = "TERMINATE"
