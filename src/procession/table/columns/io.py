"""What it has read and written (proc_pid_io(5)): for its owner only, 0 for others."""

from __future__ import annotations

from procession.table import files
from procession.table.columns.base import RIGHT, THREAD, Column

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.columns.base import Text, Value, View


def _counter(name: str, heading: str, counter: str, size: bool = True) -> Column:
    def value(view: View) -> Value:
        return lambda record: record.io.get(counter)

    def count(view: View) -> Value:
        return lambda record: record.io.get(counter, 0)

    def text(view: View) -> Text:
        get = count(view)
        if size and view.human:
            from procession.units import size as short

            return lambda record: short(get(record)).replace(" ", "")
        return lambda record: str(get(record))

    return Column(name, heading, 5, RIGHT, text, value, (files.IO,), count, THREAD, size=size)


COLUMNS = (
    _counter("rbytes", "RBYTES", "read_bytes"),
    _counter("wbytes", "WBYTES", "write_bytes"),
    _counter("wcbytes", "WCBYTES", "cancelled_write_bytes"),
    _counter("rchars", "RCHARS", "rchar"),
    _counter("wchars", "WCHARS", "wchar"),
    _counter("rops", "ROPS", "syscr", size=False),
    _counter("wops", "WOPS", "syscw", size=False),
)
