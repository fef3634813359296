"""How many CPUs there are, and how many of them this process may use."""

from __future__ import annotations

import os

from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


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


def cgroup_limit(proc: str = "/proc/self", mounts: str = "/sys/fs/cgroup") -> float | None:
    """CPUs' worth of time: the lowest quota from our group up to the root, v2 (cpu.max) or v1 (cpu.cfs_*)."""
    try:
        with open(f"{proc}/cgroup", encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError:
        return None
    found: list[float] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            for place in (mounts, f"{mounts}/unified"):
                found += _quotas(place, path, _quota_v2)
        elif "cpu" in controllers.split(","):
            for place in (f"{mounts}/{controllers}", f"{mounts}/cpu"):
                found += _quotas(place, path, _quota_v1)
    return min(found, default=None)


def _quotas(root: str, path: str, quota: Callable[[str], float | None]) -> list[float]:
    found = []
    while True:
        one = quota(f"{root}{path}".rstrip("/"))
        if one is not None:
            found.append(one)
        if path in ("", "/"):
            return found
        path = os.path.dirname(path)


def _quota_v2(folder: str) -> float | None:
    words = _words(f"{folder}/cpu.max")
    return int(words[0]) / int(words[1]) if len(words) == 2 and words[0] != "max" else None


def _quota_v1(folder: str) -> float | None:
    quota, period = _words(f"{folder}/cpu.cfs_quota_us"), _words(f"{folder}/cpu.cfs_period_us")
    return int(quota[0]) / int(period[0]) if quota and period and int(quota[0]) > 0 else None


def _words(path: str) -> list[str]:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().split()
    except OSError:
        return []
