from __future__ import annotations

import errno
import fcntl
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from procession.linux import copyfile
from procession.linux.copyfile import clone, copy_range, copy_range_at

Open = Callable[..., int]

DATA = bytes(range(256)) * 12_000  # 3 MB: three buffers of the way by hand
NEW = os.O_RDWR | os.O_CREAT | os.O_TRUNC


@pytest.fixture
def files(tmp_path: Path, opened: Open) -> tuple[int, int]:
    """A source of DATA and an empty target, both at their start."""
    (tmp_path / "source").write_bytes(DATA)
    return opened(tmp_path / "source", os.O_RDWR), opened(tmp_path / "target", NEW)


def content(fd: int) -> bytes:
    return os.pread(fd, os.fstat(fd).st_size + 1, 0)


def failing(number: int, *, after: int = 0) -> Callable[..., int]:
    """A copy_file_range that does its work ``after`` times and then fails."""
    real, calls = os.copy_file_range, [0]

    def fake(*arguments: Any) -> int:
        calls[0] += 1
        if calls[0] <= after:
            return real(*arguments)
        raise OSError(number, os.strerror(number))

    return fake


def counting(log: list[int]) -> Callable[..., int]:
    real = os.copy_file_range

    def fake(source: int, target: int, count: int, *offsets: int | None) -> int:
        log.append(count)
        return real(source, target, count, *offsets)

    return fake


def test_a_small_file_is_one_call(files: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[int] = []
    monkeypatch.setattr(os, "copy_file_range", counting(log))
    assert copy_range(*files, len(DATA)) == len(DATA)
    assert content(files[1]) == DATA
    assert log == [len(DATA)]


def test_steps_are_told(files: tuple[int, int]) -> None:
    told: list[int] = []
    assert copy_range(*files, len(DATA), step=1_000_000, advance=told.append) == len(DATA)
    assert told == [1_000_000, 1_000_000, 1_000_000, 72_000]
    assert content(files[1]) == DATA


def test_copying_goes_on_from_where_the_files_stand(files: tuple[int, int]) -> None:
    source, target = files
    os.lseek(source, 1000, os.SEEK_SET)
    os.write(target, b"head")
    assert copy_range(source, target, 500) == 500
    assert content(target) == b"head" + DATA[1000:1500]
    assert os.lseek(source, 0, os.SEEK_CUR) == 1500


def test_explicit_offsets_leave_the_files_own_alone(files: tuple[int, int]) -> None:
    assert copy_range_at(*files, 1000, 500) == 500
    assert content(files[1]) == bytes(1000) + DATA[1000:1500]
    assert [os.lseek(fd, 0, os.SEEK_CUR) for fd in files] == [0, 0]


def test_nothing_is_copied_by_no_call(files: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "copy_file_range", failing(errno.EIO))
    assert copy_range(*files, 0) == 0


NOT_HERE = [
    errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM, errno.ETXTBSY, errno.EBADF,
]  # fmt: skip


@pytest.mark.parametrize("number", NOT_HERE, ids=errno.errorcode.get)
@pytest.mark.parametrize("after", [0, 1])
def test_what_is_not_here_is_done_by_hand(
    number: int, after: int, files: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    monkeypatch.setattr(os, "copy_file_range", failing(number, after=after))
    assert copy_range(*files, len(DATA), step=100_000, advance=told.append) == len(DATA)
    assert content(files[1]) == DATA
    assert sum(told) == len(DATA)
    assert len(told) == 3 + after


@pytest.mark.parametrize("number", NOT_HERE, ids=errno.errorcode.get)
def test_by_hand_at_offsets(number: int, files: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "copy_file_range", failing(number, after=1))
    assert copy_range_at(*files, 1000, 2_000_000, step=500_000) == 2_000_000
    assert content(files[1]) == bytes(1000) + DATA[1000:2_001_000]
    assert [os.lseek(fd, 0, os.SEEK_CUR) for fd in files] == [0, 0]


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG], ids=errno.errorcode.get
)
@pytest.mark.parametrize("after", [0, 1])
def test_real_failures_are_raised(
    number: int, after: int, files: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    monkeypatch.setattr(os, "copy_file_range", failing(number, after=after))
    with pytest.raises(OSError, match=os.strerror(number)) as caught:
        copy_range(*files, len(DATA), step=100_000, advance=told.append)
    assert caught.value.errno == number
    assert told == [100_000] * after


def test_a_call_that_copies_nothing_leads_to_reading(
    files: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "copy_file_range", lambda *_: 0)
    assert copy_range(*files, len(DATA)) == len(DATA)
    assert content(files[1]) == DATA


def test_a_file_of_proc_is_copied(tmp_path: Path, opened: Open) -> None:
    source, target = opened("/proc/version"), opened(tmp_path / "target", NEW)
    assert os.fstat(source).st_size == 0  # made up: the caller asks for what it likes
    assert copy_range(source, target, 1 << 20) == os.fstat(target).st_size
    assert content(target) == Path("/proc/version").read_bytes()


def test_a_source_that_is_shorter_ends_the_copy(files: tuple[int, int]) -> None:
    assert copy_range(*files, len(DATA) + 10_000) == len(DATA)
    assert content(files[1]) == DATA


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_source_that_shrinks_meanwhile_ends_the_copy(
    by_hand: bool, files: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    if by_hand:
        monkeypatch.setattr(os, "copy_file_range", failing(errno.EXDEV))
    source, target = files
    # After the first step (by hand: 1 MiB) the source is cut down to 1.5 MB.
    copied = copy_range(
        source, target, len(DATA), step=1_000_000, advance=lambda _: os.ftruncate(source, 1_500_000)
    )
    assert copied == 1_500_000
    assert content(target) == DATA[:1_500_000]


def test_short_writes_are_completed(files: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    write, pwrite = os.write, os.pwrite
    monkeypatch.setattr(os, "copy_file_range", failing(errno.EXDEV))
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:70_000]))
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: pwrite(fd, data[:70_000], at))
    assert copy_range(*files, len(DATA)) == len(DATA)
    assert content(files[1]) == DATA
    assert copy_range_at(*files, 5, 1_000_000) == 1_000_000
    assert content(files[1]) == DATA


def test_no_call_asks_for_two_gibibytes(
    tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 5 << 30
    source, target = opened(tmp_path / "source", NEW), opened(tmp_path / "target", NEW)
    asked: list[int] = []

    def fake(_source: int, _target: int, count: int, *_: object) -> int:
        asked.append(count)
        return count

    monkeypatch.setattr(os, "copy_file_range", fake)
    assert copy_range(source, target, size, step=4 << 30) == size
    assert asked == [0x7FFFF000, 0x7FFFF000, size - 2 * 0x7FFFF000]
    asked.clear()
    assert copy_range(source, target, 100 << 20) == 100 << 20
    assert asked == [32 << 20] * 3 + [4 << 20]


@pytest.mark.slow
def test_over_two_gibibytes_really_arrive(tmp_path: Path, opened: Open) -> None:
    size = (2 << 30) + 5
    source, target = opened(tmp_path / "source", NEW), opened(tmp_path / "target", NEW)
    os.pwrite(source, b"start", 0)
    os.pwrite(source, b"ended", size - 5)
    assert copyfile.copy_sparse(source, target, size) == size
    assert os.pread(target, 10, size - 5) == b"ended"
    os.lseek(source, 0, os.SEEK_SET)  # the map of holes has moved it
    os.ftruncate(target, 0)
    assert copy_range(source, target, size, step=size) == size
    assert os.pread(target, 10, size - 5) == b"ended"


def test_append_only_targets_are_written_by_hand(tmp_path: Path, opened: Open) -> None:
    (tmp_path / "source").write_bytes(b"tail")
    (tmp_path / "target").write_bytes(b"head ")
    source, target = opened(tmp_path / "source"), opened(tmp_path / "target", os.O_RDWR | os.O_APPEND)
    assert copy_range(source, target, 4) == 4
    assert content(target) == b"head tail"


@pytest.mark.parametrize("bad", [0, 1])
def test_a_bad_descriptor_is_said_to_be_one(bad: int, files: tuple[int, int]) -> None:
    source, target = (10**6 if place == bad else fd for place, fd in enumerate(files))
    with pytest.raises(OSError, match="Bad file") as caught:
        copy_range(source, target, 10)
    assert caught.value.errno == errno.EBADF


# ── Clones ────────────────────────────────────────────────────────────────────────────────────────


def ioctl_failing(number: int) -> Callable[..., int]:
    def fake(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    return fake


@pytest.mark.parametrize("number", [*NOT_HERE, errno.ENOTTY, errno.EACCES], ids=errno.errorcode.get)
def test_no_clone_here(number: int, files: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "ioctl", ioctl_failing(number))
    assert clone(*files) is False


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EDQUOT], ids=errno.errorcode.get)
def test_a_failed_clone_is_raised(
    number: int, files: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "ioctl", ioctl_failing(number))
    with pytest.raises(OSError, match=os.strerror(number)):
        clone(*files)


def test_a_file_system_that_cannot_clone(opened: Open) -> None:
    source = os.memfd_create("source")
    target = os.memfd_create("target")
    assert clone(source, target) is False
    os.close(source)
    os.close(target)


def test_the_constant_is_that_of_python_where_it_has_one() -> None:
    assert getattr(fcntl, "FICLONE", copyfile._FICLONE) == copyfile._FICLONE


# ── Real file systems ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mount something below the temporary folder; skips, saying why, where that is not possible."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount")
    mounted: list[Path] = []

    def do(*arguments: str | Path) -> Path:
        place = tmp_path / f"mount-{len(mounted)}"
        place.mkdir()
        done = subprocess.run(["mount", *arguments, place], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"cannot mount {' '.join(map(str, arguments))}: {done.stderr.strip()}")
        mounted.append(place)
        return place

    yield do
    for place in reversed(mounted):
        subprocess.run(["umount", place], check=True)


@pytest.mark.root
@pytest.mark.parametrize("by_hand", [False, True])
def test_a_full_disk_is_raised(
    by_hand: bool, small_tmpfs: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = small_tmpfs("1M")
    (tmp_path / "source").write_bytes(DATA)
    if by_hand:
        monkeypatch.setattr(os, "copy_file_range", failing(errno.EXDEV))
    source, target = os.open(tmp_path / "source", os.O_RDONLY), os.open(place / "target", NEW)
    try:
        with pytest.raises(OSError, match="No space") as caught:
            copy_range(source, target, len(DATA))
        assert caught.value.errno == errno.ENOSPC
        with pytest.raises(OSError, match="No space"):
            copyfile.preallocate(target, 2 << 20)
    finally:
        os.close(source)
        os.close(target)


@pytest.mark.root
def test_a_clone_on_btrfs(mount: Callable[..., Path], tmp_path: Path) -> None:
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(256 << 20)
    try:
        subprocess.run(["mkfs.btrfs", "-q", image], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("needs mkfs.btrfs")
    place = mount("-o", "loop", image)
    (place / "source").write_bytes(DATA)
    source, target = os.open(place / "source", os.O_RDONLY), os.open(place / "target", NEW)
    outside = os.open(tmp_path / "outside", NEW)
    try:
        assert clone(source, target)
        assert content(target) == DATA
        os.pwrite(target, b"changed", 0)
        assert content(source) == DATA
        assert clone(source, outside) is False  # another file system
        os.ftruncate(target, 0)
        assert copy_range(source, target, len(DATA)) == len(DATA)
        assert content(target) == DATA
    finally:
        for fd in (source, target, outside):
            os.close(fd)
