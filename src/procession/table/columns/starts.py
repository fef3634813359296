"""When it started, and how long ago."""

from __future__ import annotations

import time

from procession.table.columns.base import RIGHT, Column
from procession.table.record import TICKS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.table.columns.base import Text, Value, View
    from procession.table.record import ProcessRecord

_DAY = 24 * 3600


def _second(view: View, record: ProcessRecord) -> int:
    """Unix time, rounded twice as procps does: the boot down to a second, and the start after it."""
    return view.boot_time + record.starttime // TICKS


def _cached(write: Callable[[View, int], str]) -> Callable[[View], Text]:
    """Many processes start in the same second."""

    def text(view: View) -> Text:
        known: dict[int, str] = {}

        def cell(record: ProcessRecord) -> str:
            second = _second(view, record)
            if second not in known:
                known[second] = write(view, second)
            return known[second]

        return cell

    return text


def _stime(view: View, second: int) -> str:
    """hh:mm of today, else the day, else the year."""
    start, now = time.localtime(second), time.localtime(view.now)
    if start.tm_year != now.tm_year:
        return time.strftime("%Y", start)
    return time.strftime("%H:%M" if start.tm_yday == now.tm_yday else "%b%d", start)


def _start(view: View, second: int) -> str:
    """hh:mm:ss in the first 24 hours, then the day."""
    start = time.localtime(second)
    return time.strftime("%H:%M:%S" if second + _DAY > int(view.now) else "  %b %d", start)


def _bsdstart(view: View, second: int) -> str:
    start = time.localtime(second)
    if int(view.now) - second > _DAY:
        return f"{time.strftime('%b', start)} {start.tm_mday:2}"
    return time.strftime(" %H:%M", start)


def _lstart(view: View, second: int) -> str:
    start = time.localtime(second)
    if view.date_format:
        return time.strftime(view.date_format, start)
    return f"{time.strftime('%a %b', start)} {start.tm_mday:2} {time.strftime('%H:%M:%S %Y', start)}"


def iso(second: float) -> str:
    """ISO 8601 with the offset of the local time zone, to the hundredth of a second."""
    whole = int(second)
    local = time.localtime(whole)
    offset = time.strftime("%z", local)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', local)}.{int((second - whole) * 100):02}{offset[:3]}:{offset[3:]}"


def _moment(view: View) -> Value:
    return lambda record: iso(record.created)


def _by_start(view: View) -> Value:
    return lambda record: record.starttime


def _elapsed(view: View) -> Value:
    return lambda record: view.elapsed(record) / TICKS


def _etime(view: View) -> Text:
    """[[DD-]hh:]mm:ss"""

    def text(record: ProcessRecord) -> str:
        minutes, second = divmod(view.elapsed(record) // TICKS, 60)
        hours, minute = divmod(minutes, 60)
        days, hour = divmod(hours, 24)
        if days:
            return f"{days}-{hour:02}:{minute:02}:{second:02}"
        return f"{hour:02}:{minute:02}:{second:02}" if hour else f"{minute:02}:{second:02}"

    return text


def _etimes(view: View) -> Text:
    return lambda record: str(view.elapsed(record) // TICKS)


def _started(name: str, heading: str, width: int, write: Callable[[View, int], str]) -> Column:
    return Column(name, heading, width, RIGHT, _cached(write), _moment, sort=_by_start)


COLUMNS = (
    _started("stime", "STIME", 5, _stime),
    _started("start_time", "START", 5, _stime),
    _started("start", "STARTED", 8, _start),
    _started("bsdstart", "START", 6, _bsdstart),
    _started("lstart", "STARTED", 24, _lstart),
    Column("etime", "ELAPSED", 11, RIGHT, _etime, _elapsed, standard=True),
    Column("etimes", "ELAPSED", 7, RIGHT, _etimes, _elapsed),
)
