"""How many CPUs there are, and how many of them this process may use."""

from __future__ import annotations

import os

from procession.linux.cgroups import MOUNTS, cpu_quota, groups_above, read_text
from procession.records import record


@record
class Cores:
    """``online``: of the machine.  ``usable``: by our affinity mask (sched_getaffinity(2)).  ``limit``: CPUs' worth
    of time that the control groups above us allow, None: as much as there is."""

    online: int
    usable: int
    limit: float | None
    model: str

    @property
    def effective(self) -> float:
        """What we can get at most."""
        return self.usable if self.limit is None else min(self.usable, self.limit)


def read_cores() -> Cores:
    """Of now."""
    usable = len(os.sched_getaffinity(0))
    return Cores(os.cpu_count() or usable, usable, cgroup_limit(), _model())


def _model() -> str:
    global _known_model
    if _known_model is None:
        _known_model = ""
        try:
            with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
                for line in file:
                    name, _, value = line.partition(":")
                    if name.strip() in ("model name", "Processor", "cpu model"):
                        _known_model = value.strip()
                        break
        except OSError:
            pass
    return _known_model


_known_model: str | None = None


def cgroup_limit(proc: str = "/proc/self", mounts: str = MOUNTS) -> float | None:
    """CPUs' worth of time: the lowest quota from our group up to the root, v2 (cpu.max) or v1 (cpu.cfs_*)."""
    above = groups_above(read_text(f"{proc}/cgroup"), "cpu", mounts)
    quotas = (cpu_quota(folder, v2) for _, folder, v2 in above)
    return min((quota for quota in quotas if quota is not None), default=None)
