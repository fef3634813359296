from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from procession.linux.dirfd import remove_tree


@pytest.fixture(params=["disk_dir", "tmpfs_dir"])
def place(request: pytest.FixtureRequest) -> Iterator[Path]:
    """An empty folder, once on the disk and once in memory; its trees may be of any depth."""
    folder: Path = request.getfixturevalue(request.param)
    yield folder
    descriptor = os.open(folder, os.O_RDONLY)
    for name in os.listdir(descriptor):
        remove_tree(name, descriptor)
    os.close(descriptor)
