"""The standard library's module once more, among our neighbours.

``pool`` and ``managers`` are right as they are, but made for other queues, locks and connections.  So their
source is executed a second time, as a module of this package: what it imports from beside it are our
modules, its classes are its own, and what we replace in it the standard library never sees.
"""

from __future__ import annotations

from importlib.machinery import PathFinder
from types import ModuleType

from procession.ipc.classic import kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["again", "rest_of"]


def again(name: str) -> ModuleType:
    """A fresh ``multiprocessing.NAME`` that believes to be ``procession.mp.NAME``."""
    import sys

    package = kept.get("multiprocessing") or sys.modules["multiprocessing"]
    spec = PathFinder.find_spec(f"multiprocessing.{name}", package.__path__)
    code = spec.loader.get_code(spec.name)  # type: ignore[union-attr]
    module = ModuleType(f"procession.mp.{name}")
    module.__package__ = "procession.mp"
    module.__file__ = spec.origin  # type: ignore[union-attr]
    exec(code, vars(module))
    return module


def rest_of(module: ModuleType) -> Callable[[str], Any]:
    """A ``__getattr__`` for the file that builds on the module: what it lacks is found there."""

    def get(attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(f"module {module.__name__!r} has no attribute {attribute!r}")
        return getattr(module, attribute)

    return get
