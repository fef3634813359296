"""Control groups, v2 and v1, where they are mounted below /sys/fs/cgroup (cgroups(7)).

A limit may stand at any group between a process's own and the root, so these are walked upwards.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MOUNTS = "/sys/fs/cgroup"


def groups_above(data: bytes, controller: str, mounts: str = MOUNTS) -> Iterator[tuple[str, str, bool]]:
    """(group, its folder, is it v2) for the text of a /proc/PID/cgroup, from the process's own group up to the root.

    Not every folder need be there: each hierarchy is looked for in the two places where it may be mounted.
    """
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            places, v2 = [mounts, f"{mounts}/unified"], True
        elif controller in controllers.split(","):
            places, v2 = [f"{mounts}/{controllers}", f"{mounts}/{controller}"], False
        else:
            continue
        for place in places:
            for group in _upwards(path):
                yield group, f"{place}{group}".rstrip("/"), v2


def cpu_quota(folder: str, v2: bool) -> float | None:
    """CPUs' worth of time that a group may use (cpu.max, cpu.cfs_*); None: no quota, or no such group."""
    if v2:
        words = read_text(f"{folder}/cpu.max").split()
        return int(words[0]) / int(words[1]) if len(words) == 2 and words[0] != b"max" else None
    quota, period = read_text(f"{folder}/cpu.cfs_quota_us"), read_text(f"{folder}/cpu.cfs_period_us")
    return int(quota) / int(period) if quota.strip() and period.strip() and int(quota) > 0 else None


def read_text(path: str) -> bytes:
    """A file of a group; b"" where there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _upwards(path: str) -> Iterator[str]:
    while path not in ("", "/"):
        yield path
        path = os.path.dirname(path)
    yield "/"
