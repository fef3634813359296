"""How the children of a supervisor are doing, as records for programs and as a table for people."""

from __future__ import annotations

from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@record
class ChildStatus:
    """One child at one instant.

    ``state``: waiting (for its turn), starting, running, stopping, restarting (soon), down.
    ``uptime`` in seconds, 0 when there is no process.  ``last_end`` in words, "" before the first end.
    ``info`` is what the child said with ``ready(info)``; ``children`` are those of a nested supervisor.
    """

    id: str
    type: str
    state: str
    pid: int | None
    restarts: int
    last_end: str
    uptime: float
    info: Any = None
    children: tuple[ChildStatus, ...] = ()


@record
class Counts:
    """How many specs there are, how many children run, and what kinds the children are."""

    specs: int
    active: int
    supervisors: int
    workers: int


@record
class SupervisorStatus:
    """A supervisor and its children, in the order in which they were started.

    ``state``: new, starting, running, stopping, ended.
    """

    name: str
    strategy: str
    state: str
    children: tuple[ChildStatus, ...]

    def __str__(self) -> str:
        rows = [("CHILD", "STATE", "PID", "RESTARTS", "UPTIME", "LAST END"), *_rows(self.children, "")]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
        return f"{self.name}: {self.strategy}, {self.state}\n" + "\n".join(lines)

    def __getitem__(self, child: str) -> ChildStatus:
        """The child of that name.  Raises KeyError."""
        for status in self.children:
            if status.id == child:
                return status
        raise KeyError(child)


def _rows(children: tuple[ChildStatus, ...], indent: str) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for child in children:
        pid = str(child.pid) if child.pid is not None and child.type == "worker" else "-"
        rows.append(
            (
                indent + child.id,
                child.state,
                pid,
                str(child.restarts),
                f"{child.uptime:.1f} s",
                child.last_end or "-",
            )
        )
        rows += _rows(child.children, indent + "  ")
    return rows
