"""Who logged in, whatever they became since (proc_pid_loginuid(5))."""

from __future__ import annotations

from procession.table import files
from procession.table.columns.base import RIGHT, Column

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.columns.base import Text, Value, View
    from procession.table.record import ProcessRecord

_NOBODY = 2**32 - 1  # never logged in


def _login(record: ProcessRecord) -> int | None:
    number = int(record.read(files.LOGINUID) or _NOBODY)
    return None if number == _NOBODY else number


def _value(view: View) -> Value:
    return _login


def _key(view: View) -> Value:
    return lambda record: -1 if _login(record) is None else _login(record)


def _text(view: View) -> Text:
    return lambda record: "-" if _login(record) is None else str(_login(record))


COLUMNS = (Column("luid", "LUID", 5, RIGHT, _text, _value, (files.LOGINUID,), _key),)
