"""In the venv of our side: ``ProcessPoolExecutor`` of ``concurrent.futures`` is ours from the first import on.

A line in a .pth file imports this at each start of that venv's interpreter, so it also holds in children and
in the programs that a case starts.  ``PN_CONFORMANCE_EXECUTOR`` names the class, as ``module:Class``; without
it nothing happens.
"""

from __future__ import annotations

import importlib
import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

PROCESS = "concurrent.futures.process"
CLASS = "ProcessPoolExecutor"


class Replacing(Loader):
    """Loads a module as usual, then puts our class into its place."""

    def __init__(self, usual: Loader, ours: str) -> None:
        self.usual = usual
        self.ours = ours

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.usual.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.usual.exec_module(module)
        replace(self.ours)


class Finder(MetaPathFinder):
    """Our class's module may be imported first and import theirs, or the other way round: both are watched."""

    def __init__(self, ours: str) -> None:
        self.ours = ours
        self.watched = (PROCESS, ours.partition(":")[0])

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name in self.watched else None
        if spec is not None and spec.loader is not None:
            spec.loader = Replacing(spec.loader, self.ours)
        return spec


def replace(ours: str) -> None:
    """Put our class into ``concurrent.futures.process`` as soon as both are loaded.

    A subclass that is called like theirs: cases write programs with the class's name in them.
    """
    if PROCESS not in sys.modules:
        return
    process = sys.modules[PROCESS]
    module, _, name = ours.partition(":")
    found = getattr(importlib.import_module(module), name, None)  # None: its module is being loaded
    if found is not None and not issubclass(getattr(process, CLASS), found):
        setattr(process, CLASS, type(CLASS, (found,), {"__module__": PROCESS}))


if "PN_CONFORMANCE_EXECUTOR" in os.environ:
    sys.meta_path.insert(0, Finder(os.environ["PN_CONFORMANCE_EXECUTOR"]))
