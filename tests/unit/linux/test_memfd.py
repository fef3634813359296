from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from procession.errors import NotPermitted, Unsupported
from procession.linux.memfd import create_memfd, map_shared, seal

Fork = Callable[[Callable[[], object]], Any]
PAGE = 4096


@pytest.fixture
def fd() -> Iterator[int]:
    made = create_memfd("test", PAGE)
    yield made
    os.close(made)


def test_it_is_zeroed_sized_and_close_on_exec(fd: int) -> None:
    assert os.fstat(fd).st_size == PAGE
    assert os.pread(fd, PAGE, 0) == bytes(PAGE)
    assert not os.get_inheritable(fd)
    assert "memfd:test" in os.readlink(f"/proc/self/fd/{fd}")


def test_processes_share_a_mapping(fd: int, fork: Fork) -> None:
    with map_shared(fd, PAGE) as page:

        def body() -> None:
            page[:5] = b"hello"

        assert fork(body).reap().code == 0
        assert page[:5] == b"hello"
        assert os.pread(fd, 5, 0) == b"hello"


def test_a_mapping_outlives_its_descriptor() -> None:
    fd = create_memfd("test", PAGE)
    with map_shared(fd, PAGE) as page:
        os.close(fd)
        page[0] = 1
        assert page[0] == 1


def test_a_read_only_mapping_refuses_stores(fd: int) -> None:
    with map_shared(fd, PAGE, writable=False) as page, pytest.raises(TypeError):
        page[0] = 1


def test_a_sealed_size_is_fixed_and_content_is_not(fd: int) -> None:
    seal(fd)
    for size in (0, 2 * PAGE):
        with pytest.raises(PermissionError):
            os.ftruncate(fd, size)
    os.pwrite(fd, b"x", 0)
    with pytest.raises(NotPermitted) as caught:
        seal(fd, writes=True)
    assert caught.value.errno == errno.EPERM


def test_sealed_content_is_fixed(fd: int) -> None:
    with map_shared(fd, PAGE):
        with pytest.raises(OSError, match="busy") as caught:
            seal(fd, writes=True)
        assert caught.value.errno == errno.EBUSY
    seal(fd, writes=True)
    with pytest.raises(PermissionError):
        os.pwrite(fd, b"x", 0)
    with map_shared(fd, PAGE, writable=False) as page:
        assert page[:1] == b"\0"


def test_a_failed_size_leaves_no_descriptor() -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="Invalid"):
        create_memfd("test", -1)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_kernel_without_memfd_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSYS, "words")

    monkeypatch.setattr(os, "memfd_create", refuse)
    with pytest.raises(Unsupported, match="memfd_create"):
        create_memfd("test", 1)


def test_a_mapping_is_an_ordinary_mmap(fd: int) -> None:
    with map_shared(fd, PAGE) as page:
        assert isinstance(page, mmap.mmap)
