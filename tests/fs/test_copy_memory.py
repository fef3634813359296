"""The parent of a copy does not grow with the tree."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fs import trees
from tests.harness.program import clean_environment

BYTES_PER_ENTRY = 40  # an empty str alone has 49: nothing may be kept for each name
FEW, MANY = 2_000, 30_000

# The peak is set back (proc(5), clear_refs) once a first copy has loaded and started all there is.
CHILD = """
import sys, procession

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024

warm, source, target = sys.argv[1:]
procession.copy(warm, target + ".warm", workers=2, progress=lambda look: None)
# What only a longer copy loads: its record for others.
from procession.copying.progress import Progress
from procession.copying.published import Published
published = Published([source], [target])
published.show(Progress(1.0, 0, 0, 0, 0, 0, 0, False, ()))
published.close()
with open("/proc/self/clear_refs", "w") as refs:
    refs.write("5")
before = peak()
report = procession.copy(source, target, workers=2, progress=lambda look: None)
assert report.ok, report.failed
print(peak() - before)
"""


def make(top: Path, shape: str, count: int) -> None:
    """``count`` entries: in one folder, ten to a folder of a flat or a deep tree, or folders alone."""
    if shape == "flat":
        trees.make_flat(top, count)
    elif shape == "folders":
        trees.make_flat(top, 0, folders=count)
    else:
        top.mkdir()
        for number in range(count // 100):
            folder = top / f"{number}"
            folder.mkdir()
            for below in range(10):
                trees.make_flat(folder / f"{below}", 9)


def growth(warm: Path, source: Path, target: Path) -> int:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, warm, source, target],
        env=clean_environment(Path("/"), PYTHONPATH=os.pathsep.join(sys.path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize(
    "shape", ["flat", *(pytest.param(each, marks=pytest.mark.slow) for each in ("spread", "folders"))]
)
def test_the_parent_does_not_grow_with_the_tree(tmpfs_dir: Path, shape: str) -> None:
    make(tmpfs_dir / "warm", shape, FEW)
    make(tmpfs_dir / "many", shape, MANY)
    few = growth(tmpfs_dir / "warm", tmpfs_dir / "warm", tmpfs_dir / "few-copy")
    many = growth(tmpfs_dir / "warm", tmpfs_dir / "many", tmpfs_dir / "many-copy")
    assert (many - few) / (MANY - FEW) < BYTES_PER_ENTRY
