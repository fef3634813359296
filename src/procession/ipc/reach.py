"""What a function that is about to run in a child can get at: a walk from its arguments.

::

    roots ─▶ containers, instances, bound methods, partials, cells, generators   (gc.get_referents)
          └▶ functions ─▶ closure, defaults, and those module globals that their code names
                       └▶ functions and classes so named, and so on

Frames, and the modules as wholes, are left out: the callers of ``start`` do not run on in a child, and
from a module everything can be reached.  The walk errs on the side of "reached", and gives up on graphs
that would take longer than the fork itself: then the answer says that it is not complete.
"""

from __future__ import annotations

import gc
import sys
from types import CodeType, FrameType, FunctionType, MethodType, ModuleType, TracebackType

from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OBJECTS_MAX = 100_000  # about 30 ms
_DEAD_ENDS = (ModuleType, CodeType, FrameType, TracebackType)
# What a process object knows of its start, not what it will work with.
_OF_THE_START = frozenset({"_popen"})


@record
class Reached:
    """Which of the wanted objects (by ``id``) were found; ``complete``: the rest is out of reach for sure."""

    found: set[int]
    complete: bool


def reachable(roots: Iterable[object], wanted: set[int]) -> Reached:
    """Walk from ``roots`` until all of ``wanted`` is found or nothing is left to look at."""
    return _Walk(wanted).go(roots)


class _Walk:
    """One walk.  What it has seen stays alive meanwhile, since it hangs on the roots."""

    def __init__(self, wanted: set[int]) -> None:
        self.wanted = wanted
        self.found: set[int] = set()
        self.seen: set[int] = set()
        self.open: list[object] = []

    def go(self, roots: Iterable[object]) -> Reached:
        from multiprocessing.process import BaseProcess

        self._push(roots)
        while self.open and len(self.found) < len(self.wanted):
            if len(self.seen) > OBJECTS_MAX:
                return Reached(self.found, complete=False)
            item = self.open.pop()
            if isinstance(item, FunctionType):
                self._push(_of_function(item))
            elif isinstance(item, type):
                self._push(_of_class(item))
            elif isinstance(item, BaseProcess):
                self._push(value for name, value in vars(item).items() if name not in _OF_THE_START)
                self._push((type(item),))
            elif isinstance(item, MethodType):
                self._push((item.__self__, item.__func__))
            elif not isinstance(item, _DEAD_ENDS):
                self._push(gc.get_referents(item))
        return Reached(self.found, complete=True)

    def _push(self, items: Iterable[object]) -> None:
        # What the collector does not track holds nothing: numbers, strings, tuples of them.
        for item in items:
            key = id(item)
            if key in self.seen:
                continue
            if key in self.wanted:
                self.seen.add(key)
                self.found.add(key)
            elif gc.is_tracked(item) or isinstance(item, FunctionType):
                self.seen.add(key)
                self.open.append(item)


def _of_function(function: FunctionType) -> Iterator[object]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            continue
    yield from (function.__defaults__, function.__kwdefaults__, vars(function))
    if _is_library(function.__module__):
        return
    names = set(_names(function.__code__))
    scope = function.__globals__
    for name in names & scope.keys():
        value = scope[name]
        if not isinstance(value, ModuleType):
            yield value
        elif not _is_library(value.__name__):  # `settings.connection` in the code: both words are names of it
            attributes = vars(value)
            yield from [attributes[other] for other in names & attributes.keys()]


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _of_class(kind: type) -> Iterator[object]:
    if _is_library(kind.__module__):
        return
    yield from kind.__bases__
    for value in list(vars(kind).values()):
        if isinstance(value, staticmethod | classmethod):
            yield value.__func__
        elif isinstance(value, property):
            yield from (value.fget, value.fset, value.fdel)
        elif not (type(value).__name__.endswith("_descriptor") or isinstance(value, _DEAD_ENDS)):
            yield value


def _is_library(name: object) -> bool:
    """The standard library, and we: their code names no connection of the user's."""
    top = name.partition(".")[0] if isinstance(name, str) else ""
    return top == "procession" or (top in sys.stdlib_module_names and top != "__main__")
