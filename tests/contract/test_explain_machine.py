"""What the machine does to a process: quotas, freezers, busy CPUs, frozen disks, limits."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from procession.table.explain.finding import WRONG
from tests.contract.explainkit import all_text, explained, finding
from tests.harness import specimens
from tests.harness.processes import read

CGROUPS = Path("/sys/fs/cgroup")


def run(*words: str) -> None:
    """A program that has to succeed."""
    subprocess.run(words, check=True, capture_output=True)


@contextmanager
def group(parent: Path) -> Iterator[Path]:
    """A new cgroup; what was in it must have ended by then."""
    path = parent / f"pn-test-{os.getpid()}"
    path.mkdir()
    try:
        yield path
    finally:
        specimens.until(lambda: not (path / "cgroup.procs").read_text(), "an empty cgroup")
        path.rmdir()


def quota_parent() -> Path:
    """Where a cgroup with a CPU quota can be made."""
    if (CGROUPS / "cpu/cpu.cfs_quota_us").exists() or (CGROUPS / "cpu/cpu.shares").exists():
        return CGROUPS / "cpu"
    if "cpu" in (CGROUPS / "cgroup.subtree_control").read_text().split():
        return CGROUPS
    return pytest.skip("no cgroup here hands on the cpu controller")


@pytest.mark.root
def test_throttled_by_the_quota_of_its_group() -> None:
    with group(quota_parent()) as path:
        if (path / "cpu.max").exists():
            (path / "cpu.max").write_text("10000 100000")
        elif (path / "cpu.cfs_quota_us").exists():
            (path / "cpu.cfs_quota_us").write_text("10000")
        else:
            pytest.skip("this kernel has no CPU quotas (CONFIG_CFS_BANDWIDTH)")
        with specimens.busy() as found:
            (path / "cgroup.procs").write_text(str(found.pid))
            throttled = path / "cpu.stat"
            specimens.until(lambda: "nr_throttled 0\n" not in throttled.read_text(), "throttled once")
            one = finding(found.pid, "throttled", 0.3)
            assert f"control group /{path.name} may use 0.1 CPUs, and wants more" in one.headline
            assert "starved" not in [each.kind for each in explained(found.pid, 0.3).findings]


@pytest.mark.root
def test_frozen_with_its_group() -> None:
    parent = next((each for each in (CGROUPS, CGROUPS / "unified") if (each / "cgroup.procs").exists()), None)
    with ExitStack() as stack:
        if parent is None or not (parent / "cgroup.controllers").exists():
            pytest.skip("no cgroup v2 tree is mounted here")
        path = stack.enter_context(group(parent))
        if not (path / "cgroup.freeze").exists():
            pytest.skip("cgroup.freeze needs Linux 5.2")
        found = stack.enter_context(specimens.idle())
        (path / "cgroup.procs").write_text(str(found.pid))
        (path / "cgroup.freeze").write_text("1")
        specimens.until(lambda: "frozen 1" in (path / "cgroup.events").read_text(), "frozen")
        kinds = [each.kind for each in explained(found.pid).findings]
        assert kinds == ["frozen"]
        assert path.name in finding(found.pid, "frozen").headline


@pytest.mark.root
def test_deaf_in_a_frozen_file_system(disk_dir: Path) -> None:
    for program in ("mkfs.ext4", "fsfreeze", "mount"):
        if shutil.which(program, path="/usr/sbin:/sbin:/usr/bin:/bin") is None:
            pytest.skip(f"{program} is not installed")
    image, folder = disk_dir / "image", disk_dir / "mounted"
    folder.mkdir()
    with open(image, "wb") as file:
        file.truncate(16 << 20)
    run("mkfs.ext4", "-q", str(image))
    mounted = subprocess.run(["mount", "-o", "loop", image, folder], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no loop device can be mounted here: {mounted.stderr.decode()}")
    with ExitStack() as stack:
        stack.callback(run, "umount", str(folder))
        code = "say(it=os.getpid())\nos.read(0, 1)\nos.write(fd, b'x')\nnap()"
        fd = f"fd = os.open({str(folder / 'file')!r}, os.O_WRONLY | os.O_CREAT)\n"
        gate, far = os.pipe()
        stack.callback(os.close, far)
        try:
            found = stack.enter_context(specimens.made(fd + code, stdin=gate))
        finally:
            os.close(gate)
        run("fsfreeze", "-f", str(folder))
        stack.callback(run, "fsfreeze", "-u", str(folder))
        os.write(far, b"x")
        specimens.asleep(found.pid, "D")
        one = finding(found.pid, "disk sleep")
        assert one.severity == WRONG
        text = all_text(one)
        assert f"(state D): writes to file {folder}/file" in text
        assert "the file system is frozen" in text
        assert f"{folder} (ext4 on /dev/loop" in text
        assert f"kernel function {read(found.pid, 'wchan').decode()}" in text
        assert "fsfreeze -u" in text


def test_starved_of_the_cpu() -> None:
    if not os.path.exists("/proc/self/schedstat"):
        pytest.skip("this kernel keeps no schedstat")
    cpu = min(os.sched_getaffinity(0))
    with specimens.busy() as first, specimens.busy(19) as found:
        for pid in (first.pid, found.pid):
            os.sched_setaffinity(pid, {cpu})
        one = finding(found.pid, "starved", 0.5)
        assert "it could have run, and waited for a CPU" in one.headline


def test_busy_and_how_much() -> None:
    with specimens.busy() as found:
        one = finding(found.pid, "running", 0.2)
        assert one.headline == "running"
        assert one.why[0].startswith("in the last 0.")


def test_out_of_descriptors() -> None:
    code = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (32, 64))
try:
    while True:
        os.dup(0)
except OSError:
    say(it=os.getpid())
nap()
"""
    with specimens.sleeping(code) as found:
        one = finding(found.pid, "descriptors")
        assert one.severity == WRONG
        assert one.headline == "out of descriptors: 32 of 32 are open"
