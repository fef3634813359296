"""What control groups do to a process: a quota of CPU time that it runs into, a freezer (cgroups(7)).

Both hierarchies: v2 (cpu.max, cgroup.freeze) and v1 (cpu.cfs_quota_us, freezer.state), where they are mounted below
/sys/fs/cgroup.  A limit may stand at any group between ours and the root.
"""

from __future__ import annotations

import os

from procession.records import record
from procession.table import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from procession.table.record import ProcessRecord

_MOUNTS = "/sys/fs/cgroup"


@record
class Throttle:
    """``group``: the path of the cgroup with the quota.  ``cores``: CPUs' worth of time that it may use.  Of
    ``periods`` (each 0.1 s as a rule) in which it ran, it was stopped in ``throttled``, for ``seconds`` in all.
    ``recent``: how many of ``recent_periods`` between two readings; None without an earlier one."""

    group: str
    cores: float
    periods: int
    throttled: int
    seconds: float
    recent: int | None = None
    recent_periods: int | None = None


def throttle_of(process: ProcessRecord, mounts: str = _MOUNTS) -> Throttle | None:
    """The quota that has stopped it most often; None when there is no quota above it."""
    found = [
        each for name, folder, v2 in _folders(process, "cpu", mounts) if (each := _throttle(name, folder, v2))
    ]
    return max(found, key=lambda each: each.throttled, default=None)


def frozen_group(process: ProcessRecord, mounts: str = _MOUNTS) -> str:
    """The group that is frozen with it inside; "" for none.  A frozen process looks asleep (v1: in state D)."""
    for name, folder, v2 in _folders(process, "freezer", mounts):
        if v2 and b"frozen 1" in _text(f"{folder}/cgroup.events"):
            return name
        if not v2 and _text(f"{folder}/freezer.state").startswith(b"FROZEN"):
            return name
    return ""


def _folders(process: ProcessRecord, controller: str, mounts: str) -> Iterator[tuple[str, str, bool]]:
    """(group, its folder, is it v2), from the process's own group up to the root."""
    lines = (process.read(files.CGROUP) or b"").decode("utf-8", "surrogateescape").split("\n")
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            places = [(mounts, True), (f"{mounts}/unified", True)]
        elif controller in controllers.split(","):
            places = [(f"{mounts}/{controllers}", False), (f"{mounts}/{controller}", False)]
        else:
            continue
        for place, v2 in places:
            if os.path.exists(f"{place}/{'cgroup.controllers' if v2 else 'cgroup.procs'}"):
                yield from ((name, f"{place}{name}".rstrip("/"), v2) for name in _upwards(path))
                break


def _upwards(path: str) -> Iterator[str]:
    while path not in ("", "/"):
        yield path
        path = os.path.dirname(path)
    yield "/"


def _throttle(group: str, folder: str, v2: bool) -> Throttle | None:
    if v2:
        words = _text(f"{folder}/cpu.max").split()
        if len(words) != 2 or words[0] == b"max":
            return None
        cores = int(words[0]) / int(words[1])
    else:
        quota, period = _text(f"{folder}/cpu.cfs_quota_us"), _text(f"{folder}/cpu.cfs_period_us")
        if not quota.strip() or not period.strip() or int(quota) <= 0:
            return None
        cores = int(quota) / int(period)
    facts = dict(line.split() for line in _text(f"{folder}/cpu.stat").splitlines() if len(line.split()) == 2)
    microseconds = (
        int(facts.get(b"throttled_usec", 0)) or int(facts.get(b"throttled_time", 0)) / 1000
    )  # v1: ns
    periods, throttled = int(facts.get(b"nr_periods", 0)), int(facts.get(b"nr_throttled", 0))
    return Throttle(group, cores, periods, throttled, microseconds / 1e6)


def _text(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
