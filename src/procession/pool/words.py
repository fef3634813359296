"""What a task is, in words: for errors, displays and the record that others read.

The arguments are anybody's, so all of this holds whatever they are: one line of printable characters, of a
bounded length and in bounded time (but for a ``repr`` that is slow by itself), and nothing is raised.
"""

from __future__ import annotations

import functools

from procession.pool.short import cut, name_of, one_line, pass_on, shown, type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_KEY = 40  # characters of a keyword


def call_words(func: object, args: Any, kwds: Any, limit: int = 60) -> str:
    """A call: ``resize('a.jpg', 3, quality=2)``, cut to ``limit`` characters."""
    try:
        while type(func) is functools.partial:
            args, kwds = (*func.args, *args), {**func.keywords, **(kwds or {})}
            func = func.func
        return cut(f"{name_of(func)}({_inside(args, kwds or {}, limit)})", limit, ")")
    except BaseException as error:
        pass_on(error)
        return cut(f"a call of {type_name(func)}", limit)


def item_words(func: object, item: object, limit: int = 60) -> str:
    """The call of a map's function with one item: ``resize('a.jpg')``."""
    return call_words(func, (item,), None, limit)


def _inside(args: Any, kwds: Any, limit: int) -> str:
    """What stands between the parentheses, or somewhat more of it than there is room for."""
    if type(args) not in (tuple, list):  # iterating over anything else might use it up
        return f"*{shown(args)}"
    parts: list[str] = []
    room = limit
    for part in _parts(args, kwds):
        parts.append(part)
        room -= len(part) + 2
        if room < 0:
            break
    return ", ".join(parts)


def _parts(args: Iterable[object], kwds: dict[str, object]) -> Iterable[str]:
    for value in args:
        yield shown(value)
    for key, value in kwds.items():
        yield f"{one_line(key, _KEY)}={shown(value)}"
