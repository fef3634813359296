"""All explanations, the most telling first."""

from __future__ import annotations

from procession.table.explain import (
    asleep,
    deadlock,
    descriptors_out,
    disk_sleep,
    frozen,
    kernel_thread,
    orphan,
    ours,
    runaway,
    running,
    starved,
    stopped,
    swapping,
    throttled,
    traced,
    zombie,
)
from procession.table.explain.finding import FINE, WRONG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.table.explain.finding import Finding
    from procession.table.facts import Facts

EXPLANATIONS: tuple[Callable[[Facts], Finding | None], ...] = (
    kernel_thread.explain,
    zombie.explain,
    deadlock.explain,
    frozen.explain,
    disk_sleep.explain,
    stopped.explain,
    traced.explain,
    running.explain,
    asleep.explain,
    throttled.explain,
    starved.explain,
    runaway.explain,
    swapping.explain,
    descriptors_out.explain,
    orphan.explain,
    ours.explain,
)


def explain(facts: Facts) -> list[Finding]:
    """All that fit, in the order above; at least one for any process that lives."""
    found = [finding for each in EXPLANATIONS if (finding := each(facts)) is not None]
    if any(finding.kind in ("stopped", "frozen") for finding in found):
        # What it would wait for if it went on is of no use before it does.
        found = [finding for finding in found if finding.kind not in ("asleep", "running", "starved")]
    if facts.ring is not None and facts.wait in facts.ring.waits:
        found = [finding for finding in found if finding.kind != "asleep"]  # the deadlock has said it
    return found


def worst(findings: list[Finding]) -> str:
    """The severity of the gravest; fine for none."""
    grades = {finding.severity for finding in findings}
    return WRONG if WRONG in grades else "note" if "note" in grades else FINE
