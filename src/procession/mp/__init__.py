"""Floor 5: ``multiprocessing``, with the same names in the same places, on what lies below.

::

    from procession import mp as multiprocessing      # in one file
    procession.mp.install()                           # in this whole process and its children
    pn python SCRIPT                                  # for a script that knows nothing of us

Thin: ``queues``, ``synchronize``, ``connection``, ``sharedctypes`` and ``shared_memory`` name the classes of
procession.ipc, ``context`` makes them, ``pool`` is procession.pool, ``managers`` builds on the standard library's.  What has
no flaw (``process``, ``util``, ``reduction``, ``dummy``, ``resource_*``, ...) is the standard library's module
itself.  The default start method is the interpreter's own.
"""

# ruff: noqa: F401, F403, E402, SLF001 - a face is made of imports, in an order that matters

from __future__ import annotations

import sys
import typing as _typing

from procession.mp import aliases as _aliases

_aliases.serve_ours()

from procession.mp import context as context
from procession.mp.aliases import install as install
from procession.mp.aliases import uninstall as uninstall

if _typing.TYPE_CHECKING:
    from multiprocessing import *
    from multiprocessing import process as process
    from multiprocessing import reduction as reduction
else:
    from procession.mp import process, reduction

__all__ = [name for name in dir(context._default_context) if not name.startswith("_")]
globals().update((name, getattr(context._default_context, name)) for name in __all__)


def __getattr__(name: str) -> object:
    if name in _aliases.OURS or name in _aliases.THEIRS:
        from importlib import import_module

        return import_module(f"procession.mp.{name}")
    raise AttributeError(f"module 'procession.mp' has no attribute {name!r}")


SUBDEBUG = 5
SUBWARNING = 25

# The main module of a program whose child this is will be put here by the child's start.
if "__main__" in sys.modules:
    sys.modules.setdefault("__mp_main__", sys.modules["__main__"])
