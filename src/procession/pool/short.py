"""Any value in a few printable characters, quickly, and whatever its ``repr`` does.

``reprlib`` is the base.  It goes by a type's name (anybody may call a class "list"), looks at all of a large
dict, set, bytes or int, and leaves every other object to a ``repr`` that may be as long as the object is; so
these are shown here.
"""

from __future__ import annotations

import collections
import reprlib
import threading
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

_PIECE = 40  # characters of one string
_VALUE = 160  # characters of one value
_BITS = 128  # of an int that is shown by its digits: these take quadratic time, and are refused in the end


def shown(value: object) -> str:
    """One value: its ``repr``, or what is left of it."""
    return one_line(_SHORT.repr1(value, _SHORT.maxlevel), _VALUE)


def one_line(text: str, limit: int) -> str:
    """The start of any text, without control characters: those and what cannot be encoded are escaped."""
    start = str.__getitem__(text, slice(limit + 1))  # a plain str, also of a subclass
    return cut("".join(c if c.isprintable() else ascii(c)[1:-1] for c in start), limit)


def cut(text: str, limit: int, end: str = "") -> str:
    """At most ``limit`` characters; ``end`` still stands at the end of what was cut."""
    if len(text) <= limit:
        return text
    end = f"...{end}"
    return (text[: max(0, limit - len(end))] + end)[:limit]


def name_of(func: object) -> str:
    """The name of a function as its author would say it; of an object that can be called, its type's."""
    try:
        name = getattr(func, "__qualname__", None)
    except BaseException as error:
        pass_on(error)
        name = None
    if not isinstance(name, str):
        return type_name(func)
    return one_line(name.rpartition("<locals>.")[2], _PIECE)


def type_name(value: object) -> str:
    """The name of its type, past whatever a metaclass makes of names."""
    return one_line(type.__dict__["__name__"].__get__(type(value)), _PIECE)


def pass_on(error: BaseException) -> None:
    """Raise a Ctrl-C that happens to arrive here: it is no fault of anybody's repr."""
    if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
        raise error


class _Short(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxlist = self.maxtuple = self.maxdeque = self.maxdict = self.maxset = self.maxarray = 4
        self.maxstring = self.maxother = _PIECE

    def repr1(self, x: Any, level: int) -> str:
        try:
            return self._by_type(x, type(x), level)
        except BaseException as error:
            pass_on(error)
            return f"<{type_name(x)}: its repr raised {type_name(error)}>"

    def _by_type(self, x: Any, kind: type, level: int) -> str:
        for base in kind.__mro__:
            if base in _HANDLERS and _repr_of(kind) is _repr_of(base):
                text = _HANDLERS[base](self, x, level)
                return text if kind is base or base in _PLAIN else f"{type_name(x)}({text})"
        fields = _fields_of(kind)
        if fields is not None:
            return self._record(x, fields, level)
        if hasattr(kind, "shape") and isinstance(x.shape, tuple):  # an array, of whatever library
            return f"<{type_name(x)} {'×'.join(map(str, x.shape))}>"
        if _repr_of(kind) is _repr_of(object):
            return f"<{type_name(x)}>"  # its address would say nothing in another process
        return one_line(repr(x), _PIECE)

    def _record(self, x: object, fields: tuple[str, ...], level: int) -> str:
        """Field by field, since any of them may be huge."""
        if level <= 0 and fields:
            return f"{type_name(x)}(...)"
        parts = (f"{name}={self.repr1(getattr(x, name), level - 1)}" for name in fields)
        return self._some(f"{type_name(x)}(", parts, len(fields), ")")

    def _some(self, start: str, parts: Iterable[str], count: int, end: str) -> str:
        first = [part for part, _ in zip(parts, range(self.maxdict), strict=False)]
        return f"{start}{', '.join(first)}{', ...' if count > len(first) else ''}{end}"

    def show_dict(self, x: dict[object, object], level: int) -> str:
        if level <= 0 and x:
            return "{...}"
        parts = (
            f"{self.repr1(key, level - 1)}: {self.repr1(value, level - 1)}" for key, value in dict.items(x)
        )
        return self._some("{", parts, len(x), "}")

    def show_set(self, x: set[object] | frozenset[object], level: int) -> str:
        if not x:
            return "set()" if isinstance(x, set) else "frozenset()"
        start, end = ("{", "}") if isinstance(x, set) else ("frozenset({", "})")
        if level <= 0:
            return f"{start}...{end}"
        return self._some(start, (self.repr1(value, level - 1) for value in x), len(x), end)

    def show_bytes(self, x: bytes | bytearray, _: int) -> str:
        return repr(x) if len(x) <= _PIECE else f"{bytes(x[: _PIECE // 4])!r}... ({len(x):,} bytes)"

    def show_int(self, x: int, _: int) -> str:
        return repr(x) if x.bit_length() <= _BITS else f"<int of {x.bit_length():,} bits>"

    def show_named(self, x: object, _: int) -> str:
        return name_of(x)


_SHORT = _Short()
_HANDLERS: dict[type, Callable[[Any, Any, int], str]] = {
    str: reprlib.Repr.repr_str,
    list: reprlib.Repr.repr_list,
    tuple: reprlib.Repr.repr_tuple,
    collections.deque: reprlib.Repr.repr_deque,
    dict: _Short.show_dict,
    collections.OrderedDict: _Short.show_dict,
    collections.defaultdict: _Short.show_dict,
    set: _Short.show_set,
    frozenset: _Short.show_set,
    bytes: _Short.show_bytes,
    bytearray: _Short.show_bytes,
    int: _Short.show_int,
    type: _Short.show_named,
    types.FunctionType: _Short.show_named,
    types.BuiltinFunctionType: _Short.show_named,
    types.MethodType: _Short.show_named,
}
_PLAIN = (type,)  # a class made by a metaclass is still shown by its name alone


def _repr_of(kind: type) -> object:
    return kind.__repr__


def _fields_of(kind: type) -> tuple[str, ...] | None:
    """The fields of a named tuple or a dataclass, unless its author wrote a ``repr``."""
    fields = getattr(kind, "_fields", None)
    if issubclass(kind, tuple) and isinstance(fields, tuple):
        return fields
    # The generated one wraps another function, against recursion.
    if "__dataclass_fields__" in kind.__dict__ and hasattr(kind.__dict__.get("__repr__"), "__wrapped__"):
        import dataclasses

        return tuple(field.name for field in dataclasses.fields(kind) if field.repr)
    return None
