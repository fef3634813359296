"""Priorities: the kernel's one number (proc_pid_stat(5), field 18) in the seven scales that Unix knows for it, the
nice value, and the scheduling class (sched(7))."""

from __future__ import annotations

from procession.table.columns.base import LEFT, RIGHT, THREAD, Column, as_text, stat_text, stat_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.columns.base import Text, Value, View
    from procession.table.record import ProcessRecord

_CLASSES = {b"0": "TS", b"1": "FF", b"2": "RR", b"3": "B", b"4": "ISO", b"5": "IDL", b"6": "DLN"}


def _scale(name: str, heading: str, sign: int, offset: int) -> Column:
    def value(view: View) -> Value:
        return lambda record: sign * int(record.fields[15]) + offset

    return Column(name, heading, 3, RIGHT, as_text(value), value, sort=stat_value(15), shown=THREAD)


def _nice_text(view: View) -> Text:
    # It counts for the classes "other" and "batch" only.
    return lambda record: record.fields[16].decode("ascii") if record.fields[38] in (b"0", b"3") else "-"


def _class(view: View) -> Text:
    return lambda record: _CLASSES.get(record.fields[38], "?")


def _realtime(view: View) -> Text:
    def text(record: ProcessRecord) -> str:
        return "-" if record.fields[38] == b"0" else record.fields[37].decode("ascii")

    return text


COLUMNS = (
    _scale("pri", "PRI", -1, 39),
    _scale("opri", "PRI", 1, 60),
    _scale("intpri", "PRI", 1, 60),
    _scale("priority", "PRI", 1, 0),
    _scale("pri_foo", "FOO", 1, -20),
    _scale("pri_bar", "BAR", 1, 1),
    _scale("pri_baz", "BAZ", 1, 100),
    _scale("pri_api", "API", -1, -1),
    Column("ni", "NI", 3, RIGHT, _nice_text, stat_value(16), shown=THREAD),
    Column("nice", "NI", 3, RIGHT, _nice_text, stat_value(16), shown=THREAD, standard=True),
    Column("class", "CLS", 3, LEFT, _class, _class, shown=THREAD),
    Column("cls", "CLS", 3, RIGHT, _class, _class, shown=THREAD),
    Column("policy", "POL", 3, LEFT, _class, _class, shown=THREAD),
    Column("sched", "SCH", 3, RIGHT, stat_text(38), stat_value(38), shown=THREAD),
    Column("rtprio", "RTPRIO", 6, RIGHT, _realtime, stat_value(37), shown=THREAD),
)
