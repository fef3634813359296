"""Holes: the map of a file, a copy that keeps them, and space set aside."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procession.linux import libc
from procession.linux.copyfile import (
    advise_dontneed,
    advise_sequential,
    copy_sparse,
    data_segments,
    preallocate,
)

Open = Callable[..., int]
NEW = os.O_RDWR | os.O_CREAT | os.O_TRUNC
BLOCK = 4096


@pytest.fixture
def new(tmp_path: Path, opened: Open) -> Callable[[str], int]:
    return lambda name: opened(tmp_path / name, NEW)


# A file as a list of stretches: (is it data?, how many blocks), and an uneven rest at the end.
maps = st.lists(st.tuples(st.booleans(), st.integers(1, 8)), max_size=12)


@settings(deadline=None, max_examples=60)
@given(stretches=maps, rest=st.integers(0, BLOCK - 1), folder=st.sampled_from([None, "/dev/shm"]))
def test_any_map_of_holes_is_read_and_copied(
    stretches: list[tuple[bool, int]], rest: int, folder: str | None
) -> None:
    with tempfile.TemporaryFile(dir=folder) as source, tempfile.TemporaryFile(dir=folder) as target:
        at, expected = 0, bytearray()
        for is_data, blocks in stretches:
            if is_data:
                os.pwrite(source.fileno(), b"\1" * (blocks * BLOCK), at)
            expected += (b"\1" if is_data else b"\0") * (blocks * BLOCK)
            at += blocks * BLOCK
        size = at + rest
        expected += bytes(rest)
        os.ftruncate(source.fileno(), size)

        segments = list(data_segments(source.fileno(), size))
        covered = bytearray(size)
        reached = 0
        for offset, length in segments:
            assert reached <= offset
            assert 0 < length <= size - offset
            covered[offset : offset + length] = b"\1" * length
            reached = offset + length
        # All data is covered; how much more is up to the file system (large folios), but not all.
        assert all(not data or mark for data, mark in zip(expected, covered, strict=True))

        told: list[int] = []
        assert copy_sparse(source.fileno(), target.fileno(), size, told.append) == size
        assert os.pread(target.fileno(), size + 1, 0) == bytes(expected)
        assert sum(told) == size
        assert all(count > 0 for count in told)
        assert os.fstat(target.fileno()).st_blocks <= os.fstat(source.fileno()).st_blocks


def test_a_large_file_of_one_byte_stays_small(new: Callable[[str], int]) -> None:
    source, target = new("source"), new("target")
    size = 1 << 40
    os.pwrite(source, b"x", size // 2)
    os.ftruncate(source, size)
    assert copy_sparse(source, target, size) == size
    assert os.fstat(target).st_size == size
    assert os.fstat(target).st_blocks * 512 < 1 << 20
    assert os.pread(target, 3, size // 2 - 1) == b"\0x\0"


@pytest.mark.parametrize("size", [0, 1, BLOCK, 3 * BLOCK + 1])
def test_a_file_that_is_one_hole(size: int, new: Callable[[str], int]) -> None:
    source, target = new("source"), new("target")
    os.ftruncate(source, size)
    assert list(data_segments(source, size)) == []
    assert copy_sparse(source, target, size) == size
    assert os.fstat(target).st_size == size
    assert os.fstat(target).st_blocks == 0


def test_data_beyond_the_size_asked_for_is_left_out(new: Callable[[str], int]) -> None:
    source, target = new("source"), new("target")
    os.pwrite(source, b"x" * BLOCK, 4 * BLOCK)
    assert list(data_segments(source, 2 * BLOCK)) == []
    assert list(data_segments(source, 4 * BLOCK + 10)) == [(4 * BLOCK, 10)]
    assert copy_sparse(source, target, 2 * BLOCK) == 2 * BLOCK
    assert os.pread(target, 5 * BLOCK, 0) == bytes(2 * BLOCK)


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS], ids=errno.errorcode.get)
def test_a_file_system_without_a_map_gives_one_segment(
    number: int, new: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = new("source"), new("target")
    os.write(source, b"0123456789")

    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "lseek", refuse)
    assert list(data_segments(source, 10)) == [(0, 10)]
    assert copy_sparse(source, target, 10) == 10
    assert os.pread(target, 11, 0) == b"0123456789"


def test_failures_of_the_map_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "lseek", refuse)
    with pytest.raises(OSError, match="Input/output"):
        list(data_segments(0, 10))


def test_a_hole_punched_between_the_two_calls_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([10, 10, 20, 30])
    monkeypatch.setattr(os, "lseek", lambda *_: next(answers))
    assert list(data_segments(0, 30)) == [(20, 10)]


@pytest.mark.parametrize("left", [0, 3 * BLOCK, 5 * BLOCK, 9 * BLOCK])
def test_a_source_that_shrinks_meanwhile_gives_a_shorter_target(left: int, new: Callable[[str], int]) -> None:
    source, target = new("source"), new("target")
    size = 10 * BLOCK
    for block in (0, 4, 8):
        os.pwrite(source, b"x" * BLOCK, block * BLOCK)
    os.ftruncate(source, size)
    cut = [left]

    def advance(_: int) -> None:
        if cut:
            os.ftruncate(source, cut.pop())

    assert copy_sparse(source, target, size, advance) == left
    assert os.pread(target, size, 0) == os.pread(source, size, 0)


def test_a_source_that_shrinks_inside_a_segment_gives_a_shorter_target(
    new: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = new("source"), new("target")
    os.pwrite(source, b"x" * (8 * BLOCK), 0)
    os.pwrite(source, b"y" * BLOCK, 20 * BLOCK)
    copy_file_range = os.copy_file_range

    def cut_first(*arguments: Any) -> int:
        os.ftruncate(source, 3 * BLOCK)
        return copy_file_range(*arguments)

    monkeypatch.setattr(os, "copy_file_range", cut_first)
    assert copy_sparse(source, target, 21 * BLOCK) == 3 * BLOCK
    assert os.pread(target, 22 * BLOCK, 0) == b"x" * (3 * BLOCK)


def test_space_is_set_aside_without_changing_the_size(new: Callable[[str], int]) -> None:
    fd = new("file")
    os.write(fd, b"head")
    if not preallocate(fd, 1 << 20):
        pytest.skip("the file system of the temporary folder cannot preallocate")
    assert os.fstat(fd).st_size == 4
    assert os.fstat(fd).st_blocks * 512 >= 1 << 20
    assert preallocate(fd, 0)


@pytest.mark.parametrize(
    "number",
    [errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ENODEV, errno.ESPIPE, errno.EPERM],
    ids=errno.errorcode.get,
)
def test_no_space_can_be_set_aside_here(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(libc, "call", refuse)
    assert preallocate(0, 10) is False


def test_a_pipe_has_no_space_to_set_aside_and_takes_no_advice() -> None:
    reader, writer = os.pipe()
    assert preallocate(writer, 10) is False
    advise_sequential(reader)
    os.close(reader)
    os.close(writer)


def test_space_that_is_not_there_is_raised(new: Callable[[str], int]) -> None:
    with pytest.raises(OSError, match=r"space|large") as caught:
        preallocate(new("file"), 1 << 62)
    assert caught.value.errno in (errno.ENOSPC, errno.EFBIG)


def test_advice_is_taken(new: Callable[[str], int]) -> None:
    fd = new("file")
    os.write(fd, b"x" * BLOCK)
    advise_sequential(fd)
    os.fsync(fd)
    advise_dontneed(fd)
    assert os.pread(fd, BLOCK, 0) == b"x" * BLOCK


def test_advice_for_a_closed_descriptor_is_an_error() -> None:
    with pytest.raises(OSError, match="Bad file"):
        advise_sequential(10**6)
