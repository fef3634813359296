"""The kernel function that it sleeps in (proc_pid_wchan(5))."""

from __future__ import annotations

from procession.table import files
from procession.table.columns.base import KERNEL, THREAD, Column

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.columns.base import Text, Value, View
    from procession.table.record import ProcessRecord


def _function(record: ProcessRecord) -> str:
    data = record.read(files.WCHAN)
    if data is None:
        return "?"
    if data == b"0":
        return "-"
    return data.decode("ascii", "replace").lstrip("._") or "?"


def _text(view: View) -> Text:
    return _function


def _value(view: View) -> Value:
    return lambda record: record.wchan or None


COLUMNS = (
    Column("wchan", "WCHAN", 6, KERNEL, _text, _value, (files.WCHAN,), _text, THREAD),
    Column("wname", "WCHAN", 6, KERNEL, _text, _value, (files.WCHAN,), _text, THREAD),
)
