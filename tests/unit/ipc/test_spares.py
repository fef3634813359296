"""Memory that brought a message and takes the next one: only when nobody can look at it any more."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from procession.ipc.letters import FDS_ROOM, ROOM, read_parts, write_letter
from procession.ipc.spares import LEAST, Spares
from procession.linux.seqpacket import seqpacket_pair

SIZE = LEAST + 4096


@pytest.fixture
def spares() -> Iterator[Spares]:
    made = Spares()
    yield made
    made.clear()


def carried(content: bytes, spares: Spares | None = None, back: Spares | None = None) -> list[memoryview]:
    """The buffers of a message with this content, after its way; written with ``back``, read with ``spares``."""
    left, right = seqpacket_pair()
    with left, right:
        letter = write_letter(b"pickle", [memoryview(content)], (), back)
        left.sendmsg(letter.pieces, letter.ancillary())
        letter.close()
        packet, extras, flags, _ = right.recvmsg(ROOM, FDS_ROOM, socket.MSG_CMSG_CLOEXEC)
        data, fds, buffers = read_parts(packet, extras, flags, spares)
    assert (bytes(data), fds) == (b"pickle", [])
    if isinstance(data, memoryview):
        data.release()
    assert buffers is not None
    return buffers


def is_free(spares: Spares) -> bool:
    fd = spares.take(SIZE)
    if fd is None:
        return False
    os.close(fd)
    return True


def test_it_is_free_when_the_last_view_is_gone(spares: Spares) -> None:
    (view,) = carried(b"a" * SIZE, spares)
    part = view[100:200]
    del view
    assert not is_free(spares)
    assert bytes(part) == b"a" * 100
    del part
    assert is_free(spares)
    assert not is_free(spares)


def test_the_next_message_goes_in_it(spares: Spares) -> None:
    carried(b"a" * SIZE, spares)
    assert bytes(carried(b"b" * SIZE, None, spares)[0]) == b"b" * SIZE
    assert not is_free(spares)


@pytest.mark.parametrize("size", [SIZE * 2, SIZE // 3])
def test_not_for_one_that_is_larger_or_far_smaller(spares: Spares, size: int) -> None:
    carried(b"a" * SIZE, spares)
    assert bytes(carried(b"b" * size, None, spares)[0]) == b"b" * size
    assert is_free(spares)


def test_small_ones_are_not_kept(spares: Spares) -> None:
    carried(b"a" * (LEAST // 2), spares)
    assert spares.take(LEAST // 2) is None


def test_a_few_at_a_time(spares: Spares) -> None:
    kept = [carried(b"a" * SIZE, spares) for _ in range(7)]
    kept.clear()
    assert [is_free(spares) for _ in range(5)] == [True] * 4 + [False]


@pytest.mark.parametrize("when", ["mapped", "free"])
def test_a_child_keeps_what_it_has_mapped(spares: Spares, when: str) -> None:
    kept: Any = carried(b"a" * SIZE, spares)
    if when == "free":
        kept = None
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    kept = None
    assert not is_free(spares)
    carried(b"a" * SIZE, spares)
    assert not is_free(spares)
    assert kept is None
