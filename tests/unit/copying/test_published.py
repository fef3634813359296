"""What a copy tells others of itself, and what ``pn ps`` makes of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import procession
from procession.copying.progress import Progress, Worker
from procession.copying.published import Published
from procession.copying.run import CopyRun
from procession.pool.status import read_pools
from procession.table.roles import Roles
from procession.table.snapshot import snapshot

PROGRESS = Progress(2.0, 40, 900, 0, 5, 100, 2000, True, (Worker(os.getppid(), "a/x\ny"), Worker(1, "")))


@pytest.fixture(autouse=True)
def runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "runtime"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))


def test_the_record_of_a_copy() -> None:
    published = Published(["photos", "b"], ["/mnt/backup/photos", "/mnt/backup/b"])
    assert not published.due()  # not in its first moment
    published.show(PROGRESS)
    (record,) = read_pools()
    assert (record.kind, record.name) == ("copy", "photos and 1 more -> /mnt/backup")
    assert (record.pid, record.done, record.failed, record.queued, record.running) == (
        os.getpid(),
        40,
        5,
        55,
        1,
    )
    assert record.share == PROGRESS.fraction
    assert record.rate == 20
    published.close()
    assert read_pools() == []


def test_roles_of_a_copy_and_its_workers() -> None:
    published = Published(["photos"], ["/mnt/photos"])
    published.show(PROGRESS)
    shot = snapshot(pids=[os.getpid(), os.getppid()])
    roles = Roles(shot)
    assert roles.of(shot[os.getpid()]) == 'copy 45 % of "photos -> /mnt/photos"'
    worker = roles.of(shot[os.getppid()])
    assert worker is not None
    assert worker.startswith('copy worker 1 of "photos -> /mnt/photos": a/x')
    assert "\n" not in worker
    published.show(Progress(2.0, 1, 900, 0, 0, 0, 0, False, ()))
    shot = snapshot(pids=[os.getpid()])
    assert Roles(shot).of(shot[os.getpid()]) == 'copy 1 entry of "photos -> /mnt/photos"'
    published.close()


def test_a_copy_publishes_while_it_runs_and_not_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("procession.copying.run.PUBLISHED", 0.001)
    monkeypatch.setattr("procession.pool.status._FIRST", 0.0)
    seen = []
    tell = CopyRun._tell

    def look(run: CopyRun) -> None:
        tell(run)
        seen.extend(read_pools())

    monkeypatch.setattr(CopyRun, "_tell", look)
    source = tmp_path / "a"
    for number in range(200):
        folder = source / str(number)
        folder.mkdir(parents=True)
        for name in "xyz":
            (folder / name).write_bytes(bytes(10_000))
    report = procession.copy(source, tmp_path / "b", workers=2)
    assert report.files == 600
    assert {(record.kind, record.pid) for record in seen} == {("copy", os.getpid())}
    assert read_pools() == []
