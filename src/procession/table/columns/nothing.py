"""Names that other systems have columns for and Linux no answer: a dash.  Some of them can be sorted by."""

from __future__ import annotations

from procession.table.columns.base import ALWAYS, LEFT, PROCESS, RIGHT, Column, stat_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.table.columns.base import Text, Value, View


def _dash(view: View) -> Text:
    return lambda record: "-"


def _none(view: View) -> Value:
    return lambda record: None


def _same(view: View) -> Value:
    return lambda record: 0


def _column(
    name: str, heading: str, width: int, align: str = RIGHT, key: Callable[[View], Value] = _same
) -> Column:
    shown = PROCESS if name == "resident" else ALWAYS
    return Column(name, heading, width, align, _dash, _none, sort=key, shown=shown)


COLUMNS = (
    _column("addr", "ADDR", 4),
    _column("addr_1", "ADDR", 1, LEFT),
    _column("alarm", "ALARM", 5),
    _column("timeout", "TMOUT", 5),
    _column("tmout", "TMOUT", 5),
    _column("nwchan", "WCHAN", 6),
    _column("cmaj_flt", "-", 1, key=stat_value(10)),
    _column("cmin_flt", "-", 1, key=stat_value(8)),
    _column("cutime", "-", 1, key=stat_value(13)),
    _column("cstime", "-", 1, key=stat_value(14)),
    _column("utime", "UTIME", 6, key=stat_value(11)),
    _column("resident", "RES", 5, key=stat_value(21)),
    _column("share", "-", 1),
)
