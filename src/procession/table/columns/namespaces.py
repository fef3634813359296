"""The namespaces that it lives in, by inode (namespaces(7)); of others' processes they are not ours to know."""

from __future__ import annotations

from procession.table.columns.base import RIGHT, Column

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.columns.base import Text, Value, View
    from procession.table.record import ProcessRecord


def _inode(record: ProcessRecord, kind: str) -> int | None:
    target = record.link(f"ns/{kind}")  # "mnt:[4026531832]"
    return int(target[target.index("[") + 1 : -1]) if target else None


def _namespace(kind: str) -> Column:
    def value(view: View) -> Value:
        return lambda record: _inode(record, kind)

    def text(view: View) -> Text:
        return lambda record: str(_inode(record, kind) or "-")

    def key(view: View) -> Value:
        return lambda record: _inode(record, kind) or 0

    return Column(f"{kind}ns", f"{kind}ns".upper(), 10, RIGHT, text, value, sort=key)


COLUMNS = tuple(map(_namespace, ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")))
