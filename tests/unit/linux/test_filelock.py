"""Locks of descriptions: they last as long as anybody has the description."""

from __future__ import annotations

import os
import signal

from procession.linux.filelock import LockHolder, is_locked
from procession.linux.memfd import create_memfd

FAR = 1 << 60


def test_a_lock_is_seen_by_others_and_ends_with_unlock() -> None:
    fd = create_memfd("test", 4096)
    holder = LockHolder(fd)
    assert not is_locked(fd, FAR)
    holder.lock(FAR)
    assert is_locked(fd, FAR)
    assert not is_locked(fd, FAR + 1)
    holder.unlock(FAR)
    assert not is_locked(fd, FAR)
    os.close(fd)


def test_a_forked_child_has_the_lock_too_until_it_dies() -> None:
    fd = create_memfd("test", 4096)
    holder = LockHolder(fd)
    holder.lock(5)
    holder.lock(9)
    child = os.fork()
    if child == 0:
        signal.pause()
    assert not holder.drop(5)
    assert holder.drop(9)  # the last one: closed here
    assert is_locked(fd, 5)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert not is_locked(fd, 5)
    os.close(fd)
