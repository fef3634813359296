"""Frozen together with its control group (cgroup.freeze, or the freezer of v1)."""

from __future__ import annotations

from procession.table.explain.finding import NOTE, Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts


def explain(facts: Facts) -> Finding | None:
    """It looks asleep, or deaf in state D, and is neither."""
    if not facts.frozen:
        return None
    return Finding(
        "frozen",
        NOTE,
        f"frozen: all processes of control group {facts.frozen} are",
        ("its parent is not told, and no SIGCONT helps",),
        (),
        ("thaw the group: systemctl thaw UNIT, docker unpause, or 0 into its cgroup.freeze",),
    )
