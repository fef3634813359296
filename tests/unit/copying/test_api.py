"""procession.copy as a Python program calls it."""

from __future__ import annotations

import itertools
import os
import threading
from pathlib import Path
from typing import Any

import pytest

import procession
from procession.copying import folder
from procession.copying.progress import Progress
from procession.copying.run import CopyRun
from procession.pool.page import NOTE_LENGTH, create_page
from tests.fs import trees


@pytest.fixture
def source(tmp_path: Path) -> Path:
    trees.make_flat(tmp_path / "a", 30, folders=3)
    return tmp_path / "a"


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress at every chance, however quick the machine."""
    defaults = CopyRun.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "tick", 0.001)


@pytest.mark.parametrize("kind", [str, os.fsencode, Path])
def test_any_kind_of_path(source: Path, tmp_path: Path, kind: Any) -> None:
    report = procession.copy(kind(source), kind(tmp_path / "b"))
    assert (report.ok, report.files, report.folders, report.targets) == (True, 30, 4, (f"{tmp_path}/b",))
    assert trees.picture(tmp_path / "b") == trees.picture(source)


def test_a_folder_that_exists_is_the_target_itself(source: Path, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    procession.copy(source, tmp_path / "b")
    assert (tmp_path / "b/file-0").exists()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"workers": 0}, "at least one worker"),
        ({"workers": -3}, "at least one worker"),
        ({"on_error": "ignore"}, '"continue" or "raise"'),
    ],
)
def test_arguments_that_make_no_sense(source: Path, tmp_path: Path, more: Any, says: str) -> None:
    with pytest.raises(procession.CopyError, match=says):
        procession.copy(source, tmp_path / "b", **more)
    assert not (tmp_path / "b").exists()


def test_failures_are_reported_or_raised(source: Path, tmp_path: Path) -> None:
    (tmp_path / "b/file-7").mkdir(parents=True)
    report = procession.copy(source, tmp_path / "b", workers=2)
    assert [failure.path for failure in report.failed] == [f"{source}/file-7"]
    assert (report.ok, report.files) == (False, 29)
    with pytest.raises(procession.CopyFailed) as raised:
        procession.copy(source, tmp_path / "b", workers=2, on_error="raise")
    assert raised.value.report.failed == report.failed
    assert raised.value.report.skipped == 29


def test_progress_is_told_and_never_goes_back(often: None, tmpfs_dir: Path) -> None:
    for number in range(40):
        trees.make_flat(tmpfs_dir / f"a{number}", 1)  # (made outside, so that the copy has many folders)
    (tmpfs_dir / "a").mkdir()
    for number in range(40):
        os.rename(tmpfs_dir / f"a{number}", tmpfs_dir / f"a/{number}")
    trees.make_flat(tmpfs_dir / "a/huge", 3000)
    looks: list[Progress] = []
    report = procession.copy(tmpfs_dir / "a", tmpfs_dir / "b", workers=2, progress=looks.append)
    assert report.files == 3040
    assert looks
    for earlier, later in itertools.pairwise(looks):
        assert (earlier.seconds, earlier.entries, earlier.bytes) <= (
            later.seconds,
            later.entries,
            later.bytes,
        )
        assert later.entries <= 3040


def test_a_look_at_a_worker_that_is_just_speaking_is_harmless() -> None:
    # The length of its note and the number of its step are two stores of another process.
    descriptor, page = create_page()
    os.close(descriptor)
    try:
        page.note_steps(b"one\0two\0three")
        page.step[0] = 2
        assert page.read_note() == b"three"
        page.slots[NOTE_LENGTH] = 0
        assert page.read_note() == b""
    finally:
        page.close()


def test_an_error_of_the_listener_ends_the_copy_and_leaves_nothing(often: None, tmpfs_dir: Path) -> None:
    trees.make_flat(tmpfs_dir / "a", 3000)

    class Unwanted(Exception):
        pass

    def listener(_look: Progress) -> None:
        raise Unwanted

    with pytest.raises(Unwanted):
        procession.copy(tmpfs_dir / "a", tmpfs_dir / "b", workers=2, progress=listener)
    assert trees.litter(tmpfs_dir / "b") == []
    trees.assert_whole(tmpfs_dir / "a", tmpfs_dir / "b")


def test_from_a_thread_while_others_run(source: Path, tmp_path: Path) -> None:
    reports: list[procession.CopyReport] = []
    thread = threading.Thread(
        target=lambda: reports.append(procession.copy(source, tmp_path / "b", workers=2))
    )
    thread.start()
    thread.join()
    assert [report.ok for report in reports] == [True]
    assert trees.picture(tmp_path / "b") == trees.picture(source)


def test_the_umask_of_the_caller_neither_counts_nor_changes(source: Path, tmp_path: Path) -> None:
    os.chmod(source / "file-1", 0o777)
    old = os.umask(0o077)
    try:
        procession.copy(source, tmp_path / "b", workers=1)
        assert os.umask(0o077) == 0o077
    finally:
        os.umask(old)
    assert trees.picture(tmp_path / "b") == trees.picture(source)


def test_an_interrupt_of_the_caller_passes_and_leaves_nothing(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(folder, "give_folder", interrupt)
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        procession.copy(source, tmp_path / "b", workers=1)
    assert sorted(os.listdir(tmp_path)) == before
