"""Page faults: without (min) and with (maj) reading from a disk."""

from __future__ import annotations

from procession.table.columns.base import RIGHT, Column, as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.columns.base import Value, View

_MINOR, _MAJOR = 7, 9  # in the stat line, each followed by that of the children


def _faults(name: str, heading: str, index: int) -> Column:
    def value(view: View) -> Value:
        if view.with_children:
            return lambda record: int(record.fields[index]) + int(record.fields[index + 1])
        return lambda record: int(record.fields[index])

    return Column(name, heading, 6, RIGHT, as_text(value), value)


COLUMNS = (
    _faults("min_flt", "MINFL", _MINOR),
    _faults("minflt", "MINFLT", _MINOR),
    _faults("maj_flt", "MAJFL", _MAJOR),
    _faults("majflt", "MAJFLT", _MAJOR),
    _faults("pagein", "PAGEIN", _MAJOR),
)
