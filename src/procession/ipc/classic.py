"""The standard library's own modules, also where ``multiprocessing`` means ours.

After ``procession.mp.install()`` the name ``multiprocessing.queues`` is ``procession.mp.queues``.  Who builds
on the standard library's module asks here for it::

    from procession.ipc.classic import classic

    Listener = classic("connection").Listener

What was loaded before the installation is kept as it is.  What is loaded afterwards is executed under its
own name, and finds ours wherever it imports a neighbour, which is what it is wanted for.
"""

from __future__ import annotations

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

# By full name: what stood in sys.modules before ours took the place, or was loaded since.  Empty while
# nothing is installed; only procession.mp.aliases fills and empties it.
kept: dict[str, ModuleType] = {}

# What a child that is no copy of this process has to call for the same; set with ``kept``.
installer: Callable[[], None] | None = None

_loading = threading.RLock()


def classic(name: str) -> ModuleType:
    """The standard library's ``multiprocessing.NAME``, never ours.  Raises ModuleNotFoundError."""
    from importlib import import_module

    full = f"multiprocessing.{name}"
    if not kept:
        return import_module(full)
    with _loading:
        return kept.get(full) or _load(full)


def _load(full: str) -> ModuleType:
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    spec = PathFinder.find_spec(full, kept["multiprocessing"].__path__)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"the standard library has no {full}", name=full)
    module = kept[full] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del kept[full]
        raise
    return module


def rest_of(name: str) -> Callable[[str], Any]:
    """A module's ``__getattr__``: what it does not define itself is the standard library's."""

    def get(attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(f"module 'procession.mp.{name}' has no attribute {attribute!r}")
        return getattr(classic(name), attribute)

    return get
