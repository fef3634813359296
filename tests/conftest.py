"""Loads the harness: see tests/harness/, one file per promise that it keeps."""

from __future__ import annotations

pytest_plugins = [
    "pytester",
    "tests.harness.hang",
    "tests.harness.leaks",
    "tests.harness.places",
    "tests.harness.program",
    "tests.harness.terminal",
]
