"""A barrier on other processors: it returns, and of two who store and then look one sees the other."""

from __future__ import annotations

import errno
import os
import random
import signal
import time
from typing import NoReturn

import pytest

from procession.linux import membarrier
from procession.linux.memfd import create_memfd, map_shared

pytestmark = pytest.mark.skipif(not membarrier.available(), reason="membarrier(2) is not to be had here")

GO, LEFT, RIGHT, SAW = range(0, 32, 8)  # slots on cache lines of their own


@pytest.mark.parametrize("registered", [False, True])
def test_everywhere_returns(registered: bool) -> None:
    membarrier.register()
    for _ in range(5):
        membarrier.everywhere(registered=registered)


def test_where_the_kernel_has_none_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_command: int) -> int:
        raise OSError(errno.ENOSYS, "not here")

    monkeypatch.setattr(membarrier, "_membarrier", refuse)
    monkeypatch.setattr(membarrier, "_commands", None)
    assert not membarrier.available()
    membarrier.register()  # nothing happens
    with pytest.raises(OSError, match="not here"):
        membarrier.everywhere(registered=True)


def test_without_the_quick_kind_the_slow_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[int] = []
    monkeypatch.setattr(membarrier, "_membarrier", commands.append)
    monkeypatch.setattr(membarrier, "_commands", 1)
    assert membarrier.available()
    membarrier.register()
    membarrier.everywhere(registered=True)
    assert commands == [1]


def spin(slots: memoryview, slot: int, value: int) -> int:
    """Until the slot has at least that value."""
    deadline = time.monotonic() + 30
    turns = 0
    while slots[slot] < value:
        turns += 1
        if turns & 255 == 0:
            os.sched_yield()
            assert time.monotonic() < deadline
    return int(slots[slot])


def other_side(slots: memoryview, rounds: int) -> NoReturn:
    """Stores and looks, without a barrier of its own."""
    code = 1
    try:
        membarrier.register()
        slots[SAW] = 1
        for number in range(1, rounds + 1):
            spin(slots, GO, number)
            slots[LEFT] = number
            slots[SAW] = 2 * number + (slots[RIGHT] == number)
        code = 0
    finally:
        os._exit(code)


@pytest.mark.parametrize(("registered", "rounds"), [(True, 10_000), (False, 300)])
def test_of_two_who_store_and_look_one_sees_the_other(registered: bool, rounds: int) -> None:
    """Dekker's question.  This side calls ``everywhere`` between its two, the other side nothing."""
    memfd = create_memfd("pn-dekker", 4096)
    memory = map_shared(memfd, 4096)
    os.close(memfd)
    whole = memoryview(memory)
    slots = whole.cast("q")
    chance = random.Random(rounds)
    pid = os.fork()
    if pid == 0:
        other_side(slots, rounds)
    missed = 0
    try:
        spin(slots, SAW, 1)
        for number in range(1, rounds + 1):
            slots[GO] = number
            for _ in range(chance.randrange(40)):
                pass
            slots[RIGHT] = number
            membarrier.everywhere(registered=registered)
            seen = slots[LEFT] == number
            if not seen and not spin(slots, SAW, 2 * number) & 1:
                missed += 1
            spin(slots, SAW, 2 * number)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        _, status = os.waitpid(pid, 0)
        slots.release()
        whole.release()
        memory.close()
    assert (missed, status) == (0, 0)
