"""Descriptors in words, and who holds the other end."""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from procession.linux.pidfd import open_pidfd
from procession.table.descriptors import describe, descriptors_of, kind_of
from procession.table.holders import Holder, Holders
from procession.table.source import Source
from tests.harness import specimens
from tests.harness.places import Unprivileged

ME = os.getpid()


@pytest.fixture
def closing() -> Iterator[Callable[[int], int]]:
    """Closes a descriptor after the test."""
    with ExitStack() as stack:

        def later(fd: int) -> int:
            stack.callback(os.close, fd)
            return fd

        yield later


@pytest.fixture
def source() -> Iterator[Source]:
    with Source() as source:
        yield source


def test_each_kind_by_its_name(source: Source, closing: Callable[[int], int], tmp_path: Path) -> None:
    libc = ctypes.CDLL(None)
    reading, writing = map(closing, os.pipe())
    with socket.socket() as one, select.epoll() as epoll, open(tmp_path / "file", "a") as file:
        kinds = {
            reading: "pipe",
            writing: "pipe",
            one.fileno(): "socket",
            epoll.fileno(): "epoll",
            file.fileno(): "file",
            closing(os.eventfd(1)): "eventfd",
            closing(open_pidfd(ME)): "pidfd",
            closing(os.memfd_create("note")): "memfd",
            closing(libc.timerfd_create(1, 0)): "timerfd",
            closing(libc.inotify_init1(0)): "inotify",
            closing(os.open("/dev/null", os.O_RDWR)): "device",
        }
        found = {each.fd: each for each in descriptors_of(source, ME) or ()}
        assert {fd: found[fd].kind for fd in kinds} == kinds
        assert (found[reading].mode, found[writing].mode) == ("r", "w")
        assert found[file.fileno()].flag_words == ["append", "closed on exec"]
        assert found[file.fileno()].words() == f"file {tmp_path}/file"
        words = {found[fd].kind: found[fd].words() for fd in kinds}
        assert words["pidfd"] == f"pidfd of pid {ME}"
        assert words["memfd"] == "memfd note"
        assert words["epoll"] == "epoll"
        assert words["pipe"] == f"pipe {os.fstat(reading).st_ino}"


def test_names_that_look_like_something_else() -> None:
    assert kind_of("/tmp/pipe:[7]") == "file"
    assert kind_of("/dev/shm/x") == "file"
    assert kind_of("/dev/pts/3") == "terminal"
    assert kind_of("anon_inode:[what is new]") == "anonymous"


def test_a_pipe_to_ourselves_and_to_nobody(source: Source, closing: Callable[[int], int]) -> None:
    reading, writing = map(closing, os.pipe())
    lonely, far = os.pipe()
    closing(lonely)
    os.close(far)
    holders = Holders(source, [ME])
    mine, alone = describe(source, ME, reading), describe(source, ME, lonely)
    assert mine is not None
    assert alone is not None
    assert holders.other_end(mine) == [Holder(ME, writing, "w")]
    assert holders.other_end(alone) == []


def test_the_other_end_of_a_full_pipe(source: Source) -> None:
    with specimens.full_pipe() as found:
        holders = Holders(source, [found.pid, found["reader"]])
        (pipe,) = (
            each for each in descriptors_of(source, found.pid) or () if each.mode == "w" and each.fd > 2
        )
        assert [holder.pid for holder in holders.other_end(pipe)] == [found["reader"]]


def test_the_other_ends_of_sockets_and_terminals(source: Source, closing: Callable[[int], int]) -> None:
    master, slave = map(closing, os.openpty())
    one, other = socket.socketpair()
    with one, other:
        holders = Holders(source, [ME])
        for near, far in ((one.fileno(), other.fileno()), (master, slave), (slave, master)):
            descriptor = describe(source, ME, near)
            assert descriptor is not None
            assert holders.other_end(descriptor) == [Holder(ME, far, "rw")]


def test_a_fifo_by_its_path(source: Source, closing: Callable[[int], int], tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    reading = closing(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    writing = closing(os.open(path, os.O_WRONLY))
    descriptor = describe(source, ME, reading)
    assert descriptor is not None
    assert Holders(source, [ME]).other_end(descriptor) == [Holder(ME, writing, "w")]


def test_locks_of_a_descriptor_are_in_its_info(source: Source, tmp_path: Path) -> None:
    with open(tmp_path / "locked", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        fcntl.lockf(file, fcntl.LOCK_EX, 1, 0)
        fcntl.lockf(file, fcntl.LOCK_EX, 1, 5)
        descriptor = describe(source, ME, file.fileno())
        assert descriptor is not None
        assert len(descriptor.info["lock"].split("\n")) == 3


def test_gone_and_closed(source: Source) -> None:
    with specimens.idle() as found:
        pid = found.pid
        assert describe(source, pid, 999) is None
    assert descriptors_of(source, pid) is None


@pytest.mark.root
def test_says_whom_it_could_not_look_into(unprivileged: Unprivileged) -> None:
    def look() -> None:
        with Source() as source:
            assert descriptors_of(source, 1) is None
            holders = Holders(source)
            assert 1 in holders.refused
            assert os.getpid() not in holders.refused

    unprivileged.call(look)
