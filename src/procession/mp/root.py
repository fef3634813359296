"""What ``from procession import Manager, get_context`` gives: the default context, with what floor 5 adds.

The contexts of floor 3 cannot know managers and pools, which are built on top of them: those are handed in
here, whichever of these names is used first.
"""

from __future__ import annotations

from procession.process import context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Manager", "get_context"]


def _manager(ctx: Any) -> Any:
    from procession.mp.managers import SyncManager

    manager = SyncManager(ctx=ctx)
    manager.start()
    return manager


def _pool(*arguments: Any, **keywords: Any) -> Any:
    from procession.mp.pool import Pool

    return Pool(*arguments, **keywords)


# What the contexts of floor 3 cannot import, because it lives up here.
context.factories.setdefault("Manager", _manager)
context.factories.setdefault("Pool", _pool)


def get_context(method: str | None = None) -> Any:
    """The context of a start method ("fork", "spawn", "forkserver"), or the default one."""
    return context.default_context if method is None else context.concrete(method)


def Manager() -> Any:  # noqa: N802  (its name in multiprocessing)
    """A started manager: a process that holds objects for others; it ends with this one."""
    return context.default_context.Manager()
