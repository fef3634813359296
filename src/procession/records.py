"""Frozen records that cost nothing to import.

``@record`` gives a class what ``@dataclass(frozen=True, slots=True)`` gives: a constructor in the
order of the annotations, defaults, equality, a hash, a readable ``repr``, pickling, and an error on
assignment.  Type checkers read it as a dataclass (PEP 681).

Why not ``dataclasses`` itself: importing it loads ``inspect``, ``re`` and ``ast``, measured at 15 ms
on the machine of docs/benchmarks.md, more than a whole ``python3 -c pass`` (11 ms).  ``pn`` has to
start within twice that.  See docs/decisions/0002-records.md.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar, dataclass_transform

    T = TypeVar("T")
else:

    def dataclass_transform(**_: object):
        return lambda function: function


@dataclass_transform(frozen_default=True, eq_default=True)
def record(cls: type[T]) -> type[T]:
    """Turn an annotated class into a frozen, slotted record."""
    fields = tuple(cls.__dict__.get("__annotations__", None) or cls.__annotations__)
    body: dict[str, Any] = {
        key: value
        for key, value in cls.__dict__.items()
        if key not in fields and key not in ("__dict__", "__weakref__")
    }
    defaults = {name: cls.__dict__[name] for name in fields if name in cls.__dict__}
    body.update(__slots__=fields, __match_args__=fields, __qualname__=cls.__qualname__)
    body.setdefault("__repr__", _repr)
    body.update(__eq__=_eq, __hash__=_hash, __setattr__=_frozen, __delattr__=_frozen)
    made: type[T] = type(cls.__name__, cls.__bases__, body)
    made.__init__, made.__reduce__ = _written(made, fields, defaults)  # type: ignore[method-assign]
    return made


def fields_of(instance: object) -> tuple[str, ...]:
    """The field names of a record, in order."""
    return type(instance).__slots__  # type: ignore[attr-defined,no-any-return]


def values_of(instance: object) -> tuple[object, ...]:
    """The field values of a record, in order."""
    return tuple(getattr(instance, name) for name in fields_of(instance))


def replace(instance: T, **changes: object) -> T:
    """A copy of a record with some fields changed."""
    values = {name: getattr(instance, name) for name in fields_of(instance)}
    values.update(changes)
    return type(instance)(**values)


def _written(made: type, fields: tuple[str, ...], defaults: dict[str, Any]) -> tuple[Any, Any]:
    """``__init__`` and ``__reduce__``, written out field by field: they run for every message."""
    # The slot descriptors' own setters go round _frozen and are the fastest way in.
    scope: dict[str, Any] = {f"_set_{name}": getattr(made, name).__set__ for name in fields}
    scope.update({f"_default_{name}": value for name, value in defaults.items()}, _made=made)
    words = ", ".join(f"{name}=_default_{name}" if name in defaults else name for name in fields)
    lines = [f"    _set_{name}(self, {name})" for name in fields] or ["    pass"]
    values = "".join(f"self.{name}, " for name in fields)
    exec(
        f"def __init__(self, {words}):\n" + "\n".join(lines) + "\n"
        f"def __reduce__(self):\n    return _made, ({values})\n",
        scope,
    )
    return scope["__init__"], scope["__reduce__"]


def _repr(self: object) -> str:
    inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in fields_of(self))
    return f"{type(self).__qualname__}({inside})"


def _eq(self: object, other: object) -> object:
    if type(other) is not type(self):
        return NotImplemented
    return values_of(self) == values_of(other)


def _hash(self: object) -> int:
    return hash((type(self), values_of(self)))


def _frozen(self: object, name: str, *_: object) -> None:
    raise AttributeError(f"{type(self).__qualname__} is frozen: {name} cannot be changed")
