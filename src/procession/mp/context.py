"""``multiprocessing.context``: the contexts of procession.process under their classic name.

The default context of this face is one of its own: it starts with the interpreter's method (fork up to
Python 3.13, forkserver since 3.14), not with ours.
"""

# ruff: noqa: SLF001 - the names that multiprocessing itself keeps private

from __future__ import annotations

import procession.mp.root  # noqa: F401 - hands managers and pools to the contexts
from procession.ipc.classic import classic, rest_of
from procession.process import context as _base
from procession.process.context import (
    Context,
    DefaultContext,
    ForkContext,
    ForkServerContext,
    SpawnContext,
)
from procession.process.process import ForkProcess, ForkServerProcess, SpawnProcess
from procession.process.process import Process as _Process

__all__ = [
    "BaseContext",
    "DefaultContext",
    "ForkContext",
    "ForkProcess",
    "ForkServerContext",
    "ForkServerProcess",
    "Process",
    "SpawnContext",
    "SpawnProcess",
]
__getattr__ = rest_of("context")

BaseContext = Context


class Process(_Process):
    """A process, started as ``set_start_method`` of this face says."""

    @staticmethod
    def _defaults() -> DefaultContext:
        return _default_context


_concrete_contexts = _base._concrete
_default_context = DefaultContext("mp", classic("context")._default_context._default_context._name, Process)


def _force_start_method(method: str) -> None:
    _default_context.set_start_method(method, force=True)
