"""Throttled: its control group has used up its CPU quota again and again."""

from __future__ import annotations

from procession.table.explain.finding import NOTE, Finding
from procession.units import number, seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts

SHARE = 0.1  # of all periods, where no second reading tells what happens now


def explain(facts: Facts) -> Finding | None:
    """By cpu.stat of the group, between two readings if there are two."""
    quota = facts.throttle
    if quota is None or not quota.throttled:
        return None
    now = quota.recent
    if not now and quota.throttled < SHARE * quota.periods:
        return None
    when = "throttled" if now else "was throttled (not just now)"
    why = [
        f"of {number(quota.periods, 'period')} it was stopped in {quota.throttled:,}, for {seconds(quota.seconds)} in all"
    ]
    if now and quota.recent_periods:
        why.insert(0, f"just now in {now} of {number(quota.recent_periods, 'period')}")
    return Finding(
        "throttled",
        NOTE,
        f"{when}: control group {quota.group} may use {number_of_cores(quota.cores)}, and wants more",
        tuple(why),
        (),
        ("raise the quota (cpu.max, cpu.cfs_quota_us, docker update --cpus), or use fewer threads",),
    )


def number_of_cores(cores: float) -> str:
    """``half a CPU`` is ``0.5 CPUs``."""
    return f"{cores:g} CPU" + ("" if cores == 1 else "s")
