"""Its security label (proc_pid_attr(5)): of SELinux, AppArmor or Smack."""

from __future__ import annotations

from procession.table import files
from procession.table.columns.base import LEFT, Column

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.columns.base import Text, Value, View
    from procession.table.record import ProcessRecord


def _label(record: ProcessRecord) -> str | None:
    data = record.read(files.LABEL) or b""
    end = next((at for at, byte in enumerate(data) if not 32 <= byte < 127), len(data))
    return data[:end].decode("ascii") or None


def _value(view: View) -> Value:
    return _label


def _text(view: View) -> Text:
    return lambda record: _label(record) or "-"


def _column(name: str, heading: str) -> Column:
    return Column(name, heading, 31, LEFT, _text, _value, (files.LABEL,), _text)


COLUMNS = (_column("label", "LABEL"), _column("context", "CONTEXT"), _column("zone", "ZONE"))
