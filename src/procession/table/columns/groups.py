"""Supplementary groups (getgroups(2)), by number and by name."""

from __future__ import annotations

from procession.table import files
from procession.table.columns.base import PROCESS, WIDE, Column
from procession.table.columns.printable import printable
from procession.table.users import group_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.columns.base import Text, Value, View


def _numbers(view: View) -> Value:
    return lambda record: [int(word) for word in record.status_line(b"Groups").split()]


def _names(view: View) -> Value:
    get = _numbers(view)
    return lambda record: [group_name(number) for number in get(record)]


def _numbers_text(view: View) -> Text:
    get = _numbers(view)
    return lambda record: ",".join(map(str, get(record))) or "-"


def _names_text(view: View) -> Text:
    get = _names(view)
    return lambda record: printable(",".join(get(record)).encode(errors="replace"), view.utf8) or "-"


COLUMNS = (
    Column("supgid", "SUPGID", 20, WIDE, _numbers_text, _numbers, (files.STATUS,), _numbers_text, PROCESS),
    Column("supgrp", "SUPGRP", 40, WIDE, _names_text, _names, (files.STATUS,), _names_text, PROCESS),
)
