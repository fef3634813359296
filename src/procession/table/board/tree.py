"""Rows below their parents, siblings in the order in which they came."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from procession.table.record import ProcessRecord


def in_tree_order(
    rows: Sequence[ProcessRecord], folded: Collection[tuple[int, bytes]] = ()
) -> tuple[list[ProcessRecord], dict[int, str], dict[int, int]]:
    """Records, the branches drawn in front of each by thread id, and how many each folded one hides.

    Whose parent is not among the rows stands at the left; a thread stands below the main one.
    """
    here = {one.tid for one in rows}
    below: dict[int, list[ProcessRecord]] = {}
    roots: list[ProcessRecord] = []
    for one in rows:
        parent = one.pid if one.tid != one.pid else one.ppid
        if parent in here and parent != one.tid:
            below.setdefault(parent, []).append(one)
        else:
            roots.append(one)
    ordered: list[ProcessRecord] = []
    branches: dict[int, str] = {}
    hidden: dict[int, int] = {}
    covered: set[int] = set()
    # (record, its own branch, what its children's begin with); a stack, for trees deeper than Python's
    todo = [(one, "", "") for one in reversed(roots)]
    while todo:
        one, branch, prefix = todo.pop()
        if one.tid in branches:  # records of different moments could form a ring
            continue
        ordered.append(one)
        branches[one.tid] = branch
        children = below.get(one.tid)
        if not children:
            continue
        if (one.tid, one.fields[19]) in folded:
            gone = _descendants(one.tid, below)
            hidden[one.tid] = len(gone)
            covered |= gone
            continue
        last = children[-1]
        for child in reversed(children):
            end = child is last
            todo.append((child, prefix + ("└─ " if end else "├─ "), prefix + ("   " if end else "│  ")))
    if len(ordered) + len(covered) < len(rows):  # a ring has no root: it is shown flat
        ordered += [one for one in rows if one.tid not in branches and one.tid not in covered]
    return ordered, branches, hidden


def _descendants(tid: int, below: dict[int, list[ProcessRecord]]) -> set[int]:
    found: set[int] = set()
    todo = [tid]
    while todo:
        for child in below.get(todo.pop(), ()):
            if child.tid not in found and child.tid != tid:
                found.add(child.tid)
                todo.append(child.tid)
    return found
