"""One module object under two names, so that nothing is ever loaded twice.

::

    always               procession.mp.util       ──▶  the standard library's multiprocessing.util
    after install()      multiprocessing          ──▶  procession.mp
                         multiprocessing.queues   ──▶  procession.mp.queues
    for who builds on it procession.ipc.classic.classic("queues")  ──▶  the standard library's

A module that was imported before ``install()`` keeps what it took from the standard library by then.
"""

# ruff: noqa: ARG002 - signatures of the import system

from __future__ import annotations

import sys
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder

from procession.ipc import classic
from procession.ipc.classic import kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

__all__ = ["OURS", "THEIRS", "install", "installed", "serve_ours", "uninstall"]

OURS = (
    "connection",
    "context",
    "managers",
    "pool",
    "queues",
    "shared_memory",
    "sharedctypes",
    "synchronize",
)
THEIRS = (
    "dummy",
    "dummy.connection",
    "forkserver",
    "heap",
    "popen_fork",
    "popen_forkserver",
    "popen_spawn_posix",
    "process",
    "reduction",
    "resource_sharer",
    "resource_tracker",
    "spawn",
    "util",
)


class Alias(Loader):
    """Loads a name by importing the module under its true one."""

    def __init__(self, true_name: str) -> None:
        self.true_name = true_name

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(self.true_name)
        self.true_spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.true_spec  # the import system has just put the alias's there


class Kept(MetaPathFinder):
    """``procession.mp.util`` and the like: the standard library's modules under our name."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, module = name.partition("procession.mp.")
        if package or module not in THEIRS:
            return None
        return ModuleSpec(name, Alias(f"multiprocessing.{module}"))


class Installed(MetaPathFinder):
    """``multiprocessing.queues`` and the like: our modules, or those of the standard library that we keep."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, module = name.partition("multiprocessing.")
        if package or not module:
            return None
        if module in THEIRS or _loading(f"procession.mp.{module}"):
            place = kept["multiprocessing"].__path__ if "." not in module else path
            return PathFinder.find_spec(name, place)
        return ModuleSpec(name, Alias(f"procession.mp.{module}"))


def _loading(name: str) -> bool:
    """Is the module being executed?  Then it is itself who asks, for what it builds on."""
    module = sys.modules.get(name)
    return module is not None and getattr(module.__spec__, "_initializing", False)


_kept = Kept()
_installed = Installed()


def serve_ours() -> None:
    """Make the standard library's modules that we keep importable under our name."""
    if _kept not in sys.meta_path:
        sys.meta_path.insert(0, _kept)


def installed() -> bool:
    """Does ``multiprocessing`` mean ours in this process?"""
    return bool(kept)


def install() -> None:
    """Make ``import multiprocessing`` mean ours, here and in the children; call it before other imports.

    What has been imported before keeps the standard library's classes: a library that took
    ``multiprocessing.Queue`` by then goes on with it.  A second call does nothing.
    """
    if kept:
        return
    import multiprocessing

    ours = sys.modules["procession.mp"]
    kept["multiprocessing"] = multiprocessing
    for name in OURS:
        full = f"multiprocessing.{name}"
        if full in sys.modules:
            kept[full] = sys.modules.pop(full)
    sys.modules["multiprocessing"] = ours
    classic.installer = install
    sys.meta_path.insert(0, _installed)


def uninstall() -> None:
    """Make ``multiprocessing`` mean the standard library's again, for what is imported from now on."""
    if not kept:
        return
    sys.meta_path.remove(_installed)
    for name in OURS:
        sys.modules.pop(f"multiprocessing.{name}", None)
    sys.modules.update(kept)
    kept.clear()
    classic.installer = None
