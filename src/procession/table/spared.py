"""Whom we never signal: ourselves, those that we come from, and process 1."""

from __future__ import annotations

from procession.table.columns.printable import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.snapshot import Snapshot


def spared(table: Snapshot, ourselves: int) -> dict[int, str]:
    """Pids, and why, as a phrase that follows "pid 7 ".

    To end the shell that waits for us, or the terminal above it, is hardly ever what a pattern or a typed pid meant;
    process 1 takes the machine or the container with it.
    """
    found = {ourselves: "is this very command"}
    for each in table.ancestors(ourselves):
        name = printable(each.comm_bytes)
        found[each.pid] = f"({name}) runs this command: its own kill or exit is the way to end it"
    first = table.by_pid.get(1)
    name = f" ({printable(first.comm_bytes)})" if first is not None else ""
    found[1] = f"is the first process{name}: without it the machine or container stops"
    return found
