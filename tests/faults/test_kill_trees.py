"""``pn kill --tree`` against trees that do not want to end: none of them leaves anybody.

Each run has a pid namespace of its own, in which nothing else lives: who is left is seen at once, and gone with it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCENE = Path(__file__).with_name("tree_scene.py")

pytestmark = pytest.mark.root


def end_trees(count: int, batch: int, *options: str) -> None:
    ran = subprocess.run(
        [
            "unshare",
            "-pf",
            "--kill-child",
            "--mount-proc",
            sys.executable,
            SCENE,
            str(count),
            str(batch),
            *options,
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"made": count, "left": {}, "said": "", "code": 0}


def test_none_of_24_hostile_trees_leaves_anybody() -> None:
    end_trees(24, 8)


def test_nor_after_a_grace() -> None:
    end_trees(8, 8, "--grace", "0.3")


@pytest.mark.slow
@pytest.mark.hang_limit(1200)
def test_none_of_1000_hostile_trees_leaves_anybody() -> None:
    end_trees(1000, 10)
