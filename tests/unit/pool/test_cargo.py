"""How a flight is loaded: what goes at once, what one by one, and what refuses to go."""

from __future__ import annotations

import marshal
import os
import pickle
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest

from procession.ipc import carry
from procession.pool import cargo as cargo_module
from procession.pool.cargo import Cargo, Refused, pack_tasks
from procession.pool.messages import EACH, PLAIN, RANGE, Head
from procession.pool.page import VERSION
from procession.pool.worker import _Entries
from tests.unit.pool.handlers import Unpicklable

LONGEST = cargo_module._LOOKED_AT


class Number(int):
    """An int of its own kind."""


class Word(str):
    """A str of its own kind."""

    __slots__ = ()


class Point(NamedTuple):
    """A tuple of its own kind."""

    x: int
    y: int


class Carrier:
    """Has a descriptor inside; ``blocks``: of memory as well."""

    def __init__(self, fd: int, blocks: int = 0) -> None:
        self.fd = fd
        self.blocks = [bytes([number]) * carry.BUFFER_MIN for number in range(blocks)]

    def __reduce__(self) -> tuple[Any, ...]:
        return _carried, (carry.share(self.fd), [pickle.PickleBuffer(block) for block in self.blocks])


def _carried(shared: Any, blocks: Sequence[Any]) -> Carrier:
    carrier = Carrier(shared.detach())
    carrier.blocks = [bytes(block) for block in blocks]
    return carrier


class OpensAndRefuses:
    """Has given a descriptor when it turns out that the rest does not pickle."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _carried, (carry.share(0), Unpicklable())


def unload(cargo: Cargo) -> list[Any]:
    """As a worker does it."""
    if cargo.form == PLAIN:
        values: list[Any] = marshal.loads(cargo.data)
        return values
    if cargo.form == RANGE:
        return list(range(*marshal.loads(cargo.data)))
    from procession.pool.messages import Packet

    packet = Packet(Head(b"f"), cargo.data, list(cargo.descriptors), list(cargo.buffers))
    return [
        pickle.loads(entry) if type(entry) is bytes else carry.unpack(*entry) for entry in _Entries(packet)
    ]


PLAIN_TASKS: list[list[Any]] = [
    [],
    [0, -(2**70), True, None, 1.5, "word", "\udc80", b"\0", ""],
    [(1, "a"), (), (None, b"x", 2.0)],
    [tuple(range(LONGEST))],
]
EACH_TASKS: list[list[Any]] = [
    [Number(5), 6],
    [Word("word")],
    [(1, Number(5))],
    [Point(1, 2)],
    [(1, (2,))],
    [[1]],
    [1, {"a": 2}],
    [1j],
    [bytearray(b"x")],
    [tuple(range(LONGEST + 1))],
    [frozenset((1,))],
    [Ellipsis],
]


@pytest.mark.parametrize("tasks", PLAIN_TASKS, ids=repr)
def test_plain_values_go_at_once(tasks: list[Any]) -> None:
    cargo = pack_tasks(tasks)
    assert cargo == Cargo(PLAIN, marshal.dumps(tasks, VERSION))
    assert unload(cargo) == tasks


@pytest.mark.parametrize("tasks", EACH_TASKS, ids=repr)
def test_everything_else_goes_one_by_one_and_keeps_its_type(tasks: list[Any]) -> None:
    cargo = pack_tasks(tasks)
    assert (cargo.form, cargo.descriptors, cargo.buffers) == (EACH, (), ())
    arrived = unload(cargo)
    assert arrived == tasks
    assert [type(task) for task in arrived] == [type(task) for task in tasks]


def test_any_sequence_will_do() -> None:
    assert unload(pack_tasks(range(5))) == [0, 1, 2, 3, 4]
    assert unload(pack_tasks("abc")) == ["a", "b", "c"]
    assert unload(pack_tasks((1, [2]))) == [1, [2]]


def test_two_tasks_that_were_given_the_same_list_do_not_share_it() -> None:
    shared: list[int] = []
    first, second, third = unload(pack_tasks([shared, shared, (shared, shared)]))
    first.append(1)
    assert second == []
    assert third[0] is third[1]  # within one task it is as it was


@pytest.mark.parametrize("index", [0, 1, 4])
def test_a_refusal_names_the_task_and_its_error(index: int) -> None:
    tasks: list[Any] = [0, 1, 2, 3, 4]
    tasks[index] = Unpicklable()
    with pytest.raises(Refused) as caught:
        pack_tasks(tasks)
    assert caught.value.index == index
    assert isinstance(caught.value.error, TypeError)
    assert "does not travel" in str(caught.value.error)


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("refuser", [Unpicklable(), OpensAndRefuses()], ids=lambda r: type(r).__name__)
def test_a_refusal_closes_what_had_been_duplicated(refuser: object) -> None:
    with open("/dev/null", "rb") as file:
        before = open_descriptors()
        with pytest.raises(Refused) as caught:
            pack_tasks([Carrier(file.fileno()), Carrier(file.fileno()), refuser, Carrier(file.fileno())])
        assert (open_descriptors(), caught.value.index) == (before, 2)


def test_each_task_has_its_own_descriptors_and_buffers() -> None:
    pipes = [os.pipe() for _ in range(3)]
    tasks = [Carrier(pipes[0][0], 2), 5, Carrier(pipes[1][0]), [Carrier(pipes[2][0], 1), Carrier(0)]]
    cargo = pack_tasks(tasks)
    assert (cargo.form, len(cargo.descriptors), len(cargo.buffers)) == (EACH, 4, 3)
    assert len(cargo.data) < carry.BUFFER_MIN
    first, number, second, (third, fourth) = unload(cargo)
    assert number == 5
    assert first.blocks == tasks[0].blocks  # type: ignore[attr-defined]
    assert third.blocks == [bytes(carry.BUFFER_MIN)]
    for (reader, writer), carrier in zip(pipes, (first, second, third), strict=True):
        os.write(writer, b"x")
        assert carrier.fd != reader
        assert os.read(carrier.fd, 1) == b"x"
    for fd in (*(fd for pair in pipes for fd in pair), first.fd, second.fd, third.fd, fourth.fd):
        os.close(fd)


def test_what_is_not_begun_is_closed() -> None:
    from procession.pool.messages import Packet

    before = open_descriptors()
    cargo = pack_tasks([Carrier(0), Carrier(1), Carrier(2)])
    entries = _Entries(Packet(Head(b"f"), cargo.data, list(cargo.descriptors), None))
    first = carry.unpack(*next(entries))
    entries.close()
    entries.close()
    os.close(first.fd)
    assert open_descriptors() == before
