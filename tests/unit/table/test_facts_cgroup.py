"""Quotas and freezers of both hierarchies, from files as the kernel writes them; mounts and places."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from procession.table.facts_cgroup import Throttle, frozen_group, throttle_of
from procession.table.mounts import mount_of_path, parse_mounts
from procession.table.record import ProcessRecord
from procession.table.source import Source


@pytest.fixture
def process() -> Iterator[ProcessRecord]:
    with Source() as source:
        yield ProcessRecord(source, 1, 1, b"1 (x) S " + b"0 " * 49)


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_a_quota_of_v2_further_up(tmp_path: Path, process: ProcessRecord) -> None:
    process.keep("cgroup", b"0::/box/inner\n")
    write(tmp_path, cgroup__controllers="cpu")
    write(tmp_path / "box/inner", cpu__max="max 100000\n")
    stat = "usage_usec 5\nnr_periods 40\nnr_throttled 30\nthrottled_usec 2500000\n"
    write(tmp_path / "box", cpu__max="50000 100000\n", cpu__stat=stat)
    assert throttle_of(process, str(tmp_path)) == Throttle("/box", 0.5, 40, 30, 2.5)


def test_a_quota_of_v1(tmp_path: Path, process: ProcessRecord) -> None:
    process.keep("cgroup", b"4:cpu,cpuacct:/box\n0::/\n")
    write(tmp_path / "cpu,cpuacct", cgroup__procs="")
    stat = "nr_periods 10\nnr_throttled 4\nthrottled_time 1500000000\n"
    box = tmp_path / "cpu,cpuacct/box"
    write(box, cpu__cfs_quota_us="200000\n", cpu__cfs_period_us="100000\n", cpu__stat=stat)
    assert throttle_of(process, str(tmp_path)) == Throttle("/box", 2.0, 10, 4, 1.5)
    write(box, cpu__cfs_quota_us="-1\n")
    assert throttle_of(process, str(tmp_path)) is None


def test_frozen_in_either(tmp_path: Path, process: ProcessRecord) -> None:
    process.keep("cgroup", b"3:freezer:/cold\n0::/a/b\n")
    write(tmp_path / "unified", cgroup__controllers="")
    write(tmp_path / "unified/a", cgroup__events="populated 1\nfrozen 1\n")
    assert frozen_group(process, str(tmp_path)) == "/a"
    write(tmp_path / "unified/a", cgroup__events="populated 1\nfrozen 0\n")
    assert frozen_group(process, str(tmp_path)) == ""
    write(tmp_path / "freezer", cgroup__procs="")
    write(tmp_path / "freezer/cold", freezer__state="FROZEN\n")
    assert frozen_group(process, str(tmp_path)) == "/cold"


def test_mounts_the_longest_and_the_last_count() -> None:
    data = (
        b"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
        b"2 1 0:30 / /mnt/a\\040b rw shared:1 - nfs4 server:/x rw\n"
        b"3 1 0:31 / /mnt/a\\040b rw - fuse.sshfs me@far: rw\n"
        b"broken\n"
    )
    mounts = parse_mounts(data)
    assert [each.number for each in mounts] == [1, 2, 3]
    assert str(mount_of_path(mounts, "/mnt/a b/file")) == "/mnt/a b (fuse.sshfs on me@far:)"
    assert str(mount_of_path(mounts, "/mnt/a bc")) == "/ (ext4 on /dev/sda1)"
    assert mount_of_path([], os.sep) is None
