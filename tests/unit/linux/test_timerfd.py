"""A moment of the wall clock as a descriptor."""

from __future__ import annotations

import ctypes
import os
import select
import time
from collections.abc import Iterator

import pytest

from procession.linux.timerfd import create_timer, read_timer, set_timer


@pytest.fixture
def timer() -> Iterator[int]:
    fd = create_timer()
    yield fd
    os.close(fd)


def is_readable(fd: int, seconds: float) -> bool:
    return bool(select.select([fd], [], [], seconds)[0])


@pytest.mark.parametrize("at", [0.0, -5.0, 1.5, time.time() - 0.5])
def test_a_moment_that_is_over_is_told_at_once(timer: int, at: float) -> None:
    set_timer(timer, at)
    assert is_readable(timer, 20)
    read_timer(timer)
    assert not is_readable(timer, 0)


def test_a_moment_to_come(timer: int) -> None:
    at = time.time() + 0.05
    set_timer(timer, at)
    assert is_readable(timer, 20)
    assert time.time() >= at
    read_timer(timer)


def test_never(timer: int) -> None:
    set_timer(timer, 0.0)
    assert is_readable(timer, 20)
    set_timer(timer, None)
    assert not is_readable(timer, 0)
    read_timer(timer)  # nothing to read is no error
    set_timer(timer, time.time() + 3600)
    assert not is_readable(timer, 0)


def test_it_does_not_survive_an_exec(timer: int) -> None:
    assert not os.get_inheritable(timer)


@pytest.mark.root
def test_a_clock_that_is_set_is_told(timer: int) -> None:
    """Set to what it is already: that counts, and does no harm."""
    set_timer(timer, time.time() + 3600)
    try:
        time.clock_settime_ns(time.CLOCK_REALTIME, time.clock_gettime_ns(time.CLOCK_REALTIME))
    except PermissionError:
        pytest.skip("the clock may not be set here")
    assert is_readable(timer, 20)
    read_timer(timer)
    assert not is_readable(timer, 0)


@pytest.mark.root
def test_a_clock_that_was_set_before_it_is_set_again(timer: int) -> None:
    set_timer(timer, time.time() + 3600)
    try:
        time.clock_settime_ns(time.CLOCK_REALTIME, time.clock_gettime_ns(time.CLOCK_REALTIME))
    except PermissionError:
        pytest.skip("the clock may not be set here")
    set_timer(timer, time.time() + 7200)  # before anybody has read that
    assert is_readable(timer, 20)


def test_struct_has_the_size_of_the_c_library() -> None:
    from procession.linux.timerfd import _ITIMERSPEC

    assert _ITIMERSPEC.size == 4 * ctypes.sizeof(ctypes.c_long)
