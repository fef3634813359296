"""The CPU that it last ran on."""

from __future__ import annotations

import os

from procession.table.columns.base import ALWAYS, RIGHT, THREAD, Column, as_text, stat_text, stat_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.columns.base import Text, Value, View

_NODES = "/sys/devices/system/node"


def _running(view: View) -> Text:
    return lambda record: record.fields[36].decode("ascii") if record.fields[0] == b"R" else "*"


def _node(view: View) -> Value:
    known = _nodes()
    return lambda record: known.get(record.processor, 0)


def _nodes() -> dict[int, int]:
    """CPU to NUMA node, from sysfs; {}: one node for all."""
    found: dict[int, int] = {}
    try:
        names = [name for name in os.listdir(_NODES) if name.startswith("node") and name[4:].isdecimal()]
        for name in names:
            for cpu in os.listdir(f"{_NODES}/{name}"):
                if cpu.startswith("cpu") and cpu[3:].isdecimal():
                    found[int(cpu[3:])] = int(name[4:])
    except OSError:
        return {}
    return found


def _processor(name: str, heading: str, width: int) -> Column:
    return Column(name, heading, width, RIGHT, stat_text(36), stat_value(36), shown=THREAD)


COLUMNS = (
    _processor("psr", "PSR", 3),
    _processor("cpuid", "CPUID", 5),
    _processor("lastcpu", "C", 3),
    Column("sgi_p", "P", 1, RIGHT, _running, stat_value(36), shown=THREAD),
    Column("numa", "NUMA", 4, RIGHT, as_text(_node), _node, shown=ALWAYS),
)
