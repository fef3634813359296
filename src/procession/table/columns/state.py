"""State letters, and the flags of -l."""

from __future__ import annotations

from procession.table import files
from procession.table.columns.base import LEFT, RIGHT, THREAD, Column

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.columns.base import Text, Value, View
    from procession.table.record import ProcessRecord


def _state(view: View) -> Text:
    return lambda record: record.fields[0].decode("ascii")


def _stat(view: View) -> Text:
    return letters


def letters(record: ProcessRecord) -> str:
    """The state and what it is besides: < above or N below the usual priority, L with pages locked in memory,
    s leader of its session, l of several threads, + in the foreground of its terminal."""
    fields = record.fields
    text = fields[0].decode("ascii")
    nice = fields[16]
    if nice != b"0":
        text += "<" if nice.startswith(b"-") else "N"
    if record.status_kilobytes(b"VmLck"):
        text += "L"
    if int(fields[3]) == record.pid:
        text += "s"
    if int(fields[17]) > 1:
        text += "l"
    if fields[2] == fields[5]:
        text += "+"
    return text


def _flags(view: View) -> Value:
    return lambda record: record.flags


def _flags_text(view: View) -> Text:
    # PF_FORKNOEXEC (0x40) as 1 and PF_SUPERPRIV (0x100) as 4, include/linux/sched.h
    return lambda record: f"{int(record.fields[6]) >> 6 & 7:o}"


COLUMNS = (
    Column("s", "S", 1, LEFT, _state, _state, shown=THREAD),
    Column("state", "S", 1, LEFT, _state, _state, shown=THREAD),
    Column("stat", "STAT", 4, LEFT, _stat, _stat, (files.STATUS,), _state, THREAD),
    Column("f", "F", 1, RIGHT, _flags_text, _flags),
    Column("flag", "F", 1, RIGHT, _flags_text, _flags),
    Column("flags", "F", 1, RIGHT, _flags_text, _flags),
)
