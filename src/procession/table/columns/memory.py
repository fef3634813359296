"""Memory: KiB in the columns (but for m_size and sz), bytes in JSON.

The resident size is that of status: the one of stat counts in batches per CPU and may be off by megabytes.
"""

from __future__ import annotations

from procession.table import files
from procession.table.columns.base import ALWAYS, LEFT, PROCESS, RIGHT, Column, stat_text, stat_value
from procession.table.record import PAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.table.columns.base import Text, Value, View
    from procession.table.record import ProcessRecord

_KIB = 1024
_UNLIMITED = 2**64 - 1  # RLIM_INFINITY


def kibibytes(value: Callable[[View], Value], unit: int = _KIB) -> Callable[[View], Text]:
    """What prints a number of bytes, in units of so many; short with -h."""

    def text(view: View) -> Text:
        get = value(view)
        if view.human:
            from procession.units import size

            return lambda record: size(get(record)).replace(" ", "")
        return lambda record: str(get(record) // unit)

    return text


def _resident(view: View) -> Value:
    return lambda record: record.status_kilobytes(b"VmRSS") * _KIB


def _swappable(view: View) -> Value:
    return lambda record: (record.status_kilobytes(b"VmData") + record.status_kilobytes(b"VmStk")) * _KIB


def _code(record: ProcessRecord) -> int:
    """Bytes; the addresses are 0 or 1 for processes that are not ours (ptrace(2), PTRACE_MODE_READ)."""
    return int(record.fields[24]) - int(record.fields[23]) if record.vsize else 0


def _text_size(view: View) -> Value:
    return _code


def _data_size(view: View) -> Value:
    return lambda record: record.vsize - _code(record)


def _share(view: View) -> Value:
    total = view.memory_total
    return lambda record: round(100 * record.status_kilobytes(b"VmRSS") * _KIB / total, 3)


def _share_text(view: View) -> Text:
    total = view.memory_total // _KIB

    def text(record: ProcessRecord) -> str:
        value = min(record.status_kilobytes(b"VmRSS") * 1000 // total, 999)
        return f"{value // 10:2}.{value % 10}"

    return text


def _limit_text(view: View) -> Text:
    def text(record: ProcessRecord) -> str:
        limit = int(record.fields[22])
        return "xx" if limit == _UNLIMITED else f"{limit // _KIB:5}"

    return text


def _limit(view: View) -> Value:
    def value(record: ProcessRecord) -> int | None:
        limit = int(record.fields[22])
        return None if limit == _UNLIMITED else limit

    return value


def _size(
    name: str, heading: str, width: int, value: Callable[[View], Value], needs: tuple[str, ...] = (),
    *, unit: int = _KIB, align: str = RIGHT, standard: bool = False,
) -> Column:  # fmt: skip
    key = _resident if value is _resident else _VSIZE  # ps sorts by it whatever part of it is shown
    return Column(
        name, heading, width, align, kibibytes(value, unit), value, needs, key, PROCESS, size=True,
        standard=standard,
    )  # fmt: skip


_S = (files.STATUS,)
_VSIZE = stat_value(20)

COLUMNS = (
    _size("vsz", "VSZ", 6, _VSIZE, standard=True),
    _size("vsize", "VSZ", 6, _VSIZE),
    _size("sz", "SZ", 5, _VSIZE, unit=PAGE),
    Column("m_size", "SIZE", 5, RIGHT, stat_text(20), _VSIZE, shown=PROCESS, size=True),
    _size("rss", "RSS", 5, _resident, _S),
    _size("rssize", "RSS", 5, _resident, _S),
    _size("rsz", "RSZ", 5, _resident, _S),
    _size("sgi_rss", "RSS", 4, _resident, _S, align=LEFT),
    _size("size", "SIZE", 5, _swappable, _S),
    _size("trs", "TRS", 4, _text_size),
    _size("trss", "TRSS", 4, _text_size),
    _size("tsiz", "TSIZ", 4, _text_size),
    _size("m_trs", "TRS", 5, _text_size),
    _size("drs", "DRS", 5, _data_size),
    _size("dsiz", "DSIZ", 4, _data_size),
    _size("m_drs", "DRS", 5, _data_size),
    Column("pmem", "%MEM", 4, RIGHT, _share_text, _share, _S, _resident, PROCESS),
    Column("%mem", "%MEM", 4, RIGHT, _share_text, _share, _S, _resident, PROCESS),
    Column("lim", "LIM", 5, RIGHT, _limit_text, _limit, shown=ALWAYS, sort=stat_value(22)),
)
