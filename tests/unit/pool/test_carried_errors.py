"""An exception crosses the process border whatever it is made of, with its traceback as its cause."""

from __future__ import annotations

import dataclasses
import pickle
import re
import threading
from collections.abc import Callable
from typing import NoReturn

import pytest

from procession.errors import RemoteError, Unsupported, WorkerDied
from procession.ipc.faults import RemoteTraceback, pack_error, unpack_error
from procession.process.exits import Exit


class Plain(Exception):
    """Nothing special."""


class TwoArguments(Exception):
    """The classic: pickles, but its args do not fit its constructor again (CPython issue 79492)."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")


class HoldsALock(Exception):
    """Does not pickle."""

    def __init__(self) -> None:
        super().__init__("locked")
        self.lock = threading.Lock()


class Mute(Exception):
    """Its text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class MuteForGood(Exception):
    """Its text costs more than an Exception."""

    def __str__(self) -> str:
        raise SystemExit(3)


class RefusesToTravel(Exception):
    """Its pickling raises what is not an Exception."""

    def __reduce__(self) -> NoReturn:
        raise KeyboardInterrupt


class BecomesSomethingElse(Exception):
    """Unpickles as what is no exception at all."""

    def __reduce__(self) -> tuple[type, tuple[int]]:
        return int, (5,)


class Quits(BaseException):
    """Not an Exception."""


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    """Refuses every assignment, that of its __cause__ too."""


@dataclasses.dataclass(frozen=True)
class FrozenWithField(Exception):
    """Refuses even what unpickling assigns."""

    what: str


def local() -> type[Exception]:
    class Local(Exception):
        pass

    return Local


WHOLE: list[Callable[[], BaseException]] = [
    lambda: Plain("a", 1),
    lambda: KeyError("k"),
    lambda: OSError(2, "gone", "/a/b"),
    lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    lambda: Quits("enough"),
    lambda: SystemExit(4),
    KeyboardInterrupt,
    GeneratorExit,
    MemoryError,
    Frozen,
    lambda: ExceptionGroup("several", [ValueError(1), ExceptionGroup("inner", [Plain("x")])]),
    lambda: BaseExceptionGroup("several", [Quits("y")]),
    lambda: Unsupported("openat2", "needs Linux 5.6"),
    lambda: WorkerDied(3, 4, Exit(None, 9, core_dumped=False, reason="was killed"), "note"),
    lambda: Plain("\udcff lone surrogate, \0 and \N{SNOWMAN}"),
]


def thrown(error: BaseException) -> bytes:
    """Raise it, as a handler would, and pack what was caught."""
    try:
        raise error
    except BaseException as caught:
        return pack_error(caught)


@pytest.mark.parametrize("make", WHOLE, ids=lambda make: type(make()).__name__)
def test_what_pickles_comes_back_whole(make: Callable[[], BaseException]) -> None:
    error = make()
    if not isinstance(error, Frozen):
        error.add_note("a note")
    back = unpack_error(thrown(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert getattr(back, "__notes__", []) == getattr(error, "__notes__", [])
    assert isinstance(back.__cause__, RemoteTraceback)
    assert re.search(r"in thrown\n[ |]+raise error", str(back.__cause__))


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (TwoArguments("a", "b"), "TwoArguments", "a and b"),
        (HoldsALock(), "HoldsALock", "locked"),
        (RefusesToTravel("no"), "RefusesToTravel", "no"),
        (BecomesSomethingElse("five"), "BecomesSomethingElse", "five"),
        (FrozenWithField("ice"), "FrozenWithField", "ice"),
        (local()("here only"), "local.<locals>.Local", "here only"),
        (
            ExceptionGroup("mixed", [Plain(), HoldsALock()]),
            "builtins.ExceptionGroup",
            "mixed (2 sub-exceptions)",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_does_not_travel_is_told_in_words(error: BaseException, kind: str, words: str) -> None:
    back = unpack_error(thrown(error))
    assert type(back) is RemoteError
    assert back.kind in (kind, f"{__name__}.{kind}")
    assert back.words == words
    assert str(back) == f"{back.kind}: {words}"
    assert f"{kind.rpartition('.')[2]}: {words}" in back.traceback
    assert str(back.__cause__) == f'\n"""\n{back.traceback}"""'


@pytest.mark.parametrize(("error", "culprit"), [(Mute(), "RuntimeError"), (MuteForGood(), "SystemExit")])
def test_an_exception_without_words_still_arrives(error: BaseException, culprit: str) -> None:
    data = thrown(error)
    assert type(unpack_error(data)) is type(error)
    kind, words, text, _ = pickle.loads(data)
    assert kind == f"{__name__}.{type(error).__name__}"
    assert culprit in words
    assert "in thrown" in text


def test_the_chain_of_causes_is_kept_as_text() -> None:
    try:
        try:
            raise KeyError("the root of it")
        except KeyError as root:
            raise Plain("what came of it") from root
    except Plain as error:
        back = unpack_error(pack_error(error))
    text = str(back.__cause__)
    assert (
        text.index("KeyError: 'the root of it'") < text.index("direct cause") < text.index("what came of it")
    )


def test_the_remote_traceback_is_printed_with_the_error() -> None:
    import traceback

    printed = "".join(traceback.format_exception(unpack_error(thrown(Plain("shown")))))
    assert "in thrown" in printed
    assert printed.rstrip().endswith("Plain: shown")
