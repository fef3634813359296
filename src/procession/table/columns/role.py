"""What a process is to us: a worker of a pool and its task, the owner of a pool, a copy.  Not known to ps."""

from __future__ import annotations

from procession.table import files
from procession.table.columns.base import PROCESS, WIDE, Column

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.columns.base import Text, Value, View


def _value(view: View) -> Value:
    return view.roles.of


def _text(view: View) -> Text:
    from procession.table.columns.printable import printable

    return lambda record: printable((view.roles.of(record) or "-").encode("utf-8", "replace"), view.utf8)


COLUMNS = (
    Column("role", "ROLE", 32, WIDE, _text, _value, (files.CMDLINE,), _text, PROCESS),
    Column("what", "WHAT", 32, WIDE, _text, _value, (files.CMDLINE,), _text, PROCESS),
)
