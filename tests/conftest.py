"""Loads the harness: see tests/harness/, one file per promise that it keeps."""

from __future__ import annotations

pytest_plugins = [
    "pytester",
    "tests.harness.hang",
    "tests.harness.jobs",
    "tests.harness.leaks",
    "tests.harness.places",
    "tests.harness.program",
    "tests.harness.terminal",
]

_ID = 100  # characters


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A long text is named by its length: the id of a test stands in the environment of what it starts
    (PYTEST_CURRENT_TEST), where a variable of 128 KiB makes exec fail (execve(2), E2BIG)."""
    return f"{argname}-{len(val)}" if isinstance(val, str | bytes) and len(val) > _ID else None
