"""Who was given what: a child keeps the ends that it was given and closes those of others.

::

    parent:  a ── b     c ── d                Pipe(), twice
    child 1 gets b:  closes a, c, d           or it would keep its brother's pipe open, and its own:
    child 2 gets d:  closes a, b, c           end of file comes when the *last* copy of an end is closed

Objects whose descriptors tell somebody else "I am still here" register themselves: ends of pipes, write
ends of queues.  A child that was forked calls ``close_strangers`` with what it was given, and ``reach``
finds out what can be got at from there.  What it cannot reach is closed, with one exception: an end that
is a global of some module, whose pipe nobody seems to have been given yet, may be meant for the child.
"""

from __future__ import annotations

import sys
import weakref

from procession.ipc.reach import Reached, reachable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

NOT_GIVEN = (
    "this end was not given to this process, and so closed in it when the process was started: "
    "pass it in args to whoever is to use it"
)


class _Entry:
    """What is known of one registered object."""

    __slots__ = ("close", "handed", "lent", "pair", "side")

    def __init__(
        self,
        pair: object,
        side: int,
        close: Callable[[Any], None],
        handed: Callable[[Any, int], None] | None,
    ) -> None:
        self.pair = pair
        self.side = side
        self.close = close
        self.handed = handed
        self.lent = False  # one of the two ends has been given to a process


_entries: weakref.WeakKeyDictionary[object, _Entry] = weakref.WeakKeyDictionary()


def register(
    obj: object,
    pair: object,
    close: Callable[[Any], None],
    *,
    side: int = 0,
    handed: Callable[[Any, int], None] | None = None,
) -> None:
    """Make ``obj`` known, for as long as it lives in this process (weakly held, hashed by identity).

    ``pair`` and ``side`` (0 or 1) say which object is the other end of which: the same ``pair``, the other
    side.  None: it has no other end here.  ``close(obj)`` is called in a child that was not given it: close
    what it holds without sending anything, and have every later use raise ``OSError(NOT_GIVEN)``.
    ``handed(obj, pidfd)`` is called in a parent that has just given it to the process behind ``pidfd``,
    which stays the caller's.
    """
    _entries[obj] = _Entry(pair, side, close, handed)


def close_strangers(roots: Iterable[object]) -> None:
    """Close every registered end that cannot be reached from ``roots`` (the process object, its arguments).

    For a child that was forked, before anything else runs in it.
    """
    known = list(_entries.items())
    if not known:
        return
    reached = _reach(roots, known)
    mine = {(entry.pair, entry.side) for obj, entry in known if id(obj) in reached.found}
    strangers = [(obj, entry) for obj, entry in known if id(obj) not in reached.found]
    strangers = [(obj, entry) for obj, entry in strangers if reached.complete or _is_other_side(entry, mine)]
    spared = _in_globals(
        {id(obj) for obj, entry in strangers if not (entry.lent or _is_other_side(entry, mine))}
    )
    for obj, entry in strangers:
        if id(obj) not in spared:
            entry.close(obj)


def note_handed(roots: Iterable[object], pidfd: int) -> None:
    """Write down that all that ``roots`` reach was given to the process behind ``pidfd``.

    For a parent, after each start.
    """
    known = list(_entries.items())
    if not known:
        return
    found = _reach(roots, known).found
    pairs = {entry.pair for obj, entry in known if id(obj) in found and entry.pair is not None}
    for obj, entry in known:
        if entry.pair in pairs:
            entry.lent = True
        if id(obj) in found and entry.handed is not None:
            entry.handed(obj, pidfd)


def _reach(roots: Iterable[object], known: list[tuple[object, _Entry]]) -> Reached:
    return reachable([*roots, *_ambient()], {id(obj) for obj, _ in known})


def _ambient() -> list[object]:
    """What every piece of code uses without naming it: the log's handlers, the standard streams."""
    found: list[object] = [sys.stdout, sys.stderr, sys.excepthook]
    logging = sys.modules.get("logging")
    if logging is not None:
        loggers = [logging.root, *logging.root.manager.loggerDict.values()]
        found += [handler for logger in loggers for handler in getattr(logger, "handlers", ())]
    return found


def _is_other_side(entry: _Entry, mine: set[tuple[object, int]]) -> bool:
    return entry.pair is not None and (entry.pair, 1 - entry.side) in mine


def _in_globals(wanted: set[int]) -> set[int]:
    """Those that are a value in the globals of a loaded module."""
    found: set[int] = set()
    if not wanted:
        return found
    for module in list(sys.modules.values()):
        scope = getattr(module, "__dict__", None)
        if isinstance(scope, dict) and not wanted.isdisjoint(map(id, scope.values())):
            found |= wanted.intersection(map(id, scope.values()))
    return found
