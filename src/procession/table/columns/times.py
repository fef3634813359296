"""CPU time used, in whole seconds and in the forms of Unix and BSD."""

from __future__ import annotations

from procession.table.columns.base import RIGHT, Column
from procession.table.record import TICKS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.columns.base import Text, Value, View
    from procession.table.record import ProcessRecord


def _seconds(view: View) -> Value:
    return lambda record: record.cpu_ticks / TICKS


def _with_children(view: View) -> Value:
    return lambda record: view.ticks(record) / TICKS


def clock(seconds: int) -> str:
    """[DD-]hh:mm:ss"""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{days}-{hour:02}:{minute:02}:{second:02}" if days else f"{hour:02}:{minute:02}:{second:02}"


def _clock(view: View) -> Text:
    known: dict[int, str] = {}

    def text(record: ProcessRecord) -> str:
        fields = record.fields
        seconds = (int(fields[11]) + int(fields[12])) // TICKS
        if seconds not in known:
            known[seconds] = clock(seconds)
        return known[seconds]

    return text


def _plain(view: View) -> Text:
    return lambda record: str(record.cpu_ticks // TICKS)


def _bsd(view: View) -> Text:
    def text(record: ProcessRecord) -> str:
        minutes, seconds = divmod(view.ticks(record) // TICKS, 60)
        return f"{minutes:3}:{seconds:02}"

    return text


COLUMNS = (
    Column("time", "TIME", 8, RIGHT, _clock, _seconds, standard=True),
    Column("atime", "TIME", 8, RIGHT, _clock, _seconds),
    Column("cputime", "TIME", 8, RIGHT, _clock, _seconds),
    Column("cputimes", "TIME", 8, RIGHT, _plain, _seconds),
    Column("times", "TIME", 8, RIGHT, _plain, _seconds),
    Column("bsdtime", "TIME", 6, RIGHT, _bsd, _with_children),
)
