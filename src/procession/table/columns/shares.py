"""What memory is its own: from smaps_rollup, which only the owner may read."""

from __future__ import annotations

from procession.table import files
from procession.table.columns.base import PROCESS, RIGHT, Column
from procession.table.columns.memory import kibibytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.columns.base import Value, View

_KIB = 1024


def _pss(view: View) -> Value:
    return lambda record: None if record.pss is None else record.pss * _KIB


def _uss(view: View) -> Value:
    return lambda record: None if record.uss is None else record.uss * _KIB


def _pss_or_0(view: View) -> Value:
    return lambda record: (record.pss or 0) * _KIB


def _uss_or_0(view: View) -> Value:
    return lambda record: (record.uss or 0) * _KIB


_ROLLUP = (files.SMAPS_ROLLUP,)

COLUMNS = (
    Column("pss", "PSS", 5, RIGHT, kibibytes(_pss_or_0), _pss, _ROLLUP, _pss_or_0, PROCESS, size=True),
    Column("uss", "USS", 5, RIGHT, kibibytes(_uss_or_0), _uss, _ROLLUP, _uss_or_0, PROCESS, size=True),
)
