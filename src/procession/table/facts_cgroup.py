"""What control groups do to a process: a quota of CPU time that it runs into, a freezer (cgroups(7)).

Both hierarchies: v2 (cpu.max, cgroup.freeze) and v1 (cpu.cfs_quota_us, freezer.state).
"""

from __future__ import annotations

from procession.linux.cgroups import MOUNTS, cpu_quota, groups_above, read_text
from procession.records import record
from procession.table import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.record import ProcessRecord


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


def throttle_of(process: ProcessRecord, mounts: str = MOUNTS) -> Throttle | None:
    """The quota that has stopped it most often; None when there is no quota above it."""
    above = groups_above(process.read(files.CGROUP) or b"", "cpu", mounts)
    found = [each for name, folder, v2 in above if (each := _throttle(name, folder, v2))]
    return max(found, key=lambda each: each.throttled, default=None)


def frozen_group(process: ProcessRecord, mounts: str = MOUNTS) -> str:
    """The group that is frozen with it inside; "" for none.  A frozen process looks asleep (v1: in state D)."""
    for name, folder, v2 in groups_above(process.read(files.CGROUP) or b"", "freezer", mounts):
        if v2 and b"frozen 1" in read_text(f"{folder}/cgroup.events"):
            return name
        if not v2 and read_text(f"{folder}/freezer.state").startswith(b"FROZEN"):
            return name
    return ""


def _throttle(group: str, folder: str, v2: bool) -> Throttle | None:
    cores = cpu_quota(folder, v2)
    if cores is None:
        return None
    facts = dict(
        line.split() for line in read_text(f"{folder}/cpu.stat").splitlines() if len(line.split()) == 2
    )
    microseconds = (
        int(facts.get(b"throttled_usec", 0)) or int(facts.get(b"throttled_time", 0)) / 1000
    )  # v1: ns
    periods, throttled = int(facts.get(b"nr_periods", 0)), int(facts.get(b"nr_throttled", 0))
    return Throttle(group, cores, periods, throttled, microseconds / 1e6)
