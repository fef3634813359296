"""The order of a listing: by any columns, each up or down."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from procession.table.columns.base import Column, View
    from procession.table.record import ProcessRecord


def ordered(
    records: Iterable[ProcessRecord], keys: Iterable[tuple[Column, bool]], view: View
) -> list[ProcessRecord]:
    """By the first key, among equals by the second and so on; the rest stays in its order.  True: descending.
    Text is compared as the locale wants it (locale(7), LC_COLLATE)."""
    found = list(records)
    for column, descending in reversed(list(keys)):
        key = _comparable(column.key(view))
        found.sort(key=key, reverse=descending)
    return found


def _comparable(key: Callable[[ProcessRecord], Any]) -> Callable[[ProcessRecord], Any]:
    """Values of None come first; text is collated."""
    collate = _collation()

    def comparable(record: ProcessRecord) -> tuple[bool, Any]:
        value = key(record)
        return (True, collate(value)) if isinstance(value, str) else (value is not None, value or 0)

    return comparable


def _collation() -> Callable[[str], Any]:
    for name in ("LC_ALL", "LC_COLLATE", "LANG"):
        wanted = os.environ.get(name)
        if wanted:
            break
    if not wanted or wanted.partition(".")[0] in ("C", "POSIX"):
        return os.fsencode
    import locale

    try:
        locale.setlocale(locale.LC_COLLATE, "")
    except locale.Error:  # there is no such locale here
        return os.fsencode
    return locale.strxfrm
