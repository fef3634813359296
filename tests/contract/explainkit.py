"""What tests of explanations share."""

from __future__ import annotations

from procession.table.explain.finding import Finding
from procession.table.explain.look import Explained, examine


def explained(pid: int, seconds: float = 0.0) -> Explained:
    """One process; of one look unless ``seconds`` are given."""
    (found,) = examine([pid], seconds)
    return found


def finding(pid: int, kind: str, seconds: float = 0.0) -> Finding:
    """The one finding of a kind."""
    one = explained(pid, seconds)
    (found,) = (each for each in one.findings if each.kind == kind)
    return found


def all_text(one: Finding) -> str:
    """Every line of a finding."""
    return "\n".join((one.headline, *one.why, *one.todo))
