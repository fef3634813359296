"""Memory by what it is for."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

import pytest

from procession.table.segments import Mapping, by_kind, kind_of, parse, read_mappings
from procession.table.snapshot import snapshot


def mapping(permissions: str, path: str = "", inode: int = 0) -> Mapping:
    return Mapping(0, 4096, permissions, path, inode)


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (mapping("r-xp", "/usr/bin/cat", 7), "code"),
        (mapping("rw-p", "/usr/bin/cat", 7), "data"),
        (mapping("r--p", "/usr/bin/cat", 7), "mapped"),
        (mapping("rw-p", "[heap]"), "heap"),
        (mapping("rw-p", "[stack]"), "stack"),
        (mapping("rw-p"), "anonymous"),
        (mapping("rwxp"), "anonymous"),  # a just-in-time compiler's
        (mapping("rw-p", "[anon:arena]"), "anonymous"),
        (mapping("rw-s", "/dev/shm/x", 3), "shared"),
        (mapping("r--s", "/memfd:x (deleted)", 3), "shared"),
        (mapping("rw-s", "/var/lib/db", 3), "shared"),
        (mapping("r--s", "/usr/share/cache", 3), "mapped"),
        (mapping("r-xp", "[vdso]"), "kernel"),
        (mapping("r--p", "[vvar]"), "kernel"),
    ],
)
def test_each_mapping_is_of_one_kind(made: Mapping, kind: str) -> None:
    assert kind_of(made) == kind


def test_a_path_may_hold_spaces_and_look_like_anything() -> None:
    text = (
        b"1000-3000 r-xp 00000000 fe:01 71         /a b/Rss: 9 kB\n"
        b"Size:  8 kB\nRss:  4 kB\nPss:  2 kB\nPrivate_Clean: 1 kB\nPrivate_Dirty: 1 kB\nSwap: 3 kB\nVmFlags: rd ex\n"
        b"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]\n"
    )
    first, last = parse(text)
    assert first == Mapping(0x1000, 0x3000, "r-xp", "/a b/Rss: 9 kB", 71, 4096, 2048, 2048, 3072)
    assert (last.path, last.size) == ("[vsyscall]", 4096)
    assert parse(b"") == []


def test_our_own_memory_grows_in_the_segment_that_we_use(tmp_path: Path) -> None:
    size = 8 << 20

    def of(kind: str) -> tuple[int, int]:
        found = read_mappings(snapshot(pids=[os.getpid()]).records[0])
        assert found is not None
        mappings, measured = found
        assert measured
        return next(((each.size, each.private) for each in by_kind(mappings) if each.kind == kind), (0, 0))

    before = of("anonymous"), of("shared")
    with mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as private:
        private.write(b"x" * size)
        with mmap.mmap(-1, size, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS) as shared:
            shared.write(b"x" * size)
            after = of("anonymous"), of("shared")
    for (size_before, _), (size_after, _) in zip(before, after, strict=True):
        assert size_after - size_before >= size * 3 // 4
    assert after[0][1] - before[0][1] >= size * 3 // 4  # written, so in memory and ours alone


def test_the_sums_are_those_of_the_kernel() -> None:
    one = snapshot(pids=[os.getpid()]).records[0]
    found = read_mappings(one)
    assert found is not None
    total = sum(each.pss for each in by_kind(found[0]))
    rolled = one.pss
    assert rolled is not None
    assert total == pytest.approx(rolled * 1024, rel=0.1)
