"""Lines of /proc/locks."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from procession.linux.filelocks import FileLock, parse_lock, read_locks


def test_lines_as_the_kernel_writes_them() -> None:
    assert parse_lock("1: POSIX  ADVISORY  WRITE 4711 fe:00:2285882 0 EOF") == FileLock(
        1, False, "POSIX", "WRITE", 4711, (0xFE, 0, 2285882), 0, -1
    )
    assert parse_lock("12: -> FLOCK  ADVISORY  READ  -1 00:1a:5 3 9") == FileLock(
        12, True, "FLOCK", "READ", -1, (0, 0x1A, 5), 3, 9
    )
    assert parse_lock("") is None
    assert parse_lock("3: LEASE") is None
    assert parse_lock("x: POSIX  ADVISORY  WRITE 1 fe:00:1 0 EOF") is None


def test_our_own_lock_is_there(tmp_path: Path) -> None:
    with open(tmp_path / "file", "w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX, 10, 5)
        inode = os.fstat(file.fileno()).st_ino
        (mine,) = (each for each in read_locks() if each.pid == os.getpid() and each.file[2] == inode)
        assert (mine.kind, mine.access, mine.start, mine.end, mine.waits) == ("POSIX", "WRITE", 5, 14, False)


def test_without_the_file() -> None:
    assert read_locks("/nowhere/locks") == []
