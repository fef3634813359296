"""Processes below their parents, with the branches that ps draws."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.record import ProcessRecord

_INIT = 1


def forest(records: list[ProcessRecord], drawn: bool) -> list[tuple[ProcessRecord, str]]:
    """Each with what stands in front of its command: lines if ``drawn``, else an indentation.

    Siblings keep their order.  The trees come last first, as in ps: so kernel threads are above init.  Nor are
    branches drawn from init, whose children nearly all processes are.
    """
    children: dict[int, list[ProcessRecord]] = {}
    for record in records:
        children.setdefault(record.ppid, []).append(record)
    here = {record.pid for record in records}
    roots = [record for record in records if record.ppid not in here]
    roots.sort(key=lambda record: record.ppid)  # as if all had been sorted by their parents
    found: list[tuple[ProcessRecord, str]] = []
    for root in reversed(roots):
        _plant(root, children, drawn, found)
    return found


def _plant(
    root: ProcessRecord,
    children: dict[int, list[ProcessRecord]],
    drawn: bool,
    found: list[tuple[ProcessRecord, str]],
) -> None:
    """Not recursive: a tree may be deeper than Python's stack."""
    branch, past, blank = (" \\_ ", " |  ", "    ") if drawn else ("  ", "  ", "  ")
    todo = [(root, "", "")]
    while todo:
        record, before, below = todo.pop()
        found.append((record, before))
        young = children.get(record.pid, ())
        for at in range(len(young) - 1, -1, -1):
            if drawn and record.pid == _INIT:
                todo.append((young[at], "", ""))
                continue
            more = past if at < len(young) - 1 else blank
            todo.append((young[at], below + branch, below + more))
