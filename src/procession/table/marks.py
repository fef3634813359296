"""What is to be noticed of a process in a list, in a few words; ``pn explain PID`` has the whole story."""

from __future__ import annotations

from procession.table.family import LEFT, STRAY, origin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.record import ProcessRecord
    from procession.table.snapshot import Snapshot


def marks_of(table: Snapshot, process: ProcessRecord) -> list[str]:
    """``zombie``, ``stopped``, ``traced``, ``deaf to signals``, ``orphan of session 7``; [] for most."""
    found = []
    if process.state == "Z":
        found.append("zombie, not reaped" if process.num_threads <= 1 else "its main thread has ended")
    elif process.state in "Tt":
        found.append("stopped" if process.state == "T" else "held by a debugger")
    elif process.state == "D":
        found.append("deaf to signals")
    whence = origin(table, process)
    if whence == STRAY:
        found.append(f"orphan of session {process.session}, whose leader has ended")
    elif whence == LEFT:
        found.append("orphan: who started it has ended")
    return found
