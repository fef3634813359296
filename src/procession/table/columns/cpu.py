"""The share of a CPU over the whole life of a process: CPU time through elapsed time."""

from __future__ import annotations

from procession.table.columns.base import RIGHT, Column

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.table.columns.base import Text, Value, View
    from procession.table.record import ProcessRecord


def per_mille(view: View) -> Value:
    """In thousandths of one CPU, rounded down; more than 1000 for many threads."""
    now = view.began_ticks
    if view.with_children:

        def share(record: ProcessRecord) -> int:
            elapsed = view.elapsed(record)
            return view.ticks(record) * 1000 // elapsed if elapsed else 0
    else:

        def share(record: ProcessRecord) -> int:  # for every row of -f and -l: no call of ours
            fields = record.fields
            elapsed = now - int(fields[19])
            return (int(fields[11]) + int(fields[12])) * 1000 // elapsed if elapsed > 0 else 0

    return share


def _percent(view: View) -> Value:
    def share(record: ProcessRecord) -> float:
        ticks, elapsed = view.ticks(record), view.elapsed(record)
        return round(100 * ticks / elapsed, 3) if elapsed else 0.0

    return share


def _short(view: View) -> Text:
    share = per_mille(view)
    return lambda record: f"{min(share(record) // 10, 99):2}"


def _usual(view: View) -> Text:
    share = per_mille(view)

    def text(record: ProcessRecord) -> str:
        value = share(record)
        return f"{value // 10}.{value % 10}" if value <= 999 else str(value // 10)

    return text


def _thousandths(view: View) -> Text:
    share = per_mille(view)
    return lambda record: f"{min(share(record), 999):3}"


def _exact(with_children: bool) -> Callable[[View], Text]:
    get = _whole(with_children)

    def text(view: View) -> Text:
        share = get(view)

        def exact(record: ProcessRecord) -> str:
            value = share(record)
            return f"{99.999 if value > 99 else value:.3f}"

        return exact

    return text


def _whole(with_children: bool) -> Callable[[View], Value]:
    def value(view: View) -> Value:
        def share(record: ProcessRecord) -> float:
            ticks, elapsed = record.cpu_ticks, view.elapsed(record)
            if with_children:
                ticks += record.cutime + record.cstime
            return 100 * ticks / elapsed if elapsed else 0.0

        return share

    return value


COLUMNS = (
    Column("pcpu", "%CPU", 4, RIGHT, _usual, _percent, standard=True),
    Column("%cpu", "%CPU", 4, RIGHT, _usual, _percent),
    Column("c", "C", 2, RIGHT, _short, _percent),
    Column("util", "C", 2, RIGHT, _short, _percent),
    Column("cp", "CP", 3, RIGHT, _thousandths, _percent),
    Column("cuu", "%CUU", 6, RIGHT, _exact(False), _whole(False)),
    Column("cuc", "%CUC", 7, RIGHT, _exact(True), _whole(True)),
)
