"""Logs as a writer and readers see them, with a clock of our own."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from procession.jobs.log_read import LogReader
from procession.jobs.log_write import LogWriter


def whole(path: str) -> bytes:
    with LogReader(path) as reader:
        return b"".join(reader.pieces())


def test_bytes_as_they_came(tmp_path: Path) -> None:
    path = str(tmp_path / "3" / "1")
    log = LogWriter(path)
    log.write(b"\xff\0\x1b[31m\n", 1.0)
    log.write(b"no newline", 2.0)
    log.close(3.0)
    assert whole(path) == b"\xff\0\x1b[31m\nno newline"
    assert (log.written, log.lost, log.offset) == (18, 0, 18)
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    with LogReader(str(tmp_path / "none" / "1")) as reader:
        assert (reader.begin, reader.end, reader.read(0)) == (0, 0, (0, b""))
        assert reader.last_lines(10) == 0
        assert reader.since(0) == 0


@pytest.mark.parametrize(
    ("text", "count", "wanted"),
    [
        (b"a\nb\nc\n", 2, b"b\nc\n"),
        (b"a\nb\nc", 2, b"b\nc"),
        (b"a\nb\nc\n", 9, b"a\nb\nc\n"),
        (b"a\nb\nc\n", 0, b""),
        (b"\n\n\n", 2, b"\n\n"),
        (b"", 3, b""),
    ],
)
def test_the_last_lines(tmp_path: Path, text: bytes, count: int, wanted: bytes) -> None:
    path = str(tmp_path / "1")
    log = LogWriter(path)
    log.write(text, 1.0)
    log.close(1.0)
    with LogReader(path) as reader:
        assert b"".join(reader.pieces(reader.last_lines(count))) == wanted


def test_the_last_lines_but_not_too_many_bytes(tmp_path: Path) -> None:
    path = str(tmp_path / "1")
    log = LogWriter(path)
    log.write(b"".join(b"%09d\n" % n for n in range(100_000)), 1.0)
    log.close(1.0)
    with LogReader(path) as reader:
        seen = b"".join(reader.pieces(reader.last_lines(10_000, 1005)))
        assert len(seen) == 1000
        assert seen.startswith(b"000099900\n")


@settings(max_examples=60, deadline=None)
@example(writes=[(1096, 0.0), (3000, 0.0), (0, 0.0)], keep=0)
@given(
    st.lists(st.tuples(st.integers(0, 3000), st.sampled_from([0.0, 0.005, 0.5, 7.0])), max_size=40),
    st.integers(0, 3),
)
def test_any_rotation_keeps_the_end_and_the_times(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[int, float]], keep: int
) -> None:
    path = str(tmp_path_factory.mktemp("log") / "1")
    log = LogWriter(path, size=4096, keep=keep)
    text, starts, now = b"", [], 100.0
    for size, pause in writes:
        now += pause
        starts.append((now, len(text)))
        data = bytes((len(text) + n) % 251 for n in range(size))
        log.write(data, now)
        text += data
    log.close(now)
    with LogReader(path) as reader:
        assert reader.end == len(text) == log.offset
        assert b"".join(reader.pieces()) == text[reader.begin :]
        assert reader.begin == 0 or reader.end - reader.begin >= 4096 * keep
        for when, offset in starts:
            assert reader.since(when) <= max(offset, reader.begin)


def test_a_reader_goes_on_over_a_rotation(tmp_path: Path) -> None:
    path = str(tmp_path / "1")
    log = LogWriter(path, size=4096, keep=1)
    with LogReader(path) as reader:
        text, seen = b"", b""
        for n in range(2000):
            line = b"line %d\n" % n
            log.write(line, float(n))
            text += line
            if n % 100 == 0:
                reader.refresh()
                while (found := reader.read(len(seen)))[1]:
                    assert found[0] == len(seen)
                    seen += found[1]
        assert text.startswith(seen)
        assert len(seen) > 15_000
        assert len(os.listdir("/proc/self/fd")) < 60  # deleted files are let go of
    log.close(0.0)


def test_by_age(tmp_path: Path) -> None:
    path = str(tmp_path / "1")
    log = LogWriter(path, age=10.0, keep=1)
    for now in (100.0, 105.0, 111.0, 112.0, 125.0):
        log.write(b"%d\n" % now, now)
    log.close(125.0)
    with LogReader(path) as reader:
        assert b"".join(reader.pieces()) == b"111\n112\n125\n"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_what_cannot_be_written_is_counted_and_said(
    tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "1")
    log = LogWriter(path)
    log.write(b"first\n", 1.0)
    real, room = os.write, [3, 0, 0, 0, 0, 0, 0]  # bytes that each further call may write

    def full(fd: int, data: bytes) -> int:
        if not (some := room.pop(0)):
            raise OSError(number, os.strerror(number))
        return real(fd, data[:some])

    monkeypatch.setattr(os, "write", full)
    log.write(b"partly\n", 2.0)
    log.write(b"not at all\n", 3.0)
    monkeypatch.setattr(os, "write", real)
    log.write(b"again\n", 4.0)
    log.close(5.0)
    lost = len(b"partly\nnot at all\n") - 3
    assert (log.written, log.lost) == (len(b"first\nagain\n") + 3, lost)
    words = f"\n[pn: {lost} bytes were lost here: {os.strerror(number)}]\n".encode()
    assert whole(path) == b"first\npar" + words + b"again\n"


def test_a_folder_that_cannot_be_made_costs_the_log_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    log = LogWriter(str(tmp_path / "file" / "1"))
    log.write(b"abc", 1.0)
    log.close(2.0)
    assert (log.written, log.lost) == (0, 3)
