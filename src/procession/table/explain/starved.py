"""Starved: it could run, and has to wait for a CPU."""

from __future__ import annotations

from procession.table.explain.finding import NOTE, Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts

SHARE = 0.3  # of the time between two readings


def explain(facts: Facts) -> Finding | None:
    """By schedstat between two readings, and by the pressure of the whole machine."""
    rate = facts.rate
    if rate is None or rate.waiting is None or rate.waiting < SHARE:
        return None
    if facts.throttle is not None and facts.throttle.recent:
        return None  # then the quota makes it wait, and throttled.py says so
    why = []
    if facts.cpu_pressure is not None:
        avg = facts.cpu_pressure.some.avg10
        why.append(f"on the whole machine somebody waited for a CPU in {avg:.0f} % of the last 10 s")
    return Finding(
        "starved",
        NOTE,
        f"starved: in {rate.waiting:.0%} of the last {rate.seconds:.1f} s it could have run, and waited for a CPU",
        tuple(why),
        (),
        ("see who uses the CPUs: pn top", f"give it more: pn nice -5 {facts.me.pid} (needs root)"),
    )
