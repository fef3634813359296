"""ext4 in memory: mounted for the bench alone, and gone with it even after SIGKILL."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.kit import places

SCRIPT = """
import sys
from bench.kit.places import PlaceError, place
try:
    with place("loop-ext4", image_bytes=64 << 20) as opened:
        (opened.folder / "file").write_bytes(b"x" * 1000)
        print(opened.describe(), opened.folder, opened.system.device, sep="\\t", flush=True)
        sys.stdin.read()
except PlaceError as reason:
    print(f"PlaceError {reason}")
"""


def leftovers() -> list[str]:
    return sorted(str(path) for path in places.MEMORY.glob("bench-ext4-*"))


def backing(device: str) -> bool:
    """True while the loop device holds its (nameless) image."""
    return Path("/sys/block", Path(device).name, "loop", "backing_file").exists()


@pytest.mark.root
@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount")
@pytest.mark.skipif(shutil.which("mkfs.ext4", path="/usr/sbin:/sbin") is None, reason="needs e2fsprogs")
@pytest.mark.parametrize("end", ["eof", "kill"])
def test_nothing_is_left(end: str) -> None:
    before = leftovers()
    child = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(places.__file__).parents[2],
    )
    with child:
        assert child.stdin is not None
        assert child.stdout is not None
        line = child.stdout.readline().strip()
        if line.startswith("PlaceError"):
            pytest.skip(line)
        told, folder, device = line.split("\t")
        assert told == "loop-ext4: ext4 on a loop device, its image in memory"
        assert list(Path(folder).iterdir()) == []  # mounted for that process alone
        assert backing(device)
        if end == "kill":
            child.send_signal(signal.SIGKILL)
    assert child.returncode == (-signal.SIGKILL if end == "kill" else 0)
    deadline = time.monotonic() + 10
    while backing(device) and time.monotonic() < deadline:
        time.sleep(0.01)  # the kernel takes a namespace apart on a work queue, and tells nobody
    assert not backing(device)
    assert leftovers() == before
    assert Path(folder).exists() is (end == "kill")
    if end == "kill":
        Path(folder).rmdir()


def test_without_root_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    with pytest.raises(places.PlaceError, match="--where tmpfs or disk"), places.place("loop-ext4"):
        pass
