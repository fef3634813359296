"""Records as JSON objects, and back, checked: what comes from a socket or a disk may be anything.

JSON with everything beyond ASCII escaped, so that a name of any bytes (surrogates of os.fsdecode) travels.
"""

from __future__ import annotations

from procession.records import fields_of, values_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    T = TypeVar("T")


class Malformed(ValueError):
    """It is not what it should be; says which field and why."""


def plain(instance: object) -> dict[str, Any]:
    """A record as a JSON object; tuples become lists, records in it objects."""
    return {name: _value(value) for name, value in zip(fields_of(instance), values_of(instance), strict=True)}


def _value(value: object) -> object:
    if isinstance(value, tuple):
        return [_value(each) for each in value]
    return plain(value) if hasattr(type(value), "__match_args__") else value


def to_record(cls: type[T], found: object, what: str, **given: object) -> T:
    """The record that a JSON object means.  Fields that it lacks have their defaults; a field that the record does
    not have, or a value of another kind, raises Malformed, which begins with ``what``.  ``given``: fields that are
    made already and are not looked for in the object."""
    if not isinstance(found, dict):
        raise Malformed(f"{what}: an object is wanted, not {_kind(found)}")
    annotations = cls.__annotations__ or {}
    values: dict[str, Any] = {}
    for name, value in found.items():
        if name not in annotations or name in given:
            raise Malformed(f"{what}: there is no field {name!r}")
        values[name] = _checked(value, annotations[name], f"{what}.{name}")
    try:
        return cls(**values, **given)
    except TypeError:
        missing = [n for n in annotations if n not in values and n not in given]
        raise Malformed(f"{what}: one of {', '.join(missing)} is missing") from None


def _checked(value: object, annotation: str, where: str) -> Any:
    for kind in annotation.split(" | "):
        if kind.startswith("tuple["):
            if isinstance(value, list):
                inner = kind[len("tuple[") : -len(", ...]")]
                return tuple(_checked(each, inner, f"{where}[{at}]") for at, each in enumerate(value))
        elif _FITS[kind](value):
            return float(value) if kind == "float" else value  # type: ignore[arg-type]
    raise Malformed(f"{where}: {annotation} is wanted, not {_kind(value)}")


def _is_int(value: object) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63  # what SQLite can keep


def _is_float(value: object) -> bool:
    # NaN and the infinities are no JSON, though Python's reader takes them.
    return _is_int(value) or (type(value) is float and value - value == 0)


_FITS: dict[str, Callable[[object], bool]] = {
    "None": lambda value: value is None,
    "bool": lambda value: type(value) is bool,
    "int": _is_int,
    "float": _is_float,
    "str": lambda value: type(value) is str and "\0" not in value,
}


def _kind(value: object) -> str:
    return {dict: "an object", list: "a list", type(None): "null"}.get(type(value), repr(value)[:40])
