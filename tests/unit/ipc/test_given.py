"""A forked child keeps what it was given, by whatever way it reaches it, and closes all else."""

from __future__ import annotations

import functools
import gc
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from procession.ipc import given
from procession.ipc.connection import Connection, Pipe
from procession.ipc.reach import OBJECTS_MAX, reachable
from tests.unit.ipc.pipekit import Ends, in_child

END: Any = None  # a global that `uses_global` names
PLACES = SimpleNamespace(end=None)
SPARE: Any = None  # a global that nobody names


@pytest.fixture
def pair() -> Iterator[Ends]:
    left, right = Pipe()
    yield left, right
    left.close()
    right.close()


@pytest.fixture(autouse=True)
def no_globals() -> Iterator[None]:
    yield
    global END, SPARE
    END = SPARE = PLACES.end = Holder.shared = None


# -- the ways to reach an end


class Holder:
    shared: Any = None

    def __init__(self, end: Any) -> None:
        self.end = end

    def method(self) -> Any:
        return self.end


class Slotted:
    __slots__ = ("end",)

    def __init__(self, end: Any) -> None:
        self.end = end


@dataclass(frozen=True)
class Record:
    ends: tuple[Any, ...]


def uses_global() -> Any:
    return END


def uses_global_deeply() -> Any:
    def inner() -> list[Any]:
        return [uses_global() for _ in range(1)]

    return inner


def uses_namespace() -> Any:
    return PLACES.end


def uses_class() -> Any:
    return Holder.shared


class UsesGlobal:
    def run(self) -> Any:
        return self.further()

    def further(self) -> Any:
        return END


def with_default(end: Any) -> Callable[[], Any]:
    def function(inner: Any = end) -> Any:
        return inner

    return function


def with_attribute(end: Any) -> Callable[[], Any]:
    def function() -> None: ...

    function.end = end  # type: ignore[attr-defined]
    return function


def generator(end: Any) -> Iterator[Any]:
    inner = [end]
    yield
    yield inner


def started(end: Any) -> Iterator[Any]:
    running = generator(end)
    next(running)
    return running


def cyclic(end: Any) -> list[Any]:
    items: list[Any] = [end]
    items.append(items)
    return items


def by_global(end: Any) -> Any:
    global END
    END = end
    return uses_global


def by_namespace(end: Any) -> Any:
    PLACES.end = [end]
    return uses_namespace


def by_class(end: Any) -> Any:
    Holder.shared = end
    return uses_class


def by_module(end: Any) -> Any:
    module = ModuleType("settings_of_tests")
    vars(module)["end"] = end
    scope: dict[str, Any] = {"settings_of_tests": module, "__name__": "somewhere"}
    exec("def function(): return settings_of_tests.end", scope)
    return scope["function"]


WAYS: dict[str, Callable[[Any], Any]] = {
    "itself": lambda end: end,
    "list": lambda end: [end],
    "dict": lambda end: {"a": {"b": end}},
    "dict key": lambda end: {end: 1},
    "set": lambda end: {end},
    "tuple": lambda end: (1, (2, end)),
    "deque": lambda end: deque([end]),
    "instance": Holder,
    "slots": Slotted,
    "dataclass": lambda end: Record((end,)),
    "bound method": lambda end: Holder(end).method,
    "method of the end": lambda end: end.send,
    "partial": lambda end: functools.partial(print, end),
    "partial of a method": lambda end: functools.partial(Holder(end).method),
    "closure": lambda end: lambda: end,
    "default": with_default,
    "attribute of a function": with_attribute,
    "generator": started,
    "cycle": cyclic,
    "global": by_global,
    "global, by a function it calls": lambda end: by_global(end) and uses_global_deeply,
    "global, by another method": lambda end: by_global(end) and UsesGlobal().run,
    "global, by a class": lambda end: by_global(end) and [UsesGlobal],
    "attribute of a global": by_namespace,
    "attribute of a class": by_class,
    "attribute of a module": by_module,
    "wrapped": lambda end: functools.wraps(uses_class)(lambda: end),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_end_that_can_be_reached_is_kept_and_its_other_side_closed(way: str, pair: Ends) -> None:
    left, right = pair
    roots = WAYS[way](right)

    def body() -> None:
        given.close_strangers([roots])
        right.send("given")
        assert left.closed

    in_child(body)
    assert left.recv() == "given"
    right.close()
    with pytest.raises(EOFError):
        left.recv()


USES: list[Callable[[Any], Any]] = [
    lambda end: end.send(1),
    lambda end: end.send_bytes(b"1"),
    lambda end: end.recv(),
    lambda end: end.recv_bytes(),
    lambda end: end.recv_bytes_into(bytearray(1)),
    lambda end: end.poll(),
    lambda end: end.fileno(),
]


@pytest.mark.parametrize("stream", [False, True])
def test_the_use_of_what_was_not_given_says_so(stream: bool, pair: Ends) -> None:
    end = Connection(_socket()) if stream else pair[0]

    def body() -> None:
        given.close_strangers([])
        for use in USES:
            with pytest.raises(OSError, match=r"not given to this process.*pass it in args"):
                use(end)
        end.close()

    in_child(body)
    end.close()


def _socket() -> int:
    import socket

    left, right = socket.socketpair()
    right.close()
    return left.detach()


def test_brothers_do_not_keep_each_others_pipes_open() -> None:
    # The trap: the second child inherits the parent's end of the first child's pipe.
    first, second = Pipe(), Pipe()
    hold, release = Pipe()

    def brother() -> None:
        given.close_strangers([(second[1], hold)])
        with pytest.raises(EOFError):
            hold.recv()

    from tests.unit.ipc.pipekit import ended, fork

    pid = fork(brother)
    first[1].close()
    assert not first[0].poll(0)
    hold.close()
    with pytest.raises(EOFError):
        first[0].recv()
    release.close()
    ended(pid)
    for end in (first[0], *second):
        end.close()


def test_a_global_that_nobody_names_is_kept_in_doubt() -> None:
    global SPARE
    SPARE, other = Pipe()

    def body() -> None:
        given.close_strangers([])
        assert not SPARE.closed
        assert other.closed

    in_child(body)
    SPARE.close()
    other.close()


def test_but_not_if_its_other_side_was_given() -> None:
    global SPARE
    SPARE, other = Pipe()

    def body() -> None:
        given.close_strangers([other])
        assert SPARE.closed
        assert not other.closed

    in_child(body)
    SPARE.close()
    other.close()


def test_nor_if_the_pipe_was_given_to_somebody_else_before() -> None:
    global SPARE
    import os

    SPARE, other = Pipe()
    pidfd = os.pidfd_open(os.getpid())
    given.note_handed([other], pidfd)
    os.close(pidfd)

    def body() -> None:
        given.close_strangers([])
        assert SPARE.closed
        assert other.closed

    in_child(body)
    SPARE.close()
    other.close()


def test_the_handlers_of_the_log_keep_their_ends(pair: Ends) -> None:
    import logging

    class Handler(logging.Handler):
        def __init__(self, end: Any) -> None:
            super().__init__()
            self.end = end

        def emit(self, record: logging.LogRecord) -> None:
            self.end.send(record.getMessage())

    handler = Handler(pair[1])
    logger = logging.getLogger("procession.tests.given")
    logger.addHandler(handler)
    try:

        def body() -> None:
            given.close_strangers([])
            logger.error("heard")

        in_child(body)
        assert pair[0].recv() == "heard"
    finally:
        logger.removeHandler(handler)


def test_what_a_process_object_holds_is_given_and_what_its_start_holds_is_not(pair: Ends) -> None:
    from multiprocessing.process import BaseProcess

    class Worker(BaseProcess):
        def __init__(self, end: Any, **words: Any) -> None:
            super().__init__(**words)
            self.end = end

    process = Worker(pair[1], args=(1,))
    process._popen = Holder(pair[0])  # type: ignore[attr-defined]
    ids = {id(pair[0]), id(pair[1])}
    assert reachable([process], ids).found == {id(pair[1])}
    process._popen = None  # type: ignore[attr-defined]


def test_a_walk_that_would_take_too_long_keeps_what_it_did_not_find(pair: Ends) -> None:
    others = Pipe()
    huge = [[[number]] for number in range(OBJECTS_MAX)]

    def body() -> None:
        given.close_strangers([others[0], huge])
        assert others[1].closed  # surely not ours
        assert not pair[0].closed
        assert not pair[1].closed

    in_child(body)
    for end in others:
        end.close()


def test_objects_of_other_kinds_register_too() -> None:
    class End:
        def __init__(self) -> None:
            self.open = True

        def close(self) -> None:
            self.open = False

    kept, closed = End(), End()
    handed: list[tuple[End, int]] = []
    for end in (kept, closed):
        given.register(end, None, End.close, handed=lambda obj, pidfd: handed.append((obj, pidfd)))
    given.note_handed([[kept]], 17)
    assert handed == [(kept, 17)]
    given.close_strangers([kept])
    assert (kept.open, closed.open) == (True, False)
    del kept, closed, end
    handed.clear()
    gc.collect()
    given.note_handed([], 0)


def test_it_is_quick_among_thousands_of_objects() -> None:
    ends = [Pipe() for _ in range(200)]
    rest = [{"number": number, "list": [str(number), [number]]} for number in range(20_000)]
    seconds: list[float] = []

    def body() -> None:
        start = time.monotonic()
        given.close_strangers([(ends[7][1], rest, uses_global)])
        seconds.append(time.monotonic() - start)
        assert seconds[0] < 1
        assert [number for number, pair in enumerate(ends) if not pair[1].closed] == [7]

    in_child(body)
    for pair in ends:
        for end in pair:
            end.close()
