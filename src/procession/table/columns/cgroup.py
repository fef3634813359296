"""Control groups, and the container that they name."""

from __future__ import annotations

import os

from procession.table import files
from procession.table.columns.base import ALWAYS, LEFT, PROCESS, WIDE, Column
from procession.table.columns.printable import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.columns.base import Text, Value, View
    from procession.table.record import ProcessRecord

_CONTAINERS = (b"lxc.payload.", b"lxc.payload/", b"lxc/")  # LXC 4, 3.2 and before


def _lines(record: ProcessRecord) -> list[bytes]:
    """Those that are not at the root."""
    return [line for line in (record.read(files.CGROUP) or b"").split(b"\n") if line and line[-1:] != b"/"]


def _groups(view: View) -> Text:
    return lambda record: printable(b",".join(_lines(record)), view.utf8) or "-"


def _groups_value(view: View) -> Value:
    return lambda record: [os.fsdecode(line) for line in _lines(record)]


def _name(view: View) -> Text:
    get = _groups(view)

    def text(record: ProcessRecord) -> str:
        found = get(record)
        return found.partition(":name=")[2] or found

    return text


def _container(view: View) -> Text:
    def text(record: ProcessRecord) -> str:
        data = record.read(files.CGROUP) or b""
        for mark in _CONTAINERS:
            at = data.find(mark)
            if at >= 0:
                line = data[at:].partition(b"\n")[0]
                return printable(line.rpartition(mark)[2].partition(b"/")[0], view.utf8)
        return "-"

    return text


def _container_value(view: View) -> Value:
    get = _container(view)
    return lambda record: None if get(record) == "-" else get(record)


_C = (files.CGROUP,)

COLUMNS = (
    Column("cgroup", "CGROUP", 27, WIDE, _groups, _groups_value, _C, _groups, PROCESS),
    Column("cgname", "CGNAME", 27, WIDE, _name, _name, _C, shown=PROCESS),
    Column("lxc", "LXC", 8, LEFT, _container, _container_value, _C, _container, ALWAYS),
)
