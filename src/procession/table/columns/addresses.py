"""Addresses of its stack and its instruction pointer; 0 for processes that are not ours, and mostly anyway."""

from __future__ import annotations

from procession.table.columns.base import PROCESS, RIGHT, THREAD, Column, stat_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.columns.base import Text, View


def _address(name: str, heading: str, index: int, shown: str) -> Column:
    def text(view: View) -> Text:
        return lambda record: f"{int(record.fields[index]):016x}"

    return Column(name, heading, 16, RIGHT, text, stat_value(index), shown=shown)


COLUMNS = (
    _address("stackp", "STACKP", 25, PROCESS),
    _address("start_stack", "STACKP", 25, PROCESS),
    _address("esp", "ESP", 26, THREAD),
    _address("eip", "EIP", 27, THREAD),
)
