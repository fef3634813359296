"""``pn explain --json``: one process a line."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.explain.finding import Finding
    from procession.table.explain.look import Explained


def line_of(one: Explained) -> str:
    """Ages in seconds; ``findings`` in the order of their weight."""
    facts = one.facts
    return json.dumps(
        {
            "pid": facts.me.pid,
            "name": facts.me.name,
            "state": facts.me.state,
            "age": round(facts.me.age, 2),
            "user": facts.user,
            "ppid": facts.parent.pid if facts.parent is not None else 0,
            "findings": [_finding(each) for each in one.findings],
        }
    )


def _finding(one: Finding) -> dict[str, object]:
    return {
        "kind": one.kind,
        "severity": one.severity,
        "headline": one.headline,
        "why": list(one.why),
        "pids": list(one.pids),
        "todo": list(one.todo),
    }
