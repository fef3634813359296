"""Its controlling terminal."""

from __future__ import annotations

from procession.table.columns.base import LEFT, PROCESS, Column
from procession.table.ttys import tty_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.columns.base import Text, Value, View
    from procession.table.record import ProcessRecord


def _name(view: View) -> Text:
    return lambda record: tty_name(int(record.fields[4])) or "?"


def _value(view: View) -> Value:
    return lambda record: tty_name(int(record.fields[4])) or None


def _short(view: View) -> Text:
    def text(record: ProcessRecord) -> str:
        name = tty_name(int(record.fields[4])) or "?"
        return name.removeprefix("tty").removeprefix("pts/")

    return text


def _terminal(name: str, heading: str, standard: bool = False) -> Column:
    return Column(name, heading, 8, LEFT, _name, _value, sort=_name, shown=PROCESS, standard=standard)


COLUMNS = (
    _terminal("tty", "TT", standard=True),
    _terminal("tt", "TT"),
    _terminal("tname", "TTY"),
    _terminal("longtname", "TTY"),
    _terminal("tty8", "TTY"),
    Column("tty4", "TTY", 4, LEFT, _short, _value, sort=_name, shown=PROCESS),
)
