"""A copy that is not the same tree is caught, whatever differs, and told in words."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.copy.listing import scan, totals
from bench.copy.verify import compare, lossy, verify, words

WHEN = 1_600_000_000_123_456_789


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    (root / "folder" / "empty").mkdir(parents=True)
    (root / "folder" / "file").write_bytes(b"content")
    (root / "other").write_bytes(b"")
    (root / "link").symlink_to("folder/file")
    (root / os.fsdecode(b"not utf-8 \xff\n")).write_bytes(b"x")
    for path in sorted(root.rglob("*"), reverse=True):
        os.utime(path, ns=(WHEN, WHEN), follow_symlinks=False)
    return root


@pytest.fixture
def copy(source: Path) -> Path:
    return Path(shutil.copytree(source, source.with_name("copy"), symlinks=True))


def touch(path: Path) -> None:
    os.utime(path, ns=(WHEN, WHEN + 1), follow_symlinks=False)


def relink(path: Path) -> None:
    path.unlink()
    path.symlink_to("folder/elsewhere")
    os.utime(path, ns=(WHEN, WHEN), follow_symlinks=False)


def rewrite(path: Path) -> None:
    path.write_bytes(b"CONTENT")
    os.utime(path, ns=(WHEN, WHEN))


def follow(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)


def drop(path: Path) -> None:
    """Remove and put the folder's time back, so that only the loss is left to be seen."""
    path.unlink()
    os.utime(path.parent, ns=(WHEN, WHEN))


def add(path: Path) -> None:
    path.write_bytes(b"")
    os.utime(path.parent, ns=(WHEN, WHEN))


def test_a_faithful_copy_is_the_same(source: Path, copy: Path) -> None:
    differences = verify(scan(source, contents=True), copy)
    assert words(differences) == "same"
    assert not lossy(differences)


@pytest.mark.parametrize(
    ("where", "damage", "told", "loss"),
    [
        ("folder/file", touch, "mtime of 1 file differs", False),
        ("folder", touch, "mtime of 1 folder differs", False),
        (".", touch, "mtime of 1 folder differs", False),
        ("link", touch, "mtime of 1 link differs", False),
        ("folder/file", lambda path: path.chmod(0o600), "mode of 1 file differs", False),
        ("folder/empty", lambda path: path.chmod(0o700), "mode of 1 folder differs", False),
        ("folder/file", rewrite, "content of 1 file differs", True),
        ("folder/file", drop, "1 file missing", True),
        ("folder/surplus", add, "1 file extra", True),
    ],
)
def test_one_difference_is_told(
    copy: Path, where: str, damage: Callable[[Path], None], told: str, loss: bool
) -> None:
    truth = scan(copy, contents=True)
    damage(copy / where)
    differences = verify(truth, copy)
    assert words(differences) == told
    assert lossy(differences) is loss


@pytest.mark.parametrize(
    ("damage", "told"), [(relink, "target of 1 link differs"), (follow, "type of 1 link differs")]
)
def test_a_link_that_is_not_the_same_link(
    source: Path, copy: Path, damage: Callable[[Path], None], told: str
) -> None:
    damage(copy / "link")
    os.utime(copy, ns=(source.stat().st_mtime_ns,) * 2)
    differences = verify(scan(source, contents=True), copy)
    assert words(differences) == told
    assert lossy(differences)


def test_another_owner_is_told(source: Path) -> None:
    truth = scan(source, contents=True)
    uid, gid = truth[b"other"].owner
    moved = truth | {b"other": replace(truth[b"other"], owner=(uid + 1, gid))}
    assert words(compare(truth, moved)) == "owner of 1 file differs"


def test_several_differences_are_counted_by_kind(source: Path, copy: Path) -> None:
    drop(copy / "folder" / "file")
    touch(copy / "folder")
    touch(copy / "folder" / "empty")
    (copy / "other").chmod(0o600)
    told = words(verify(scan(source, contents=True), copy))
    assert told == "1 file missing; mode of 1 file differs; mtime of 2 folders differs"


def test_no_copy_at_all_is_all_missing(source: Path, tmp_path: Path) -> None:
    told = words(verify(scan(source, contents=True), tmp_path / "absent"))
    assert told == "3 files missing; 3 folders missing; 1 link missing"


def test_totals_leave_the_root_out(source: Path) -> None:
    found = totals(scan(source, contents=False))
    assert (found.files, found.folders, found.links, found.bytes) == (3, 2, 1, 8)
