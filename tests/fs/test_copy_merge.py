"""Copies into what stands there already, by people with and without rights, and into trouble."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import procession
from procession.copying import entry
from procession.linux import copyfile
from tests.fs import trees
from tests.harness.places import Unprivileged
from tests.harness.program import Program

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="other owners need root")


def make(folder: Path, **entries: str | dict[str, Any] | None) -> Path:
    """``name="text"`` a file, ``name={...}`` a folder, ``name="-> words"`` a link."""
    folder.mkdir(exist_ok=True)
    for name, what in entries.items():
        if isinstance(what, dict):
            make(folder / name, **what)
        elif what is not None and what.startswith("-> "):
            (folder / name).symlink_to(what[3:])
        elif what is not None:
            trees.write(folder / name, what.encode())
    return folder


def test_identical_is_skipped_changed_is_replaced_extra_is_kept(place: Path) -> None:
    source = make(place / "a", same="same", longer="longer now", touched="data", new="new", sub={"x": "x"})
    target = make(place / "b", same="same", longer="longer", touched="DATA", extra="extra", sub={"y": "y"})
    os.utime(target / "touched", ns=(1, 1))
    before = (target / "same").stat()
    report = procession.copy(source, target, workers=2)
    assert (report.failed, report.files, report.skipped, report.skipped_bytes) == ((), 4, 1, 4)
    assert (target / "same").stat().st_ino == before.st_ino
    after = trees.picture(target)
    assert {path: after[path] for path in ("extra", "sub/y")}
    assert trees.picture(source).items() <= after.items()


@pytest.mark.parametrize(
    ("ours", "theirs", "cause"),
    [
        ("file", "-> nowhere", ""),
        ("file", "-> ../outside/file", ""),
        ("file", {"kept": "kept"}, "a folder stands at its place in the target"),
        ("-> words", "file", ""),
        ("-> words", "-> other words", ""),
        ("-> words", {"kept": "kept"}, "a folder stands at its place in the target"),
        ({"x": "x"}, "file", "something that is no folder stands at its place in the target"),
        ({"x": "x"}, "-> ../outside", "something that is no folder stands at its place in the target"),
        ({"x": "x"}, "-> nowhere", "something that is no folder stands at its place in the target"),
        ("-> ../b/entry", "the only copy", "it is a link to the very file at its place in the target"),
    ],
)
def test_one_kind_over_another(
    place: Path, ours: str | dict[str, str], theirs: str | dict[str, str], cause: str
) -> None:
    outside = make(place / "outside", file="untouched")
    source = make(place / "a", entry=ours, other="other")
    target = make(place / "b", entry=theirs)
    away, stood = trees.picture(outside), trees.picture(target)
    report = procession.copy(source, target, workers=1)
    assert [(f.path, f.cause) for f in report.failed] == ([(f"{source}/entry", cause)] if cause else [])
    after, wanted = trees.picture(target), trees.picture(source)
    assert after["entry"] == (stood if cause else wanted)["entry"]
    assert after["other"] == wanted["other"]
    assert trees.picture(outside) == away


def test_links_inside_the_target_are_never_followed(place: Path) -> None:
    outside = make(place / "outside", file="untouched", sub={"deep": "untouched"})
    source = make(place / "a", sub={"deep": "new", "more": {"x": "x"}}, file="new")
    target = make(place / "b", sub="-> ../outside/sub", file="-> ../outside/file")
    before = trees.picture(outside)
    report = procession.copy(source, target, workers=2)
    assert [failure.path for failure in report.failed] == [f"{source}/sub"]
    assert trees.picture(outside) == before
    assert not (target / "file").is_symlink()


def test_the_same_folder_met_inside_the_target_is_refused(place: Path) -> None:
    source = make(place / "a", sub={"file": "data"})
    make(place / "b", sub={})
    (place / "b/sub").rmdir()
    os.rename(source / "sub", place / "b/sub")
    (source / "sub").symlink_to(place / "b/sub")
    report = procession.copy(f"{source}/sub/", place / "c", workers=1)
    assert report.ok
    with pytest.raises(procession.SameFile):
        procession.copy(f"{source}/sub/", place / "b/sub", workers=1)
    assert (place / "b/sub/file").read_text() == "data"


def test_a_hard_link_to_the_source_is_refused_inside_a_tree(place: Path) -> None:
    source = make(place / "a", file="data", other="x")
    target = make(place / "b")
    os.link(source / "file", target / "file")
    report = procession.copy(source, target, workers=1)
    assert [(f.path, f.cause) for f in report.failed] == [
        (f"{source}/file", "source and target are the same file")
    ]
    assert (target / "other").read_text() == "x"


@ROOT_ONLY
@pytest.mark.root
def test_a_copy_into_itself_through_a_bind_mount_ends(place: Path) -> None:
    source = make(place / "a", x={"file": "data"}, y={})
    (place / "door").mkdir()
    done = subprocess.run(["mount", "--bind", source / "x", place / "door"], check=False, capture_output=True)
    if done.returncode:
        pytest.skip(f"no bind mounts here: {done.stderr.decode()}")
    try:
        report = procession.copy(source, place / "door/new", workers=2)
    finally:
        subprocess.run(["umount", place / "door"], check=True)
    assert [failure.cause for failure in report.failed] == [
        "it is the copy itself, by another path: left out"
    ]
    assert trees.count(source / "x/new").files == 1


@ROOT_ONLY
@pytest.mark.root
def test_mending_the_owner_of_a_skipped_file_keeps_set_user_id(place: Path) -> None:
    for name in ("a", "b"):
        make(place / name, program="program")
        os.chown(place / name / "program", 0 if name == "b" else 7, 7)
        os.chmod(place / name / "program", 0o6755)
    report = procession.copy(place / "a", place / "b", workers=1)
    assert (report.skipped, report.files) == (1, 0)
    assert trees.picture(place / "b") == trees.picture(place / "a")


def test_default_acls_do_not_change_modes(place: Path) -> None:
    target = make(place / "b")
    try:
        done = subprocess.run(
            ["setfacl", "-d", "-m", "u::r,g::-,o::-", target], check=False, capture_output=True
        )
    except FileNotFoundError:
        pytest.skip("setfacl is not installed")
    if done.returncode:
        pytest.skip("no ACLs on this file system")
    source = make(place / "a", file="x", sub={"y": "y", "z": {}}, link="-> x")
    for number, path in enumerate(sorted(source.rglob("*"))):
        if not path.is_symlink():
            os.chmod(path, 0o700 + number)
    report = procession.copy(source, target, workers=2)
    assert report.ok
    assert trees.picture(target) == trees.picture(source)


# -- without rights ---------------------------------------------------------------------------------


def test_what_cannot_be_read_is_told_and_the_rest_is_copied(unprivileged: Unprivileged) -> None:
    def build() -> None:
        source = make(
            unprivileged.home / "a",
            open="data",
            closed="secret",
            dark={"x": "x"},
            fine={"y": "y", "closed": "s"},
        )
        os.chmod(source / "closed", 0)
        os.chmod(source / "fine/closed", 0)
        os.chmod(source / "dark", 0)

    unprivileged.call(build)
    ran = unprivileged.pn("copy", "a", "b")
    assert ran.returncode == 1
    assert ran.stderr.decode() == (
        "pn copy: 3 paths not copied:\n"
        "  a/closed: Permission denied\n"
        "  a/dark: Permission denied\n"
        "  a/fine/closed: Permission denied\n"
    )
    assert b"copied 2 files" in ran.stdout
    assert b"3 paths failed" in ran.stdout
    assert sorted(trees.picture(unprivileged.home / "b")) == ["", "fine", "fine/y", "open"]


@ROOT_ONLY
@pytest.mark.root
def test_somebody_elses_files_become_ours_and_set_user_id_is_dropped_for_good(
    unprivileged: Unprivileged,
) -> None:
    source = make(unprivileged.home / "a", program="program", plain="plain", link="-> plain")
    os.chmod(source / "program", 0o6755)
    os.chmod(source, 0o755)
    for _ in range(2):
        ran = unprivileged.pn("copy", "-T", "a", "b")
        assert (ran.returncode, ran.stderr) == (0, b"")
        found = (unprivileged.home / "b/program").stat()
        assert (oct(found.st_mode), found.st_uid) == (oct(0o100755), unprivileged.uid)
        assert found.st_mtime_ns == (source / "program").stat().st_mtime_ns
    assert b"3 were there already" in ran.stdout


def test_read_only_folders_of_our_own_are_written_into(unprivileged: Unprivileged) -> None:
    def build() -> None:
        for name in ("a", "b"):
            make(unprivileged.home / name, sub={"deep": {name: name}, "x": "x" * ord(name)})
        for folder in ("a", "a/sub", "a/sub/deep", "b", "b/sub", "b/sub/deep"):
            os.chmod(unprivileged.home / folder, 0o555)

    unprivileged.call(build)
    for figures in (b"copied 2 files", b"2 were there already"):
        ran = unprivileged.pn("copy", "-T", "a", "b")
        assert (ran.returncode, ran.stderr) == (0, b"")
        assert figures in ran.stdout
        assert oct((unprivileged.home / "b/sub/deep").stat().st_mode) == "0o40555"
    fresh = unprivileged.pn("copy", "a", "c")
    assert (fresh.returncode, fresh.stderr) == (0, b"")
    assert trees.picture(unprivileged.home / "c") == trees.picture(unprivileged.home / "a")


@ROOT_ONLY
@pytest.mark.root
def test_into_somebody_elses_folder_that_we_may_write_into(unprivileged: Unprivileged) -> None:
    unprivileged.call(lambda: make(unprivileged.home / "a", file="x", sub={"y": "y"}))
    target = unprivileged.home / "shared"
    target.mkdir()
    os.chown(target, 0, 0)
    os.chmod(target, 0o777)
    ran = unprivileged.pn("copy", "-T", "a", "shared")
    assert ran.returncode == 1  # its mode and times could not be set; that is all
    assert ran.stderr == b"pn copy: 1 path not copied:\n  a: Operation not permitted\n"
    assert b"copied 2 files" in ran.stdout
    assert sorted(trees.picture(target)) == ["", "file", "sub", "sub/y"]


# -- trouble ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "cause"), [("grow", "changed"), ("truncate", "shrank"), ("rewrite", "changed")]
)
def test_a_source_that_does_not_hold_still(
    place: Path, monkeypatch: pytest.MonkeyPatch, change: str, cause: str
) -> None:
    source = make(place / "a", still="still")
    (source / "moving").write_bytes(b"x" * (3 << 20))
    copy = copyfile.copy_range

    def copy_meanwhile(fd: int, target: int, size: int, **more: Any) -> int:
        if size == 3 << 20:
            if change == "truncate":
                os.truncate(source / "moving", 1 << 20)
            with open(source / "moving", "r+b") as file:
                file.seek(0, os.SEEK_SET if change == "rewrite" else os.SEEK_END)
                file.write(b"" if change == "truncate" else b"y")
        return copy(fd, target, size, **more)

    monkeypatch.setattr(entry, "copy_range", copy_meanwhile)
    monkeypatch.setattr(entry, "clone", lambda *_: False)
    report = procession.copy(source, place / "b", workers=1)
    (failure,) = report.failed
    assert failure.path == f"{source}/moving"
    assert cause in failure.cause
    assert failure.cause.endswith("run the copy again")
    assert sorted(os.listdir(place / "b")) == ["still"]
    monkeypatch.undo()
    assert procession.copy(source, place / "b", workers=1).ok
    assert trees.picture(place / "b") == trees.picture(source)


@pytest.mark.root
@pytest.mark.parametrize("limit", ["bytes", "names"])
def test_a_full_disk(small_tmpfs: Callable[..., Path], tmpfs_dir: Path, pn: Program, limit: str) -> None:
    source = tmpfs_dir / "a"
    trees.make_flat(source, 300)
    for number in range(12):
        trees.write(source / f"large-{number}", bytes([number]) * (400_000))
    (source / "large-5").chmod(0o444)
    trees.make_flat(source / "sub", 300, folders=20)
    full = small_tmpfs("3M") if limit == "bytes" else small_tmpfs("100M", inodes=200)
    ran = pn("copy", "-T", source, full / "b")
    assert ran.code == 1
    assert "No space left on device" in ran.err
    assert "Traceback" not in ran.err
    assert trees.litter(full / "b") == []
    trees.assert_whole(source, full / "b")
    assert trees.count(full / "b").files > 10
    subprocess.run(["mount", "-o", "remount,size=100M,nr_inodes=10000", full], check=True)
    again = pn("copy", "-T", source, full / "b")
    assert (again.code, again.err) == (0, "")
    assert "were there already" in again.out
    assert trees.picture(full / "b") == trees.picture(source)


@ROOT_ONLY
@pytest.mark.root
def test_blocks_are_shared_where_the_file_system_can(disk_dir: Path) -> None:
    image, folder = disk_dir / "image", disk_dir / "btrfs"
    folder.mkdir()
    with open(image, "wb") as file:
        file.truncate(256 << 20)
    try:
        subprocess.run(["mkfs.btrfs", "-q", image], check=True, capture_output=True)
        subprocess.run(["mount", "-o", "loop", image, folder], check=True, capture_output=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no btrfs here: {getattr(error, 'stderr', error)}")
    try:
        source = make(folder / "a", small="small", empty="")
        trees.write(source / "large", os.urandom(1 << 20) * 90)
        os.sync()
        before = os.statvfs(folder).f_bavail
        report = procession.copy(source, folder / "b", workers=2)
        os.sync()
        assert report.ok
        assert trees.picture(folder / "b") == trees.picture(source)
        used = (before - os.statvfs(folder).f_bavail) * os.statvfs(folder).f_frsize
        assert used < 45 << 20  # the data alone has 90 MiB
        assert stat.S_ISREG((folder / "b/large").stat().st_mode)
    finally:
        subprocess.run(["umount", folder], check=True)
