from __future__ import annotations

import collections
import dataclasses
import functools
import os
import threading
from array import array
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.pool.words import call_words, item_words


def resize(*_: object, **__: object) -> None:
    """What is called."""


class Resizer:
    def __call__(self, name: str) -> None: ...

    def go(self) -> None: ...


class Point(NamedTuple):
    x: Any
    y: Any


@dataclasses.dataclass
class Job:
    name: str
    data: Any
    secret: str = dataclasses.field(default="", repr=False)


@dataclasses.dataclass
class Spoken:
    name: str

    def __repr__(self) -> str:
        return f"the {self.name}"


class Raising:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __repr__(self) -> str:
        raise self.error


class Nameless:
    def __getattr__(self, name: str) -> str:
        raise OSError("no name") if name == "__qualname__" else AttributeError(name)


class Loud:
    def __repr__(self) -> str:
        return "\x1b[2J\n" * 10**6


Liar = type("list", (), {"__len__": lambda _: 1 // 0, "__repr__": lambda _: "no list"})


class Mine(list[int]):
    pass


@pytest.mark.parametrize(
    ("args", "kwds", "words"),
    [
        ((), {}, "resize()"),
        (("a.jpg", 3), {}, "resize('a.jpg', 3)"),
        (["a.jpg"], {"quality": 2}, "resize('a.jpg', quality=2)"),
        ((None, True, 1.5), None, "resize(None, True, 1.5)"),
        ((resize, Resizer, len, Resizer().go), {}, "resize(resize, Resizer, len, Resizer.go)"),
        ((Resizer(), object()), {}, "resize(<Resizer>, <object>)"),
        (
            ([1, [2, [3, [4]]]], set(), frozenset({1})),
            {},
            "resize([1, [2, [3, [...]]]], set(), frozenset({1}))",
        ),
        (({1: {2: {3: {4: 5}}}}, {7}, frozenset()), {}, "resize({1: {2: {3: {...}}}}, {7}, frozenset())"),
        ((Point(1, "b"), Job("a", b"xyz", "s")), {}, "resize(Point(x=1, y='b'), Job(name='a', data=b'xyz'))"),
        ((Spoken("word"), Liar()), {}, "resize(the word, no list)"),
        ((Mine([1]), collections.OrderedDict(a=1)), {}, "resize(Mine([1]), {'a': 1})"),
        ((np.zeros((3, 400)), array("b", b"a")), {}, "resize(<ndarray 3×400>, array('b', [97]))"),
        ((1 << 300, -5), {}, "resize(<int of 301 bits>, -5)"),
        (("\x1b[2J\n\ud800",), {"\n": 1}, "resize('\\x1b[2J\\n\\ud800', \\n=1)"),
        ((Raising(ValueError()),), {}, "resize(<Raising: its repr raised ValueError>)"),
        ((Raising(SystemExit()),), {}, "resize(<Raising: its repr raised SystemExit>)"),
        (iter("ab"), {}, "resize(*<str_"),
        ((Loud(),), {}, "resize(\\x1b[2J\\n\\x1b[2J\\n"),
        ((b"x" * 50,), {}, "resize(b'xxxxxxxxxx'... (50 bytes))"),
    ],
)
def test_calls_in_words(args: Any, kwds: Any, words: str) -> None:
    assert call_words(resize, args, kwds, 100).startswith(words)


@pytest.mark.parametrize(
    ("func", "words"),
    [
        (resize, "resize('a')"),
        (Resizer(), "Resizer('a')"),
        (Resizer().go, "Resizer.go('a')"),
        (os.path.join, "join('a')"),
        ([].append, "list.append('a')"),
        (functools.partial(functools.partial(resize, 1, k=2), 3, j=4), "resize(1, 3, 'a', k=2, j=4)"),
        (lambda: 0, "<lambda>('a')"),
        (Nameless(), "Nameless('a')"),
        (5, "int('a')"),
    ],
)
def test_who_is_called(func: object, words: str) -> None:
    assert item_words(func, "a") == words


def test_what_was_never_a_call() -> None:
    assert call_words(functools.partial(resize), 5, {}) == "a call of partial"
    assert call_words(resize, (), 5) == "a call of function"


def test_the_name_of_a_function_within_a_function() -> None:
    def inner() -> None: ...

    assert item_words(inner, 1) == "inner(1)"


def test_a_long_path_keeps_its_end() -> None:
    words = item_words(resize, "/very/long" * 30 + "/a.jpg")
    assert words.endswith("/a.jpg')")
    assert len(words) <= 60


def test_what_is_cut_still_closes() -> None:
    assert call_words(resize, tuple(range(1000)), {}, 30) == "resize(0, 1, 2, 3, 4, 5, 6...)"
    assert [call_words(resize, (1,), {}, limit) for limit in range(5)] == ["", ".", "..", "...", "...)"]


class Counted(list[object]):
    """Tells how many of its elements were looked at."""

    seen = 0

    def __iter__(self) -> Any:
        for value in list.__iter__(self):
            self.seen += 1
            yield value


@pytest.mark.hang_limit(10)
@pytest.mark.parametrize(
    "huge",
    [
        "x" * 50_000_000,
        b"x" * 50_000_000,
        1 << 50_000_000,
        range(10**18),
        [0] * 1_000_000,
        {n: n for n in range(1_000_000)},
        set(range(1_000_000)),
        Mine([1]) * 1_000_000,
        Point([0] * 1_000_000, {n: n for n in range(1_000_000)}),
        Job("a", [0] * 1_000_000),
        collections.deque(range(1_000_000)),
        np.zeros((5000, 5000), dtype="i1"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_huge_objects_are_no_work(huge: object) -> None:
    # Were they shown whole, a thousand times of that would take minutes.
    for _ in range(1000):
        assert len(item_words(resize, huge)) <= 60


def test_only_the_first_elements_are_looked_at() -> None:
    many = Counted(range(10**6))
    assert item_words(resize, many) == "resize(Counted([0, 1, 2, 3, ...]))"
    assert many.seen <= 5


def test_an_interrupt_is_passed_on_in_the_main_thread_only() -> None:
    task = Raising(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        item_words(resize, task)
    said: list[str] = []
    thread = threading.Thread(target=lambda: said.append(item_words(resize, task)))
    thread.start()
    thread.join()
    assert said == ["resize(<Raising: its repr raised KeyboardInterrupt>)"]


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
values = st.recursive(
    plain | st.builds(Resizer) | st.builds(Raising, st.just(ValueError("\n"))),
    lambda inner: (
        st.lists(inner)
        | st.builds(Job, st.text(), inner)
        | st.builds(Point, inner, inner)
        | st.dictionaries(st.text(), inner)
        | st.lists(inner).map(tuple)
    ),
    max_leaves=20,
)


@given(st.lists(values), st.dictionaries(st.text(), values), st.integers(0, 200))
def test_any_call_is_one_short_printable_line(args: list[Any], kwds: dict[str, Any], limit: int) -> None:
    words = call_words(resize, tuple(args), kwds, limit)
    assert len(words) <= limit
    assert words.isprintable()
    words.encode()


@given(st.lists(plain, max_size=3).map(tuple))
def test_what_is_short_is_shown_as_repr_shows_it(args: tuple[object, ...]) -> None:
    exact = ", ".join(map(repr, args))
    if len(exact) <= 40 and exact.isprintable():
        assert call_words(resize, args, {}) == f"resize({exact})"
