"""What a process is to this package: a pool and its tasks, a worker and the task that it runs, a ``pn`` at work."""

from __future__ import annotations

from procession.table.board.formats import printable
from procession.table.explain.finding import FINE, Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts


def explain(facts: Facts) -> Finding | None:
    """In the words that ``pn ps`` and ``pn top`` have for it."""
    return Finding("ours", FINE, f"ours: {printable(facts.role)}") if facts.role else None
