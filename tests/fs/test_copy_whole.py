"""Copies of whole trees, on a disk and in memory, by the command and from Python."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import procession
from tests.fs import trees
from tests.harness.program import Program


@pytest.fixture(scope="module", params=["/var/tmp", "/dev/shm"])
def zoo(request: pytest.FixtureRequest) -> Any:
    """A zoo, made once for a file system, with its picture and its counts."""
    base = Path(tempfile.mkdtemp(prefix="pn-tests-zoo-", dir=request.param))
    top = base / "zoo"
    trees.make_zoo(top)
    yield top, trees.picture(top), trees.count(top)
    for descriptor, _, kind in trees.entries(top):
        if kind == "folder":
            os.chmod(descriptor, 0o700)
    from procession.linux.dirfd import remove_tree

    parent = os.open(base, os.O_RDONLY)
    remove_tree("zoo", parent)
    os.close(parent)
    shutil.rmtree(base)


@pytest.fixture
def beside(zoo: Any) -> Any:
    """An empty folder on the file system of the zoo."""
    from procession.linux.dirfd import remove_tree

    top: Path = zoo[0]
    target = Path(tempfile.mkdtemp(prefix="copies-", dir=top.parent))
    yield target
    parent = os.open(top.parent, os.O_RDONLY)
    remove_tree(target.name, parent)
    os.close(parent)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_a_zoo_is_copied_by_the_command(zoo: Any, beside: Path, pn: Program, workers: int) -> None:
    source, picture, counts = zoo
    ran = pn("copy", "--workers", str(workers), "--json", "-T", source, beside / "new")
    done = json.loads(ran.out.splitlines()[-1])
    assert (ran.code, ran.err, done["failed"]) == (0, "", [])
    assert trees.picture(beside / "new") == picture
    assert trees.rsync_sees(source, beside / "new") == ""
    figures = [done[name] for name in ("files", "folders", "links", "specials", "bytes", "skipped")]
    assert figures == [counts.files, counts.folders, counts.links, counts.specials, counts.bytes, 0]


def test_a_zoo_is_copied_from_python_and_a_second_time_skipped(zoo: Any, beside: Path) -> None:
    source, picture, counts = zoo
    report = procession.copy(source, beside / "new", workers=2)
    assert report.ok
    assert (report.files, report.bytes, report.skipped) == (counts.files, counts.bytes, 0)
    assert trees.picture(beside / "new") == picture
    again = procession.copy(os.fsencode(source), os.fsencode(beside / "new"), workers=2)
    assert again.ok
    assert (again.files, again.links, again.specials, again.bytes) == (0, 0, 0, 0)
    assert again.skipped == counts.files + counts.links + counts.specials
    assert again.skipped_bytes == counts.bytes
    assert again.folders == counts.folders
    assert trees.picture(beside / "new") == picture


def test_holes_stay_holes(zoo: Any, beside: Path) -> None:
    source = zoo[0] / "sizes"
    procession.copy(source, beside / "new", workers=1)
    for name in ("sparse", "hole"):
        assert (beside / "new" / name).stat().st_blocks <= (source / name).stat().st_blocks + 16


NAMES = st.binary(min_size=1, max_size=12).filter(
    lambda n: b"/" not in n and b"\0" not in n and n not in (b".", b"..")
)
CONTENTS = st.one_of(st.binary(max_size=64), st.builds(bytes, st.integers(0, 9000)))
TREES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(CONTENTS, st.tuples(st.just("link"), NAMES)),
    lambda inner: st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)


def build(tree: Any, path: bytes, number: int = 0) -> None:
    if isinstance(tree, dict):
        os.mkdir(path)
        for place, (name, below) in enumerate(tree.items()):
            build(below, os.path.join(path, name), place)
        os.utime(path, ns=(5, 10**18 + len(tree)))
    elif isinstance(tree, tuple):
        os.symlink(tree[1], path)
    else:
        trees.write(path, tree)
        os.chmod(path, (0o600, 0o755, 0o400, 0o4711)[number % 4])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=st.dictionaries(NAMES, TREES, max_size=6), old=st.dictionaries(NAMES, TREES, max_size=2))
def test_any_small_tree(tree: Any, old: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    top = tmp_path_factory.mktemp("tree")
    build(tree, os.fsencode(top / "a"))
    report = procession.copy(top / "a", top / "b", workers=2)
    assert report.ok, report.failed
    assert trees.picture(top / "b") == trees.picture(top / "a")
    # Over something that stands there: what is ours wins unless a folder meets something else.
    build(old, os.fsencode(top / "c"))
    before = trees.picture(top / "c")
    report = procession.copy(top / "a", top / "c", workers=2)
    after, wanted = trees.picture(top / "c"), trees.picture(top / "a")
    failed = {failure.path.removeprefix(f"{top}/a/") for failure in report.failed}
    for path, facts in wanted.items():
        if not any(path == f or path.startswith(f + "/") for f in failed) and path:
            assert after[path] == facts
    assert set(before) - set(after) == set()


@pytest.mark.parametrize(
    ("files", "folders"),
    [
        (5000, 0),
        pytest.param(30_000, 0, marks=pytest.mark.slow),
        (0, 2100),
        pytest.param(0, 30_000, marks=pytest.mark.slow),
        (2049, 2),
        (2048, 0),
        (2304, 0),
    ],
)
def test_large_folders(tmpfs_dir: Path, files: int, folders: int) -> None:
    place = tmpfs_dir
    trees.make_flat(place / "a", files, folders=folders)
    report = procession.copy(place / "a", place / "b", workers=2)
    assert (report.failed, report.files, report.folders) == ((), files, folders + 1)
    assert not report.interrupted
    assert trees.picture(place / "b") == trees.picture(place / "a")
    again = procession.copy(place / "a", place / "b", workers=2)
    assert (again.ok, again.files, again.skipped, again.folders) == (True, 0, files, folders + 1)


@pytest.mark.parametrize("place", ["tmpfs_dir"], indirect=True)
def test_a_huge_folder_inside_a_huge_folder(place: Path) -> None:
    trees.make_flat(place / "a", 2500, folders=100)
    trees.make_flat(place / "a/huge", 2500, folders=100)
    os.symlink("x", place / "a/huge/link")
    os.chmod(place / "a/huge", 0o555)
    os.utime(place / "a", ns=(1, 1))
    report = procession.copy(place / "a", place / "b", workers=2)
    assert (report.failed, report.files, report.links, report.folders) == ((), 5000, 1, 202)
    assert trees.picture(place / "b") == trees.picture(place / "a")


@pytest.mark.parametrize("place", ["tmpfs_dir"], indirect=True)
def test_a_tree_deeper_than_there_are_descriptors(place: Path, pn: Program) -> None:
    trees.make_deep(place / "a", 1200)
    ran = pn("copy", "--json", "-T", place / "a", place / "b")
    assert (ran.code, ran.err) == (0, "")
    done = json.loads(ran.out.splitlines()[-1])
    assert (done["files"], done["folders"]) == (1200, 1201)
    assert trees.picture(place / "b") == trees.picture(place / "a")


@pytest.mark.parametrize("path", ["/proc/self/status", "/sys/kernel/mm/transparent_hugepage/enabled"])
def test_files_whose_size_is_made_up_are_copied_with_what_they_hold(path: str, place: Path) -> None:
    if not os.path.exists(path):
        pytest.skip(f"no {path}")
    report = procession.copy(path, place / "copy", workers=1)
    assert (report.ok, report.files) == (True, 1)
    with open(path, "rb") as file:
        wanted = file.read()
    assert (place / "copy").read_bytes().split()[:2] == wanted.split()[:2]
    assert b"\0" not in (place / "copy").read_bytes()
