"""The automatic group that shares a CPU with others, and its nice value (sched(7))."""

from __future__ import annotations

from procession.table import files
from procession.table.columns.base import RIGHT, Column, as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.columns.base import Value, View
    from procession.table.record import ProcessRecord


def _numbers(record: ProcessRecord) -> tuple[int, int]:
    """From "/autogroup-25 nice 0"; -1 and 0 where the kernel keeps none."""
    words = (record.read(files.AUTOGROUP) or b"").split()
    if len(words) < 3:
        return -1, 0
    return int(words[0].rpartition(b"-")[2]), int(words[2])


def _id(view: View) -> Value:
    return lambda record: _numbers(record)[0]


def _nice(view: View) -> Value:
    return lambda record: _numbers(record)[1]


COLUMNS = (
    Column("ag_id", "AGID", 5, RIGHT, as_text(_id), _id, (files.AUTOGROUP,)),
    Column("ag_nice", "AGNI", 4, RIGHT, as_text(_nice), _nice, (files.AUTOGROUP,)),
)
