"""Which groups are made, and with which limits: over a folder that looks like a kernel's, for both versions."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from procession.linux import cgroup_limits
from procession.linux.cgroup_limits import Group

V2_FILES = (
    "memory.max",
    "memory.swap.max",
    "cpu.max",
    "cgroup.procs",
    "cgroup.kill",
    "memory.events",
    "memory.peak",
)
V1_FILES = (
    "memory.limit_in_bytes",
    "cpu.cfs_period_us",
    "cpu.cfs_quota_us",
    "cgroup.procs",
    "memory.oom_control",
    "memory.max_usage_in_bytes",
)


class Kernel:
    """Makes the files that a kernel makes in a new group."""

    def __init__(self, top: Path, files: tuple[str, ...]) -> None:
        self.top, self.files, self.real = top, files, os.mkdir

    def mkdir(self, path: str, mode: int = 0o777) -> None:
        self.real(path, mode)
        self.fill(Path(path))

    def fill(self, folder: Path, **more: str) -> None:
        for name in self.files:
            (folder / name).write_text("")
        for name, text in more.items():
            (folder / name.replace("__", ".")).write_text(text)

    def read(self, group: Group | None, name: str) -> str:
        assert group is not None
        return (Path(group.folder) / name).read_text()


@pytest.fixture
def v2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    kernel = _kernel(tmp_path, V2_FILES, "0::/user/app/own\n", monkeypatch)
    for folder, subtree in (("user", "memory pids"), ("user/app", ""), ("user/app/own", "")):
        kernel.mkdir(f"{kernel.top}/{folder}")
        kernel.fill(kernel.top / folder, cgroup__subtree_control=subtree, cgroup__controllers="")
    return kernel


@pytest.fixture
def v1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    kernel = _kernel(tmp_path, V1_FILES, "4:memory:/box\n1:cpu,cpuacct:/\n", monkeypatch)
    for folder in ("memory", "memory/box", "cpu,cpuacct"):
        kernel.mkdir(f"{kernel.top}/{folder}")
    return kernel


def _kernel(top: Path, files: tuple[str, ...], own: str, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    kernel = Kernel(top / "mounts", files)
    kernel.top.mkdir()
    (top / "own").write_text(own)
    monkeypatch.setattr(cgroup_limits, "MOUNTS", str(kernel.top))
    monkeypatch.setattr(cgroup_limits, "_OWN", str(top / "own"))
    monkeypatch.setattr(os, "mkdir", kernel.mkdir)
    return kernel


def test_v2_below_the_nearest_that_hands_it_down(v2: Kernel) -> None:
    group = cgroup_limits.limit_memory("pn-1", 1000)
    assert group == Group(f"{v2.top}/user/pn-1", v2=True)
    assert (v2.read(group, "memory.max"), v2.read(group, "memory.swap.max")) == ("1000", "0")
    assert cgroup_limits.limit_cpu("pn-1", 0.5) is None  # nobody hands the processor down
    assert cgroup_limits.left_behind("-1") == [group]


def test_v2_both_limits_share_one_group(v2: Kernel) -> None:
    v2.fill(v2.top / "user", cgroup__subtree_control="cpu memory")
    memory, cpu = cgroup_limits.limit_memory("pn-1", 1000), cgroup_limits.limit_cpu("pn-1", 0.5)
    assert memory == cpu
    assert v2.read(cpu, "cpu.max") == "50000 100000"
    assert cpu is not None
    assert cgroup_limits.kill_all(cpu)
    assert v2.read(cpu, "cgroup.kill") == "1"


def test_v2_what_may_be_handed_down_is(v2: Kernel) -> None:
    v2.fill(v2.top / "user" / "app", cgroup__controllers="cpu memory")
    group = cgroup_limits.limit_cpu("pn-1", 2.5)
    assert group == Group(f"{v2.top}/user/app/pn-1", v2=True)
    assert (v2.top / "user/app/cgroup.subtree_control").read_text() == "+cpu"


def test_v1_each_limit_has_a_group_of_its_own(v1: Kernel) -> None:
    memory, cpu = cgroup_limits.limit_memory("pn-1", 1000), cgroup_limits.limit_cpu("pn-1", 0.001)
    assert memory == Group(f"{v1.top}/memory/box/pn-1", v2=False)
    assert cpu == Group(f"{v1.top}/cpu,cpuacct/pn-1", v2=False)
    assert v1.read(memory, "memory.limit_in_bytes") == "1000"
    assert (v1.read(cpu, "cpu.cfs_period_us"), v1.read(cpu, "cpu.cfs_quota_us")) == ("100000", "1000")
    assert sorted(g.folder for g in cgroup_limits.left_behind("-1")) == sorted((memory.folder, cpu.folder))
    assert not cgroup_limits.kill_all(cpu)


def test_what_a_group_tells(v2: Kernel) -> None:
    for group, events, peak in (
        (Group(f"{v2.top}/user", v2=True), "memory.events", "memory.peak"),
        (Group(f"{v2.top}/user", v2=False), "memory.oom_control", "memory.max_usage_in_bytes"),
    ):
        folder = Path(group.folder)
        (folder / events).write_text("oom 3\noom_kill 2\noom_group_kill 0\n")
        (folder / peak).write_text("4096\n")
        assert (cgroup_limits.oom_kills(group), cgroup_limits.peak_memory(group)) == (2, 4096)
    nothing = Group(f"{v2.top}/nothing", v2=True)
    assert (cgroup_limits.oom_kills(nothing), cgroup_limits.peak_memory(nothing)) == (0, None)
    assert cgroup_limits.members(nothing) == []
    assert cgroup_limits.remove(nothing)  # it is gone already
