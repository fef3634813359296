"""Out of descriptors: the next open, accept or pipe fails with EMFILE."""

from __future__ import annotations

from procession.table.explain.finding import NOTE, WRONG, Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts

NEAR = 0.9  # of the limit


def explain(facts: Facts) -> Finding | None:
    """By RLIMIT_NOFILE, the soft one, which is what counts."""
    count, most = facts.descriptors, facts.descriptor_limit
    if count is None or not most or count < NEAR * most:
        return None
    full = count >= most
    head = "out of descriptors" if full else "nearly out of descriptors"
    return Finding(
        "descriptors",
        WRONG if full else NOTE,
        f"{head}: {count:,} of {most:,} are open",
        ("what it opens next fails (EMFILE)",) if full else (),
        (),
        (
            f"look for what it forgets to close: ls -l /proc/{facts.me.pid}/fd",
            f"or allow more: prlimit --nofile={most * 2} --pid {facts.me.pid}",
        ),
    )
