"""``pn tree --json``: one process a line, parents before their children."""

from __future__ import annotations

import json

from procession.table.marks import marks_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.family import Branch
    from procession.table.snapshot import Snapshot


def line_of(table: Snapshot, branch: Branch) -> str:
    """Bytes and seconds.  ``branch_*``: sums over the process and its descendants; null where nothing may be read."""
    one = branch.process
    return json.dumps(
        {
            "pid": one.pid,
            "ppid": one.ppid,
            "depth": branch.depth,
            "state": one.state,
            "age": round(table.age(one), 2),
            "memory": branch.own,
            "branch_memory": branch.memory,
            "branch_processes": branch.count,
            "branch_cpu_seconds": round(branch.cpu_seconds, 2),
            "hidden": branch.hidden,
            "command": one.command,
            "marks": marks_of(table, one),
        }
    )
