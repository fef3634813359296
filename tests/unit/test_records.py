"""Records: what ``@dataclass(frozen=True, slots=True)`` promises, kept without importing it."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from procession.records import fields_of, record, replace, values_of


@record
class Point:
    """Two required fields and a default."""

    x: int
    y: object
    label: str = "here"

    @property
    def doubled(self) -> int:
        return self.x * 2


@record
class Twin:
    """The same fields as Point."""

    x: int
    y: object
    label: str = "here"


@record
class Empty:
    """No fields at all."""


@record
class Worded:
    """A record with a repr of its own."""

    x: int

    def __repr__(self) -> str:
        return "worded"


@dataclasses.dataclass(frozen=True, slots=True)
class Model:
    """What Point is measured against."""

    x: int
    y: object
    label: str = "here"


def made(kind: Any, *args: Any, **named: Any) -> Any:
    """Call a constructor in ways that the type checker would refuse."""
    return kind(*args, **named)


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ((1, 2), {}),
        ((1, 2, "there"), {}),
        ((1,), {"y": 2}),
        ((), {"label": "z", "y": None, "x": 3}),
        ((), {"x": 1}),
        ((1, 2, 3, 4), {}),
        ((1, 2), {"x": 3}),
        ((1, 2), {"z": 3}),
    ],
)
def test_the_constructor_is_that_of_a_dataclass(args: tuple[Any, ...], named: dict[str, Any]) -> None:
    try:
        model = made(Model, *args, **named)
    except TypeError:
        with pytest.raises(TypeError):
            made(Point, *args, **named)
    else:
        point = made(Point, *args, **named)
        assert values_of(point) == dataclasses.astuple(model)
        assert fields_of(point) == ("x", "y", "label")
        assert repr(point) == repr(model).replace("Model", "Point")


def test_equal_values_of_one_class_are_equal() -> None:
    assert Point(1, 2) == Point(1, 2)
    assert Point(1, 2) != Point(1, 3)
    assert made(Point, 1, 2) != Twin(1, 2)
    assert made(Point, 1, 2) != (1, 2, "here")
    assert hash(Point(1, 2)) == hash(Point(1, 2))
    assert len({Point(1, 2), Point(1, 2), Point(2, 2)}) == 2
    assert len({made(Point, 1, 2), Twin(1, 2)}) == 2


def test_a_record_that_holds_the_unhashable_is_unhashable() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Point(1, []))


@pytest.mark.parametrize("name", ["x", "label", "unheard_of"])
def test_nothing_can_be_assigned_or_deleted(name: str) -> None:
    point = Point(1, 2)
    with pytest.raises(AttributeError, match=f"Point is frozen: {name}"):
        setattr(point, name, 5)
    with pytest.raises(AttributeError, match=f"Point is frozen: {name}"):
        delattr(point, name)
    assert values_of(point) == (1, 2, "here")
    assert not hasattr(point, "__dict__")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_records_travel(protocol: int) -> None:
    for whole in (Point(1, Point(2, None, "inner")), Empty(), Worded(4)):
        again = pickle.loads(pickle.dumps(whole, protocol))
        assert type(again) is type(whole)
        assert again == whole


def test_copies() -> None:
    point = Point(1, [2])
    deep = copy.deepcopy(point)
    assert deep == point
    assert deep.y is not point.y
    assert copy.copy(point).y is point.y


def test_replace_changes_some_fields() -> None:
    point = Point(1, 2)
    assert replace(point, y=5) == Point(1, 5, "here")
    assert point == Point(1, 2)
    with pytest.raises(TypeError):
        replace(point, z=1)


def test_what_the_class_says_stays() -> None:
    assert Point(4, 0).doubled == 8
    assert Point.__doc__ == "Two required fields and a default."
    assert (Point.__module__, Point.__qualname__) == (__name__, "Point")
    assert repr(Worded(1)) == "worded"
    assert repr(Empty()) == "Empty()"
    match Point(1, 2, "three"):
        case Point(x, y, label):
            assert (x, y, label) == (1, 2, "three")


def test_a_field_may_be_called_as_python_calls_things() -> None:
    # The constructor is written as text: names of fields must not meet its own.
    @record
    class Odd:
        """Names that a written constructor could trip over."""

        cls: int
        values: int = 2
        scope: int = 3

    assert values_of(Odd(1)) == (1, 2, 3)
    assert Odd(cls=4, scope=5) == Odd(4, 2, 5)


def test_a_required_field_after_a_default_is_refused() -> None:
    class Wrong:
        first: int = 1
        second: int

    with pytest.raises(SyntaxError):
        record(Wrong)
