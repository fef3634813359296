"""Whom the kernel would end first when memory runs out (proc_pid_oom_score(5), proc_pid_oom_score_adj(5))."""

from __future__ import annotations

from procession.table import files
from procession.table.columns.base import RIGHT, THREAD, Column, as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.columns.base import Value, View


def _number(name: str, heading: str, width: int, file: str) -> Column:
    def value(view: View) -> Value:
        return lambda record: int(record.read(file) or 0)

    return Column(name, heading, width, RIGHT, as_text(value), value, (file,), shown=THREAD)


COLUMNS = (
    _number("oom", "OOM", 4, files.OOM_SCORE),
    _number("oomadj", "OOMADJ", 5, files.OOM_SCORE_ADJ),
)
